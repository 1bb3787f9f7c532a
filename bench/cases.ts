/** The cases as data: what is sent, what the collector is told, and what the figures should be. */
import type { EventForm } from './events.ts'
import type { ServedPlan } from './load/poll-server-thread.ts'
import type { Outage } from './load/receiver-thread.ts'
import type { StreamPlan } from './load/stream.ts'

/** Names of figures end in their unit. */
export type Figures = Record<string, number | null>

export type Target =
  | {
      readonly atMost: number
      /** Better than what is asked. */
      readonly wanted?: number
    }
  | { readonly atLeast: number }

interface CaseBase {
  readonly name: string
  /** The table that it is a row of. */
  readonly table: 'end-to-end' | 'syslog' | 'trickle' | 'faults'
  /** By figure. */
  readonly targets: Readonly<Record<string, Target>>
  /** A case before it, whose CPU time of the same round its own is compared with. */
  readonly beside?: string
}

interface CollectorCase extends CaseBase {
  /** What the sink is told beside its url; nothing: the shipped defaults. */
  readonly sink: object
}

/** How events get to where they are taken. */
export type Push = Pick<StreamPlan, 'mode' | 'connections' | 'eventsPerWrite' | 'eventsPerSecond'>

/** Many events through one source: as many as are taken, or at a steady rate where nobody can be told to wait. */
export interface FloodCase extends CollectorCase {
  readonly kind: 'flood'
  /** What the collector is told, beside an address to listen on, or urls. */
  readonly source: object
  readonly form: EventForm
  readonly load: Push | ServedPlan
  readonly events: number
  readonly malformedShare: number
  readonly outage: Outage | null
  /** Garbage collection counts from so long after the first event. */
  readonly warmUpS: number
}

/** Datagrams to a socket of a process that counts them and does nothing else. */
export interface BareUdpCase extends CaseBase {
  readonly kind: 'bare-udp'
  readonly form: EventForm
  readonly load: Push
  readonly events: number
}

/** A few events a second, through several sources. */
export interface TrickleCase extends CollectorCase {
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
export interface IdleCase extends CollectorCase {
  readonly kind: 'idle'
  readonly connectionsPerType: number
  readonly warmUpS: number
  readonly durationS: number
}

export type BenchCase = FloodCase | BareUdpCase | TrickleCase | IdleCase

const NOTHING_LOST = {
  lost: { atMost: 0 },
  duplicates: { atMost: 0 },
  strange: { atMost: 0 },
  unbalanced: { atMost: 0 },
} as const

const flood = {
  kind: 'flood',
  table: 'end-to-end',
  form: 'ndjson',
  events: 4_000_000,
  malformedShare: 0,
  outage: null,
  warmUpS: 2,
  sink: {},
} as const

const twoConnections = { mode: 'tcp', connections: 2, eventsPerWrite: 500, eventsPerSecond: null } as const
const overTcp = { source: { type: 'tcp' }, load: twoConnections } as const
const overHttp = {
  source: { type: 'http' },
  load: { ...twoConnections, mode: 'http', connections: 4 },
} as const
const inMemory = { ...NOTHING_LOST, rss_percent: { atMost: 100 } } as const

const syslog = {
  ...flood,
  table: 'syslog',
  source: { type: 'syslog' },
  load: twoConnections,
  beside: 'tcp-2',
} as const

/** Eight senders, in bursts of what is due every millisecond or so. */
const datagrams = {
  table: 'syslog',
  form: 'datagram',
  load: { mode: 'udp', connections: 8, eventsPerWrite: 25, eventsPerSecond: 25_000 },
  events: 250_000,
} as const
const overUdp = { ...flood, ...datagrams, source: { type: 'syslog', transport: 'udp' } } as const
const noneDropped = { ...inMemory, kernel_drops: { atMost: 0 }, unexplained: { atMost: 0 } } as const

const poll = {
  ...flood,
  table: 'syslog',
  source: { type: 'http_poll', interval: '100ms' },
  targets: { ...inMemory, mb_per_s: { atLeast: 150 } },
} as const
const fourUrls = { urls: 4, eventsPerAnswer: 50_000 } as const

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
    load: { ...twoConnections, connections: 500, eventsPerWrite: 100 },
    targets: { ...inMemory, cpu_s_per_million: { atMost: 1.7 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overHttp,
    name: 'http-4',
    targets: { ...inMemory, cpu_s_per_million: { atMost: 2, wanted: 1.6 }, gc_percent: { atMost: 12 } },
  },
  {
    ...syslog,
    name: 'syslog-5424',
    form: 'rfc5424',
    targets: { ...inMemory, times_beside: { atMost: 2 } },
  },
  {
    ...syslog,
    name: 'syslog-3164',
    form: 'rfc3164',
    targets: { ...inMemory, times_beside: { atMost: 2.2 } },
  },
  {
    ...syslog,
    name: 'syslog-octets',
    form: 'octets',
    targets: { ...inMemory, times_beside: { atMost: 2 } },
  },
  { ...datagrams, kind: 'bare-udp', name: 'bare-udp', targets: { lost: { atMost: 0 } } },
  {
    ...overUdp,
    name: 'syslog-udp',
    beside: 'bare-udp',
    targets: { ...noneDropped, more_than_beside: { atMost: 3.5 } },
  },
  {
    ...overUdp,
    name: 'syslog-udp-50k',
    load: { ...datagrams.load, eventsPerSecond: 50_000 },
    events: 400_000,
    targets: { ...noneDropped, sent_per_s: { atLeast: 49_500 } },
  },
  { ...poll, name: 'poll', form: 'array', load: { ...fourUrls, form: 'array' } },
  { ...poll, name: 'poll-ndjson', load: { ...fourUrls, form: 'ndjson' } },
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
  if (benchCase.kind === 'bare-udp') {
    return { ...benchCase, events: TINY_DATAGRAMS, load: { ...benchCase.load, eventsPerSecond: 1000 } }
  }
  if (benchCase.kind !== 'flood') return { ...benchCase, warmUpS: 0.1, durationS: 0.4, sink }
  const outage = benchCase.outage === null ? null : { ...benchCase.outage, fromS: 0, toS: 0.2 }
  const small = { ...benchCase, events: 2000, warmUpS: 0, outage, sink }
  const { load } = benchCase
  if ('urls' in load) return { ...small, load: { ...load, eventsPerAnswer: 250 } }
  if (load.mode !== 'udp') return small
  return { ...small, events: TINY_DATAGRAMS, load: { ...load, eventsPerSecond: 1000 } }
}

/** So many wait in the smallest receive buffer of a Linux host, when the receiver is not at once there. */
const TINY_DATAGRAMS = 300

/** A flood of another length. */
export function withEvents(benchCase: BenchCase, events: number): BenchCase {
  return benchCase.kind === 'flood' || benchCase.kind === 'bare-udp' ? { ...benchCase, events } : benchCase
}
