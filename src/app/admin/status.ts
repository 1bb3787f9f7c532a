import { REJECT_CATEGORIES } from '../../memory/extent-ring.ts'
import type { BreakerStatus, DispatcherStatus } from '../../pipeline/dispatch/dispatcher-options.ts'
import type { EventLagStatus, LagSummary } from '../../pipeline/intake/event-lag.ts'
import { LANES } from '../../pipeline/ledger.ts'
import type { Ledger, SinkCounts, SourceCounts } from '../../pipeline/ledger.ts'
import type { JournalStatus, Observed } from './observed.ts'
import type { ReplayStatus } from '../../sources/dlq/index.ts'

/** What `/status` answers: the ledger and the state of every part, read in one step, so that the equations hold. */
export function statusOf(observed: Observed, wallClockMs = Date.now()) {
  const counts = new Map(observed.ledger.sinks.map((sink) => [sink.name, sink]))
  return {
    version: observed.version,
    uptime_s: Math.floor(observed.uptimeS()),
    state: observed.state(),
    not_ready: observed.notReady(),
    ledger: ledgerStatus(observed.ledger),
    arena: { slabs: observed.slabs() },
    workers: observed.workers(),
    cpu_pinning: observed.cpuPinning(),
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
    event_time: mapValues(observed.eventLag(), eventTimeStatus),
    sinks: mapValues(observed.sinks(), (status, name) => ({
      ...dispatcherStatus(status, wallClockMs),
      ...orderStatus(counts.get(name)!),
    })),
    journal: journalStatus(observed.journal()),
    replay: replayStatus(observed.replay()),
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

function eventTimeStatus({ lastMinute, sinceStart, untimed, ahead }: EventLagStatus) {
  return { last_minute: lagStatus(lastMinute), since_start: lagStatus(sinceStart), untimed, ahead }
}

function lagStatus({ events, lagMs, skewMs }: LagSummary) {
  return { events, lag_ms: lagMs, skew_ms: skewMs }
}

function dispatcherStatus(status: DispatcherStatus, wallClockMs: number) {
  const { sending, ready, retrying, refused, givingUp } = status.batches
  const { mode, allowed, rttMs } = status.concurrency
  return {
    state: status.state,
    waiting_for_operator: status.waitingForOperator,
    batches: { sending, ready, retrying, refused, giving_up: givingUp },
    frames_waiting: status.framesWaiting,
    lagging: status.lagging,
    oldest_ms: status.oldestMs,
    paused_for_ms: Math.round(status.pausedForMs),
    last_failure: status.lastFailure,
    breaker: breakerStatus(status.breaker, wallClockMs),
    concurrency: { mode, allowed, rtt_ms: rttMs === null ? null : Math.round(rttMs * 10) / 10 },
    rate_limit: limitsStatus(status.limits),
  }
}

/** Of what was delivered since the start. */
function orderStatus({ deliveredNow, outOfOrder }: SinkCounts) {
  const share = deliveredNow === 0 ? 0 : outOfOrder / deliveredNow
  return { out_of_order_events: outOfOrder, out_of_order_share: share }
}

function breakerStatus({ state, cause, nextProbeMs, failures }: BreakerStatus, wallClockMs: number) {
  const nextProbe = state === 'open' ? new Date(wallClockMs + nextProbeMs).toISOString() : null
  return { state, cause, next_probe: nextProbe, failures }
}

function limitsStatus(limits: DispatcherStatus['limits']) {
  if (limits === null) return null
  const { near, keys, waitingKeys, sharedRequests, quotaUsedUp } = limits
  return {
    near,
    keys,
    waiting_keys: waitingKeys,
    shared_requests: sharedRequests,
    quota_used_up:
      quotaUsedUp === undefined
        ? null
        : { keys: quotaUsedUp.keys, for_s: Math.round(quotaUsedUp.forMs / 1000) },
  }
}

/** As it is shown; null before the first one. */
export function replayStatus(replay: ReplayStatus | null) {
  if (replay === null) return null
  const { startedAt, waitingFor, ...rest } = replay
  return { ...rest, started_at: startedAt, waiting_for: waitingFor }
}

function byLane(counts: readonly number[]) {
  return Object.fromEntries(LANES.map((lane, index) => [lane, counts[index] ?? 0]))
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, map: (value: From, name: string) => To) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]))
}
