import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Clock } from '../base/clock.ts'
import type { RateLimitedLog } from './rate-limited-log.ts'
import { ReplayEvents } from './replay-events.ts'

/** Where a segment holds no frame that can be believed. */
interface JournalDamage {
  readonly reason: string
  readonly offset: number
  readonly end: number
  readonly lost: Readonly<Record<string, number>>
}

/** What happens to the journal on disk: the part of TelemetryEvents that is its. */
export class JournalEvents extends ReplayEvents {
  readonly #failures: Counter

  constructor(options: { registry: Registry; log: RateLimitedLog; clock: Clock }) {
    super(options)
    this.#failures = new Counter({
      name: 'spillway_journal_disk_failures_total',
      help: 'Failed attempts to write to the journal; each was tried again',
      registers: [options.registry],
    })
  }

  /** Nothing is acknowledged until it works again. */
  journalDiskFailing(reason: string, retryMs: number): void {
    this.#failures.inc()
    const message = 'the journal cannot be written, trying again: free space, or see to the disk'
    this.write('error', 'journal_failing', 'journal', message, { reason, retry_ms: retryMs })
  }

  journalDiskRecovered(outageMs: number): void {
    const fields = { outage_ms: Math.round(outageMs) }
    this.write('info', 'journal_recovered', 'journal', 'the journal is written again', fields)
  }

  /** What is no longer needed stays on disk for now. */
  journalRemovalFailing(reason: string): void {
    const message = 'segments that are no longer needed cannot be removed, trying again'
    this.write('error', 'journal_removal_failing', 'journal', message, { reason })
  }

  /** What a crash does to the write that was under way; the other slot holds what was synced before. */
  stateSlotBad(slot: number, reason: string): void {
    const message = 'one of the two copies of the state of the journal cannot be read, the other one holds'
    this.write('warn', 'journal_state_slot_bad', 'journal', message, { slot, reason })
  }

  stateLost(reason: string): void {
    const message =
      'how far sinks had come is lost: what the journal still holds is sent again, counters of sinks begin anew'
    this.write('error', 'journal_state_lost', 'journal', message, { reason })
  }

  /** The operator gave up what was kept for a sink that has left the configuration. */
  sinkDetached(sink: string, discarded: number): void {
    this.write('warn', 'sink_detached', sink, 'what was kept for a sink was discarded', { discarded })
  }

  /** A sink that has left the configuration keeps what it has not got. */
  sinkLeft(sink: string, held: number): void {
    const message =
      'a sink that is no longer configured keeps its place in the journal: configure it again, or give it up with `spillway journal detach`'
    this.write('warn', 'sink_left', sink, message, { held })
  }

  /** Events that were offered to a sink are lost. */
  eventsDiscarded(sink: string, reason: string, count: number): void {
    const message = 'events that were accepted for a sink are damaged in the journal and cannot be delivered'
    this.write('error', 'events_discarded', sink, message, { reason, count })
  }

  journalReadFailing(sink: string, reason: string, retryMs: number): void {
    const message =
      'the journal cannot be read back for a sink, trying again: see to the disk, or to what the reason says'
    this.write('error', 'journal_read_failing', sink, message, { reason, retry_ms: retryMs })
  }

  /** Sinks go on; what they settle meanwhile is sent again after a crash. */
  journalStateFailing(reason: string, retryMs: number): void {
    const message = 'the state of the journal cannot be written, trying again: see to the disk'
    this.write('error', 'journal_state_failing', 'journal', message, { reason, retry_ms: retryMs })
  }

  // What earlier runs left

  journalFileForeign(name: string): void {
    this.write('warn', 'journal_file_foreign', 'journal', 'a file is none of the journal: left alone', {
      name,
    })
  }

  /** A write that a crash broke off: nobody was told that it is stored. */
  journalTailCut(name: string, offset: number, bytes: number): void {
    this.write('warn', 'journal_tail_cut', 'journal', 'cut off an unfinished write', { name, offset, bytes })
  }

  /** Frames are damaged or missing. `lost`: accepted events with them, by source, as far as is known. */
  journalDamaged(name: string, damage: JournalDamage): void {
    const { reason, offset, end, lost } = damage
    const message = 'the journal is damaged: see `spillway journal verify` and the quarantine'
    this.write('error', 'journal_damaged', 'journal', message, { name, reason, offset, end, lost })
  }

  journalFileFailing(name: string, reason: string): void {
    const message = 'a file of the journal can be neither read nor tidied up: it is left as it is'
    this.write('error', 'journal_file_failing', 'journal', message, { name, reason })
  }

  journalQuarantined(name: string, directory: string): void {
    const message = 'a copy of the damaged segment is kept, with a report'
    this.write('info', 'journal_quarantined', 'journal', message, { name, directory })
  }

  journalQuarantineFailing(name: string, reason: string): void {
    const message = 'no copy of the damaged segment could be made'
    this.write('error', 'journal_quarantine_failing', 'journal', message, { name, reason })
  }

  /** Sources are not read until sinks have caught up. */
  journalFull(maxBytes: number): void {
    const message =
      'the journal is full, nothing more is taken in: see why sinks lag, or raise journal.max_bytes'
    this.write('error', 'journal_full', 'journal', message, { max_bytes: maxBytes })
  }

  journalHasRoom(): void {
    this.write('info', 'journal_has_room', 'journal', 'the journal has room again', {})
  }

  /** As the operator wants it (journal.shed): events of a lower severity are dropped, and counted by source. */
  sheddingBegan(severityBelow: number, fill: number): void {
    const message = 'the journal fills: events of low severity are dropped, as journal.shed says'
    const fields = { severity_below: severityBelow, fill_percent: Math.round(fill * 100) }
    this.write('error', 'shedding_began', 'journal', message, fields)
  }

  sheddingEnded(): void {
    this.write('info', 'shedding_ended', 'journal', 'no events are dropped any more', {})
  }

  /** This run is in memory mode. */
  journalLeftBehind(): void {
    const message =
      'an earlier run has left a journal on disk: what it holds is not delivered in memory mode, and waits for journal: { mode: disk }'
    this.write('warn', 'journal_left_behind', 'journal', message, {})
  }
}
