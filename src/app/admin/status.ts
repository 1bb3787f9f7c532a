import { REJECT_CATEGORIES } from '../../memory/extent-ring.ts'
import type { DispatcherStatus } from '../../pipeline/dispatch/dispatcher-options.ts'
import { LANES } from '../../pipeline/ledger.ts'
import type { Ledger, SinkCounts, SourceCounts } from '../../pipeline/ledger.ts'
import type { JournalStatus, Observed } from './observed.ts'

/** What `/status` answers: the ledger and the state of every part, read in one step, so that the equations hold. */
export function statusOf(observed: Observed) {
  return {
    version: observed.version,
    uptime_s: Math.floor(observed.uptimeS()),
    state: observed.state(),
    not_ready: observed.notReady(),
    ledger: ledgerStatus(observed.ledger),
    arena: { slabs: observed.slabs() },
    workers: observed.workers(),
    rings: mapValues(observed.rings(), ({ depth, entries, uncommittedBytes }) => ({
      depth,
      entries,
      uncommitted_bytes: uncommittedBytes,
    })),
    datagrams: mapValues(observed.datagrams(), ({ kernelDrops, discarded, receiveBufferBytes }) => ({
      kernel_drops: kernelDrops,
      discarded,
      receive_buffer_bytes: receiveBufferBytes,
    })),
    polls: mapValues(observed.polls(), (urls) =>
      urls.map(({ url, lastSuccess, lastError, nextRequest }) => ({
        url,
        last_success: lastSuccess,
        last_error: lastError,
        next_request: nextRequest,
      })),
    ),
    sinks: mapValues(observed.sinks(), dispatcherStatus),
    journal: journalStatus(observed.journal()),
    dead_letter_bytes: observed.deadLetterBytes(),
    memory_limit_bytes: observed.memoryLimitBytes,
    resident_bytes: process.memoryUsage.rss(),
  }
}

export type Status = ReturnType<typeof statusOf>

export function readinessOf(observed: Observed) {
  const reasons = observed.notReady()
  return { ready: reasons.length === 0, reasons }
}

function ledgerStatus(ledger: Ledger) {
  const imbalances = ledger.imbalances()
  const { found, queued, replayed, purged, evicted } = ledger.dlq
  return {
    sources: Object.fromEntries(ledger.sources.map((source) => [source.name, sourceStatus(source)])),
    sinks: Object.fromEntries(ledger.sinks.map((sink) => [sink.name, sinkStatus(sink)])),
    dlq: { found, queued, replayed, purged, evicted },
    balanced: imbalances.length === 0,
    imbalances,
  }
}

function sourceStatus({ received, receivedBytes, accepted, rejected, shed, shedBy }: SourceCounts) {
  const byCategory = REJECT_CATEGORIES.map((category, index) => [category, rejected[index] ?? 0] as const)
  return {
    received,
    received_bytes: receivedBytes,
    accepted,
    rejected: Object.fromEntries(byCategory.filter(([, count]) => count > 0)),
    shed,
    shed_by_severity: Object.fromEntries([...shedBy.entries()].filter(([, count]) => count > 0)),
  }
}

function journalStatus(journal: JournalStatus | null) {
  if (journal === null) return null
  const { bytes, maxBytes, fill, segments, healthy, full, shedBelow, leftSinks } = journal
  return {
    bytes,
    max_bytes: maxBytes,
    fill,
    segments,
    healthy,
    full,
    shed_below: shedBelow,
    left_sinks: leftSinks,
  }
}

function sinkStatus(sink: SinkCounts) {
  return {
    filtered: sink.filtered,
    offered: byLane(sink.offered),
    delivered: byLane(sink.delivered),
    delivered_bytes: sink.deliveredBytes,
    held: byLane(sink.held()),
    dead_lettered: Object.fromEntries(sink.deadLettered),
    discarded: Object.fromEntries(sink.discarded),
  }
}

function dispatcherStatus(status: DispatcherStatus) {
  const { sending, ready, retrying, refused, givingUp } = status.batches
  return {
    state: status.state,
    waiting_for_operator: status.waitingForOperator,
    batches: { sending, ready, retrying, refused, giving_up: givingUp },
    frames_waiting: status.framesWaiting,
    lagging: status.lagging,
    oldest_ms: status.oldestMs,
    paused_for_ms: status.pausedForMs,
    last_failure: status.lastFailure,
  }
}

function byLane(counts: readonly number[]) {
  return Object.fromEntries(LANES.map((lane, index) => [lane, counts[index] ?? 0]))
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, map: (value: From) => To) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]))
}
