/** The cases as data, with what their figures should be. */
import type { BenchCase } from './bench-case.ts'

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
  deadSink: false,
  answers: false,
  sink: {},
  journal: 'memory',
} as const

const twoConnections = { mode: 'tcp', connections: 2, eventsPerWrite: 500, eventsPerSecond: null } as const
const overTcp = { source: { type: 'tcp' }, load: twoConnections } as const
const overHttp = {
  source: { type: 'http' },
  load: { ...twoConnections, mode: 'http', connections: 4 },
} as const
/** So many that one commit serves several: with four, most of the time each waits for its own. */
const overHttp16 = { ...overHttp, load: { ...overHttp.load, connections: 16 } } as const
const withinMemory = { ...NOTHING_LOST, rss_percent: { atMost: 100 } } as const

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
const noneDropped = { ...withinMemory, kernel_drops: { atMost: 0 }, unexplained: { atMost: 0 } } as const

const poll = {
  ...flood,
  table: 'syslog',
  source: { type: 'http_poll', interval: '100ms' },
  targets: { ...withinMemory, mb_per_s: { atLeast: 150 } },
} as const
const fourUrls = { urls: 4, eventsPerAnswer: 50_000 } as const

/** One event a request, so that each is a commit of its own but for those that wait together. */
const posts = {
  ...flood,
  table: 'posts',
  source: { type: 'http' },
  load: { mode: 'http', connections: 32, eventsPerWrite: 1, eventsPerSecond: null },
  events: 100_000,
  answers: true,
} as const

const durable = {
  table: 'durable',
  journal: 'disk',
  targets: { ...withinMemory, share_beside: { atLeast: 0.6 }, more_than_beside: { atMost: 0.5 } },
} as const

const sixSources = {
  journal: 'memory',
  sources: ['tcp', 'tcp', 'tcp', 'http', 'http', 'http'],
  eventsPerSecond: 100,
  eventsPerWrite: 1,
} as const

export const cases: readonly BenchCase[] = [
  {
    ...flood,
    ...overTcp,
    name: 'tcp-2',
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 1.3, wanted: 1 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overTcp,
    name: 'tcp-500',
    load: { ...twoConnections, connections: 500, eventsPerWrite: 100 },
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 1.7 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overHttp,
    name: 'http-4',
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 2, wanted: 1.6 }, gc_percent: { atMost: 12 } },
  },
  { ...flood, ...overTcp, ...durable, name: 'durable-tcp-2', beside: 'tcp-2' },
  {
    ...flood,
    ...overTcp,
    ...durable,
    name: 'durable-tcp-500',
    load: { ...twoConnections, connections: 500, eventsPerWrite: 100 },
    beside: 'tcp-500',
  },
  { ...flood, ...overHttp, ...durable, name: 'durable-http-4', beside: 'http-4' },
  { ...flood, ...overHttp16, table: 'durable', name: 'http-16', targets: withinMemory },
  { ...flood, ...overHttp16, ...durable, name: 'durable-http-16', beside: 'http-16' },
  {
    ...flood,
    ...overHttp16,
    ...durable,
    name: 'dead-sink-http-16',
    deadSink: true,
    beside: 'durable-http-16',
    targets: { ...withinMemory, share_beside: { atLeast: 0.8 } },
  },
  { ...posts, name: 'posts-32', targets: withinMemory },
  {
    ...posts,
    name: 'durable-posts-32',
    journal: 'disk',
    beside: 'posts-32',
    targets: { ...withinMemory, p99_ms: { atMost: 15 } },
  },
  {
    ...posts,
    name: 'dead-sink-posts-32',
    journal: 'disk',
    deadSink: true,
    beside: 'durable-posts-32',
    targets: { ...withinMemory, p99_ms: { atMost: 15 } },
  },
  {
    kind: 'backlog',
    table: 'backlog',
    name: 'backlog-5-gib',
    journal: 'disk',
    load: overHttp16.load,
    events: 13_700_000,
    // It looks often whether the receiver is back.
    sink: { retry: { max: '1s' } },
    beside: 'durable-http-16',
    targets: {
      ...withinMemory,
      drain_of_target: { atLeast: 1 },
      first_accepted_s: { atMost: 5 },
    },
  },
  {
    ...syslog,
    name: 'syslog-5424',
    form: 'rfc5424',
    targets: { ...withinMemory, times_beside: { atMost: 2 } },
  },
  {
    ...syslog,
    name: 'syslog-3164',
    form: 'rfc3164',
    targets: { ...withinMemory, times_beside: { atMost: 2.2 } },
  },
  {
    ...syslog,
    name: 'syslog-octets',
    form: 'octets',
    targets: { ...withinMemory, times_beside: { atMost: 2 } },
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
    targets: withinMemory,
  },
  {
    ...flood,
    ...overHttp,
    name: 'bad-1-percent',
    table: 'faults',
    events: 1_000_000,
    malformedShare: 0.01,
    targets: { ...withinMemory, rejected_wrongly: { atMost: 0 } },
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
    journal: 'memory',
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 1 } },
  },
]

/** The same case, small: whether it runs at all, not how fast. */
export function tiny(benchCase: BenchCase): BenchCase {
  const sink = { batch: { max_age: '20ms' }, retry: { initial: '50ms' } }
  if (benchCase.kind === 'bare-udp') {
    return { ...benchCase, events: TINY_DATAGRAMS, load: { ...benchCase.load, eventsPerSecond: 1000 } }
  }
  if (benchCase.kind === 'backlog') return { ...benchCase, events: 2000, sink }
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
  return 'events' in benchCase ? { ...benchCase, events } : benchCase
}
