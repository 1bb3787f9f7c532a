/** The cases as data, with what their figures should be. */
import type { BenchCase, FloodCase } from './bench-case.ts'
import {
  NOTHING_LOST,
  flood,
  overHttp,
  overHttp16,
  overTcp,
  twoConnections,
  withinMemory,
} from './case-parts.ts'
import { growthCases } from './growth-cases.ts'

const syslog = {
  ...flood,
  source: { type: 'syslog' },
  load: twoConnections,
  beside: 'tcp-2',
} as const

/** Eight senders, in bursts of what is due every millisecond or so. */
const datagrams = {
  form: 'datagram',
  load: { mode: 'udp', connections: 8, eventsPerWrite: 25, eventsPerSecond: 25_000 },
  events: 250_000,
} as const
const overUdp = { ...flood, ...datagrams, source: { type: 'syslog', transport: 'udp' } } as const
const noneDropped = { ...withinMemory, kernel_drops: { atMost: 0 }, unexplained: { atMost: 0 } } as const

const poll = {
  ...flood,
  source: { type: 'http_poll', interval: '100ms' },
  targets: { ...withinMemory, mb_per_s: { atLeast: 150 } },
} as const
const fourUrls = { urls: 4, eventsPerAnswer: 50_000 } as const

const durable = {
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
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 1, wanted: 0.6 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overTcp,
    name: 'tcp-500',
    load: { ...twoConnections, connections: 500, eventsPerWrite: 100 },
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 1.3, wanted: 0.8 }, gc_percent: { atMost: 5 } },
  },
  {
    ...flood,
    ...overHttp,
    name: 'http-4',
    targets: { ...withinMemory, gc_percent: { atMost: 12 } },
  },
  {
    ...flood,
    ...overTcp,
    ...durable,
    name: 'durable-tcp-2',
    beside: 'tcp-2',
    targets: { ...durable.targets, cpu_s_per_million: { atMost: 1.3, wanted: 0.9 } },
  },
  {
    ...flood,
    ...overTcp,
    ...durable,
    name: 'durable-tcp-500',
    load: { ...twoConnections, connections: 500, eventsPerWrite: 100 },
    beside: 'tcp-500',
  },
  {
    ...flood,
    ...overHttp,
    ...durable,
    name: 'durable-http-4',
    beside: 'http-4',
    targets: { ...durable.targets, cpu_s_per_million: { atMost: 1.7, wanted: 1 } },
  },
  { ...flood, ...overHttp16, name: 'http-16', targets: withinMemory },
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
  {
    kind: 'backlog',
    aboutS: 120,
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
    name: 'durable-syslog-5424',
    form: 'rfc5424',
    journal: 'disk',
    targets: { ...withinMemory, cpu_s_per_million: { atMost: 2.5, wanted: 1.6 } },
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
  { ...datagrams, kind: 'bare-udp', aboutS: 14, name: 'bare-udp', targets: { lost: { atMost: 0 } } },
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
    aboutS: 25,
    outage: { status: 503, fromS: 2, toS: 12 },
    targets: withinMemory,
  },
  {
    ...flood,
    ...overHttp,
    name: 'bad-1-percent',
    events: 1_000_000,
    malformedShare: 0.01,
    targets: { ...withinMemory, rejected_wrongly: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    aboutS: 22,
    name: 'trickle',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    sink: { batch: { max_age: '2s' }, rate_limit: { requests_per_second: 1, burst: 1 } },
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 6, wanted: 3 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    aboutS: 22,
    name: 'trickle-by-10',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    eventsPerWrite: 10,
    sink: { batch: { max_age: '2s' }, rate_limit: { requests_per_second: 1, burst: 1 } },
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 6 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'trickle',
    aboutS: 22,
    name: 'trickle-latency',
    warmUpS: 3,
    durationS: 15,
    ...sixSources,
    sink: { batch: { max_age: '20ms' } },
    targets: { ...NOTHING_LOST, p99_ms: { atMost: 50 }, backpressure: { atMost: 0 } },
  },
  {
    kind: 'idle',
    aboutS: 22,
    name: 'idle-100',
    warmUpS: 3,
    durationS: 15,
    connectionsPerType: 50,
    sink: {},
    journal: 'memory',
    targets: { ...NOTHING_LOST, cpu_percent: { atMost: 1 } },
  },
  ...growthCases,
]

/** The same case, small: whether it runs at all, not how fast. */
export function tiny(benchCase: BenchCase): BenchCase {
  const sink = { batch: { max_age: '20ms' }, retry: { initial: '50ms' }, breaker: { cooldown: '50ms' } }
  switch (benchCase.kind) {
    case 'bare-udp':
      return { ...benchCase, events: TINY_DATAGRAMS, load: { ...benchCase.load, eventsPerSecond: 1000 } }
    case 'backlog':
      return { ...benchCase, events: 2000, sink }
    case 'latency':
      return { ...benchCase, sink, eventsAtMost: 2000, warmUpS: 0.1, durationS: 0.4, share: 0.1 }
    case 'surge': {
      const load = { ...benchCase.load, eventsPerWrite: 10, eventsPerSecond: 500 }
      return { ...benchCase, load, sink, beforeS: 0.5, surgeS: 0.5, afterS: 1 }
    }
    case 'flood':
      return tinyFlood({ ...benchCase, sink })
    default:
      return { ...benchCase, warmUpS: 0.1, durationS: 0.4, sink }
  }
}

function tinyFlood(benchCase: FloodCase): FloodCase {
  const outage = benchCase.outage === null ? null : { ...benchCase.outage, fromS: 0, toS: 0.2 }
  const { load } = benchCase
  if ('urls' in load) {
    return { ...benchCase, events: 2000, warmUpS: 0, outage, load: { ...load, eventsPerAnswer: 250 } }
  }
  const events = Math.ceil(2000 / load.eventsPerWrite) * load.eventsPerWrite
  const small = { ...benchCase, events, warmUpS: 0, outage }
  if (load.mode !== 'udp') return small
  return { ...small, events: TINY_DATAGRAMS, load: { ...load, eventsPerSecond: 1000 } }
}

/** So many wait in the smallest receive buffer of a Linux host, when the receiver is not at once there. */
const TINY_DATAGRAMS = 300

/** A flood of another length, of whole writes; it takes longer, or shorter, by as much. */
export function withEvents(benchCase: BenchCase, wanted: number): BenchCase {
  if (!('events' in benchCase)) return benchCase
  const { aboutS, events: usual, load } = benchCase
  const together = 'urls' in load ? load.eventsPerAnswer : load.eventsPerWrite
  const events = Math.ceil(wanted / together) * together
  return { ...benchCase, events, aboutS: START_S + ((aboutS - START_S) * events) / usual }
}

/** Of a run's time, what does not depend on its events. */
const START_S = 4
