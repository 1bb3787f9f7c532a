import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Clock } from '../base/clock.ts'
import { computedCounter } from './computed-metric.ts'
import type { RateLimitedLog } from './rate-limited-log.ts'
import { JournalEvents } from './journal-events.ts'

export type PauseReason =
  | 'arena_full'
  | 'over_share'
  | 'dead_letters_failing'
  | 'workers_unavailable'
  | 'journal_failing'
  | 'journal_full'

/** First of the records that were refused together; shown in the log, so without the record's bytes. */
export interface RejectedExample {
  readonly category: string
  readonly path?: string
  readonly expected?: string
  readonly peer?: string
}

interface Pauses {
  count: number
  totalMs: number
  /** When the pause that lasts began; null while the source is read. */
  sinceMs: number | null
}

/**
 * What happens in the collector, one function an event (those of sinks are in SinkEvents, those of delivery control in
 * DeliveryEvents, those of polls in PollEvents, those of the journal in JournalEvents): it bumps the counter and writes the rate-limited line, so that they can't
 * disagree. WARN is unexpected but nothing is lost; ERROR means that data is lost or the operator must act. Called per
 * extent, batch, connection or fault, never per record: the ledger counts those.
 */
export class TelemetryEvents extends JournalEvents {
  readonly #clock: Clock
  readonly #pauses = new Map<string, Pauses>()
  readonly #refusedConnections: Counter<'source' | 'reason'>
  readonly #refusedRequests: Counter<'source' | 'status'>
  readonly #workerDeaths: Counter
  readonly #crossChecks: Counter<'result'>
  readonly #dlqFailures: Counter

  constructor(options: { registry: Registry; log: RateLimitedLog; clock: Clock }) {
    super(options)
    this.#clock = options.clock
    const registers = [options.registry]
    this.#exportPauses(options.registry)
    this.#refusedConnections = new Counter({
      name: 'spillway_refused_connections_total',
      help: 'Connections closed unread: the limit is reached, or they were idle with an unfinished record',
      labelNames: ['source', 'reason'],
      registers,
    })
    this.#refusedRequests = new Counter({
      name: 'spillway_refused_requests_total',
      help: 'Requests answered with 4xx or 5xx, by status',
      labelNames: ['source', 'status'],
      registers,
    })
    this.#workerDeaths = new Counter({
      name: 'spillway_worker_deaths_total',
      help: 'Worker threads that died or were ended because they stood still',
      registers,
    })
    this.#crossChecks = new Counter({
      name: 'spillway_cross_checks_total',
      help: 'Records that the scanner and JSON.parse were compared on; `differ` must stay 0',
      labelNames: ['result'],
      registers,
    })
    this.#dlqFailures = new Counter({
      name: 'spillway_dlq_disk_failures_total',
      help: 'Failed attempts to write dead letters; each was tried again',
      registers,
    })
  }

  // Sources

  /** The source is no longer read because there is no room. Repeated calls while it is paused change nothing. */
  sourcePaused(source: string, reason: PauseReason): void {
    const pauses = this.#pausesOf(source)
    if (pauses.sinceMs !== null) return
    pauses.sinceMs = this.#clock.now()
    pauses.count++
    this.write('warn', 'source_paused', source, 'not reading: there is no room', { reason })
  }

  sourceResumed(source: string): void {
    const pauses = this.#pausesOf(source)
    if (pauses.sinceMs === null) return
    const pausedMs = this.#clock.now() - pauses.sinceMs
    pauses.totalMs += pausedMs
    pauses.sinceMs = null
    this.write('info', 'source_resumed', source, 'reading again', { paused_ms: Math.round(pausedMs) })
  }

  /** `count` records of one extent were refused; the ledger has counted them. */
  recordsRejected(source: string, count: number, example?: RejectedExample): void {
    this.write('warn', 'records_rejected', source, 'records were refused, see the dead letters', {
      count,
      ...example,
    })
  }

  connectionRefused(source: string, peer: string, reason: 'limit' | 'idle' | 'error'): void {
    this.#refusedConnections.inc({ source, reason })
    this.write('warn', `connection_refused_${reason}`, source, 'connection closed', { reason, peer })
  }

  requestRefused(source: string, peer: string, status: number, reason: string): void {
    this.#refusedRequests.inc({ source, status })
    this.write('warn', `request_refused_${status}`, source, 'request refused', { status, reason, peer })
  }

  /** This Node can't read from the kernel into memory of our choice. */
  kernelReadMissing(source: string): void {
    this.write(
      'warn',
      'kernel_read_missing',
      source,
      'reading with a copy more: this Node cannot read into the arena',
    )
  }

  /** The rest of an input that has an end is not read. */
  inputFailed(source: string, reason: string): void {
    this.write('error', 'input_failed', source, 'the input can no longer be read', { reason })
  }

  receptionStopMissing(source: string): void {
    this.write(
      'warn',
      'reception_stop_missing',
      source,
      'this Node cannot stop to receive: datagrams without room are discarded here, not left to the kernel',
    )
  }

  /** What the kernel lets datagrams wait in; less than was asked for where its own limit is lower. */
  receiveBufferGranted(source: string, askedBytes: number, grantedBytes: number): void {
    const fields = { asked_bytes: askedBytes, granted_bytes: grantedBytes }
    if (grantedBytes >= askedBytes) {
      this.write('info', 'receive_buffer_granted', source, 'the kernel grants the receive buffer', fields)
    } else {
      const message =
        'the kernel grants a smaller receive_buffer than asked for: raise its limit (sysctl net.core.rmem_max)'
      this.write('warn', 'receive_buffer_small', source, message, fields)
    }
  }

  receiveFailed(source: string, reason: string): void {
    this.write('warn', 'receive_failed', source, 'receiving a datagram failed', { reason })
  }

  /** The kernel's own count, which is exported as it is (`spillway_kernel_udp_drops_total`). */
  kernelDropped(source: string, count: number, total: number): void {
    this.write('warn', 'kernel_dropped', source, 'the kernel dropped datagrams: they are lost', {
      count,
      total,
    })
  }

  /** The source's own count, which is exported as it is (`spillway_discarded_datagrams_total`). */
  datagramsDiscarded(source: string, count: number, total: number): void {
    this.write('warn', 'datagrams_discarded', source, 'no room: datagrams were discarded', { count, total })
  }

  /** In the kernel's measure, with its overhead. */
  datagramsUnread(source: string, bytes: number): void {
    this.write('warn', 'datagrams_unread', source, 'stopped; datagrams that were not read yet are lost', {
      bytes,
    })
  }

  // Workers

  /** A worker thread ended unasked; what it was doing is given to another one. */
  workerDied(reason: string): void {
    this.#workerDeaths.inc()
    this.write('warn', 'worker_died', 'workers', 'a worker died, its work is done again', { reason })
  }

  /** One record killed its worker twice and is a dead letter now. */
  recordKilledWorker(source: string): void {
    this.write('error', 'record_killed_worker', source, 'a record that kills workers was dead-lettered')
  }

  workersUnavailable(reason: string): void {
    this.write('error', 'workers_unavailable', 'workers', 'workers cannot start: sources are paused', {
      reason,
    })
  }

  workersRecovered(): void {
    this.write('info', 'workers_recovered', 'workers', 'workers start again')
  }

  /** Result of comparing the scanner with JSON.parse on a sample. `differing` above 0 is a defect of the scanner. */
  scannerCrossChecked(source: string, checked: number, differing: number): void {
    this.#crossChecks.inc({ result: 'same' }, checked - differing)
    if (differing === 0) return
    this.#crossChecks.inc({ result: 'differ' }, differing)
    this.write('error', 'scanner_differs', source, 'the scanner and JSON.parse differ: please report this', {
      checked,
      differing,
    })
  }

  // Dead letters

  deadLetterDiskFailing(reason: string, retryMs: number): void {
    this.#dlqFailures.inc()
    this.write('error', 'dlq_failing', 'dlq', 'dead letters cannot be written, trying again', {
      reason,
      retry_ms: retryMs,
    })
  }

  deadLetterDiskRecovered(outageMs: number): void {
    this.write('info', 'dlq_recovered', 'dlq', 'dead letters are written again', {
      outage_ms: Math.round(outageMs),
    })
  }

  deadLettersEvicted(source: string, count: number, bytes: number): void {
    this.write('error', 'dead_letters_evicted', source, 'the dead-letter queue is full: oldest dropped', {
      count,
      bytes,
    })
  }

  /** A line that a crash left unfinished was cut off: nobody was told that it is stored. */
  deadLetterTorn(file: string, bytes: number): void {
    this.write('warn', 'dead_letter_torn', 'dlq', 'cut off an unfinished line', { file, bytes })
  }

  // Lifecycle

  shutdownStarted(reason: string): void {
    this.write('info', 'shutdown_started', 'app', 'stopping', { reason })
  }

  /** `kept`: not delivered, and in the journal for the next start. */
  shutdownDone(delivered: number, undelivered: number, kept: number): void {
    const level = undelivered > 0 ? 'warn' : 'info'
    const message =
      undelivered > 0
        ? 'stopped; what was not delivered is in the dead letters'
        : kept > 0
          ? 'stopped; what was not delivered is in the journal, and goes on with the next start'
          : 'stopped'
    const fields = { delivered_while_stopping: delivered, undelivered, kept }
    this.write(level, 'shutdown_done', 'app', message, fields)
  }

  /** The disk of the dead letters kept failing beyond the time to stop: what was held went nowhere. */
  heldLost(held: number): void {
    this.write('error', 'held_lost', 'app', 'dead letters could not be stored: what was held is lost', {
      held,
    })
  }

  /** The time to stop was over before all was validated that sources had taken: it is in no count of events. */
  uncommittedLost(bytes: number): void {
    this.write('error', 'uncommitted_lost', 'app', 'not all was validated in time: these bytes are lost', {
      bytes,
    })
  }

  /** The ledger does not balance: a defect. */
  ledgerImbalanced(imbalances: readonly unknown[]): void {
    this.write('error', 'ledger_imbalanced', 'app', 'the ledger does not balance: please report this', {
      imbalances,
    })
  }

  #pausesOf(source: string): Pauses {
    let pauses = this.#pauses.get(source)
    if (pauses === undefined) {
      pauses = { count: 0, totalMs: 0, sinceMs: null }
      this.#pauses.set(source, pauses)
    }
    return pauses
  }

  /** A pause counts while it lasts, so both are computed when asked for. */
  #exportPauses(registry: Registry): void {
    computedCounter(
      registry,
      {
        name: 'spillway_backpressure_total',
        help: 'Times that a source was not read for lack of room',
        labelNames: ['source'],
      },
      (add) => {
        for (const [source, { count }] of this.#pauses) add({ source }, count)
      },
    )
    computedCounter(
      registry,
      {
        name: 'spillway_backpressure_seconds_total',
        help: 'Time that a source was not read for lack of room',
        labelNames: ['source'],
      },
      (add) => {
        for (const [source, { totalMs, sinceMs }] of this.#pauses) {
          const lastingMs = sinceMs === null ? 0 : this.#clock.now() - sinceMs
          add({ source }, (totalMs + lastingMs) / 1000)
        }
      },
    )
  }
}
