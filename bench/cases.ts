/** The cases as data: what is sent, what the collector is told, and what the figures should be. */
import type { Outage } from './load/receiver-thread.ts'

/** Names of figures end in their unit. */
export type Figures = Record<string, number | null>

export interface Target {
  readonly atMost: number
  /** Better than what is asked. */
  readonly wanted?: number
}

interface CaseBase {
  readonly name: string
  /** The table that it is a row of. */
  readonly table: 'end-to-end' | 'trickle' | 'faults'
  /** By figure. */
  readonly targets: Readonly<Record<string, Target>>
  /** What the sink is told beside its url; nothing: the shipped defaults. */
  readonly sink: object
}

/** As many events as are taken, through one source. */
export interface FloodCase extends CaseBase {
  readonly kind: 'flood'
  readonly source: 'tcp' | 'http'
  readonly connections: number
  readonly eventsPerWrite: number
  readonly events: number
  readonly malformedShare: number
  readonly outage: Outage | null
  /** Garbage collection counts from so long after the first event. */
  readonly warmUpS: number
}

/** A few events a second, through several sources. */
export interface TrickleCase extends CaseBase {
  readonly kind: 'trickle'
  readonly sources: readonly ('tcp' | 'http')[]
  /** Of each source. */
  readonly eventsPerSecond: number
  /** Events of one write, over HTTP of one request. */
  readonly eventsPerWrite: number
  readonly warmUpS: number
  readonly durationS: number
}

/** Connections that have sent one event, and then nothing. */
export interface IdleCase extends CaseBase {
  readonly kind: 'idle'
  readonly connectionsPerType: number
  readonly warmUpS: number
  readonly durationS: number
}

export type BenchCase = FloodCase | TrickleCase | IdleCase

const NOTHING_LOST = {
  lost: { atMost: 0 },
  duplicates: { atMost: 0 },
  strange: { atMost: 0 },
  unbalanced: { atMost: 0 },
} as const

const flood = {
  kind: 'flood',
  table: 'end-to-end',
  events: 4_000_000,
  malformedShare: 0,
  outage: null,
  warmUpS: 2,
  sink: {},
} as const

const overTcp = { source: 'tcp', connections: 2, eventsPerWrite: 500 } as const
const overHttp = { source: 'http', connections: 4, eventsPerWrite: 500 } as const
const inMemory = { ...NOTHING_LOST, rss_percent: { atMost: 100 } } as const

const sixSources = {
  sources: ['tcp', 'tcp', 'tcp', 'http', 'http', 'http'],
  eventsPerSecond: 100,
  eventsPerWrite: 1,
} as const

export const cases: readonly BenchCase[] = [
  {
    ...flood,
    ...overTcp,
    name: 'tcp-2',
    targets: { ...inMemory, cpu_s_per_million: { atMost: 1.3, wanted: 1 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overTcp,
    name: 'tcp-500',
    connections: 500,
    eventsPerWrite: 100,
    targets: { ...inMemory, cpu_s_per_million: { atMost: 1.7 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overHttp,
    name: 'http-4',
    targets: { ...inMemory, cpu_s_per_million: { atMost: 2, wanted: 1.6 }, gc_percent: { atMost: 12 } },
  },
  {
    ...flood,
    ...overTcp,
    name: 'flood-503',
    table: 'faults',
    outage: { status: 503, fromS: 2, toS: 12 },
    targets: inMemory,
  },
  {
    ...flood,
    ...overHttp,
    name: 'bad-1-percent',
    table: 'faults',
    events: 1_000_000,
    malformedShare: 0.01,
    targets: { ...inMemory, rejected_wrongly: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    table: 'trickle',
    name: 'trickle',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    sink: { batch: { max_age: '2s' }, rate_limit: { requests_per_second: 1, burst: 1 } },
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 10, wanted: 5 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    table: 'trickle',
    name: 'trickle-by-10',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    eventsPerWrite: 10,
    sink: { batch: { max_age: '2s' }, rate_limit: { requests_per_second: 1, burst: 1 } },
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 10, wanted: 5 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    table: 'trickle',
    name: 'latency',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    sink: { batch: { max_age: '20ms' } },
    targets: { ...NOTHING_LOST, p99_ms: { atMost: 50 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'idle',
    table: 'trickle',
    name: 'idle-100',
    warmUpS: 3,
    durationS: 15,
    connectionsPerType: 50,
    sink: {},
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 1 } },
  },
]

/** The same case, small: whether it runs at all, not how fast. */
export function tiny(benchCase: BenchCase): BenchCase {
  const sink = { batch: { max_age: '20ms' }, retry: { initial: '50ms' } }
  if (benchCase.kind !== 'flood') return { ...benchCase, warmUpS: 0.1, durationS: 0.4, sink }
  const outage = benchCase.outage === null ? null : { ...benchCase.outage, fromS: 0, toS: 0.2 }
  return { ...benchCase, events: 2000, warmUpS: 0, outage, sink }
}

/** A flood of another length. */
export function withEvents(benchCase: BenchCase, events: number): BenchCase {
  return benchCase.kind === 'flood' ? { ...benchCase, events } : benchCase
}
