import type { Registry } from 'prom-client'
import { REJECT_CATEGORIES } from '../../memory/extent-ring.ts'
import { LANES } from '../../pipeline/ledger.ts'
import { computedCounter, computedGauge } from '../../telemetry/computed-metric.ts'
import type { Add, MetricDescription } from '../../telemetry/computed-metric.ts'
import type { Observed } from './observed.ts'

/** `journal.shed` is the only policy that drops events. */
const SHED_REASON = 'journal_full'

type Row = readonly [name: string, help: string, labelNames: readonly string[], compute: (add: Add) => void]

/** The ledger and the state of the parts as metrics, read at every scrape: nothing is counted twice on the way. */
export function exportLedger(registry: Registry, observed: Observed): void {
  for (const row of [
    ...sourceCounters(observed),
    ...datagramCounters(observed),
    ...sinkCounters(observed),
    ...queueCounters(observed),
  ]) {
    computedCounter(registry, describe(row), row[3])
  }
  for (const row of gauges(observed)) computedGauge(registry, describe(row), row[3])
}

function describe([name, help, labelNames]: Row): MetricDescription {
  return { name: `spillway_${name}`, help, labelNames }
}

function sourceCounters({ ledger }: Observed): Row[] {
  const each = (count: (source: (typeof ledger.sources)[number]) => number) => (add: Add) => {
    for (const source of ledger.sources) add({ source: source.name }, count(source))
  }
  const rejected = (add: Add) => {
    for (const source of ledger.sources) {
      for (const [index, category] of REJECT_CATEGORIES.entries()) {
        add({ source: source.name, category }, source.rejected[index] ?? 0)
      }
    }
  }
  const shed = (add: Add) => {
    for (const source of ledger.sources) {
      for (const [severity, count] of source.shedBy.entries()) {
        if (count > 0) add({ source: source.name, severity: String(severity), reason: SHED_REASON }, count)
      }
    }
  }
  return [
    ['received_events_total', 'Records framed', ['source'], each(({ received }) => received)],
    ['received_bytes_total', 'Bytes of records framed', ['source'], each((source) => source.receivedBytes)],
    ['accepted_events_total', 'Events accepted', ['source'], each(({ accepted }) => accepted)],
    ['rejected_events_total', 'Records refused, by category', ['source', 'category'], rejected],
    [
      'shed_events_total',
      'Events dropped as the operator wants it, by severity',
      ['source', 'severity', 'reason'],
      shed,
    ],
  ]
}

function datagramCounters(observed: Observed): Row[] {
  const each =
    (count: (status: ReturnType<Observed['datagrams']>[string]) => number | null) => (add: Add) => {
      for (const [source, status] of Object.entries(observed.datagrams())) {
        const value = count(status)
        if (value !== null) add({ source }, value)
      }
    }
  return [
    [
      'kernel_udp_drops_total',
      'Datagrams that the kernel dropped, most of them for want of room in its receive buffer',
      ['source'],
      each(({ kernelDrops }) => kernelDrops),
    ],
    [
      'discarded_datagrams_total',
      'Datagrams discarded for want of room, where this Node cannot leave them to the kernel',
      ['source'],
      each(({ discarded }) => discarded),
    ],
  ]
}

function sinkCounters({ ledger }: Observed): Row[] {
  type Sink = (typeof ledger.sinks)[number]
  const each = (count: (sink: Sink) => number) => (add: Add) => {
    for (const sink of ledger.sinks) add({ sink: sink.name }, count(sink))
  }
  const lanes = (counts: (sink: Sink) => readonly number[]) => (add: Add) => {
    for (const sink of ledger.sinks) addLanes(add, sink.name, counts(sink))
  }
  const labelled = (label: string, counts: (sink: Sink) => ReadonlyMap<string, number>) => (add: Add) => {
    for (const sink of ledger.sinks) {
      for (const [value, count] of counts(sink)) add({ sink: sink.name, [label]: value }, count)
    }
  }
  const bySink = ['sink']
  const byLane = ['sink', 'lane']
  return [
    ['filtered_events_total', 'Events that the `where` refused', bySink, each(({ filtered }) => filtered)],
    ['offered_events_total', 'Events that are for the sink', byLane, lanes(({ offered }) => offered)],
    ['delivered_events_total', 'Events delivered', byLane, lanes(({ delivered }) => delivered)],
    ['delivered_bytes_total', 'Bytes delivered', bySink, each((sink) => sink.deliveredBytes)],
    [
      'dead_lettered_events_total',
      'Events given up, now in the dead-letter queue',
      ['sink', 'category'],
      labelled('category', (sink) => sink.deadLettered),
    ],
    [
      'discarded_events_total',
      'Events discarded, by reason',
      ['sink', 'reason'],
      labelled('reason', (sink) => sink.discarded),
    ],
  ]
}

function queueCounters({ ledger: { dlq } }: Observed): Row[] {
  return [
    ['dlq_replayed_events_total', 'Dead letters replayed', [], (add) => add({}, dlq.replayed)],
    ['dlq_purged_events_total', 'Dead letters purged', [], (add) => add({}, dlq.purged)],
    ['dlq_evicted_events_total', 'Dead letters dropped for room', [], (add) => add({}, dlq.evicted)],
  ]
}

function gauges(observed: Observed): Row[] {
  const { ledger } = observed
  const held = (add: Add) => {
    for (const sink of ledger.sinks) addLanes(add, sink.name, sink.held())
  }
  const rings = (value: (ring: ReturnType<Observed['rings']>[string]) => number) => (add: Add) => {
    for (const [source, ring] of Object.entries(observed.rings())) add({ source }, value(ring))
  }
  const slabs = (add: Add) => {
    for (const [state, count] of Object.entries(observed.slabs())) add({ state }, count)
  }
  const journal = (value: (status: NonNullable<ReturnType<Observed['journal']>>) => number) => (add: Add) => {
    const status = observed.journal()
    if (status !== null) add({}, value(status))
  }
  return [
    ['held_events', 'Events in memory or in the journal for the sink', ['sink', 'lane'], held],
    ['dlq_events', 'Dead letters in the queue', [], (add) => add({}, ledger.dlq.queued)],
    ['dlq_found_events', 'Dead letters found at start', [], (add) => add({}, ledger.dlq.found)],
    ['dlq_bytes', 'Bytes of the dead-letter queue', [], (add) => add({}, observed.deadLetterBytes())],
    [
      'uncommitted_bytes',
      'Bytes read and not committed, which a crash would lose',
      ['source'],
      rings((ring) => ring.uncommittedBytes),
    ],
    ['ring_depth', 'Extents between cut and commit', ['source'], rings(({ depth }) => depth)],
    ['workers', 'Worker threads', [], (add) => add({}, observed.workers().threads)],
    ['journal_bytes', 'Bytes of the journal on disk', [], journal(({ bytes }) => bytes)],
    ['journal_limit_bytes', 'journal.max_bytes', [], journal(({ maxBytes }) => maxBytes)],
    ['arena_slabs', 'Slabs of the arena by state', ['state'], slabs],
    ['memory_limit_bytes', 'The ceiling printed at start', [], (add) => add({}, observed.memoryLimitBytes)],
  ]
}

function addLanes(add: Add, sink: string, counts: readonly number[]): void {
  for (const [index, lane] of LANES.entries()) add({ sink, lane }, counts[index] ?? 0)
}
