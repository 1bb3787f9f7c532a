/** How the cost grows: cases that differ in one thing from `tcp-2`, or from each other. */
import type { BenchCase, FloodCase, LatencyCase, SurgeCase } from './bench-case.ts'
import { NOTHING_LOST, flood, overTcp, twoConnections, withinMemory } from './case-parts.ts'

const half = { ...flood, events: 2_000_000, aboutS: 9 } as const
const tcp = { ...half, ...overTcp, targets: withinMemory } as const

const connections: readonly FloodCase[] = [
  { ...tcp, name: 'tcp-1', load: { ...twoConnections, connections: 1 } },
  { ...tcp, name: 'tcp-100', load: { ...twoConnections, connections: 100, eventsPerWrite: 100 } },
  { ...tcp, name: 'tcp-5000', load: { ...twoConnections, connections: 5000, eventsPerWrite: 20 } },
]

/** One event a request, so that each is a commit of its own but for those that wait together. */
const posts = {
  ...half,
  source: { type: 'http' },
  load: { mode: 'http', connections: 32, eventsPerWrite: 1, eventsPerSecond: null },
  events: 100_000,
  aboutS: 14,
  answers: true,
} as const
const by10 = { ...posts, load: { ...posts.load, eventsPerWrite: 10 }, events: 600_000 } as const
const by500 = { ...posts, load: { ...posts.load, eventsPerWrite: 500 }, events: 2_000_000 } as const
const postTargets = { ...withinMemory, p99_ms: { atMost: 15 } } as const

const requests: readonly FloodCase[] = [
  { ...posts, name: 'posts-32', targets: withinMemory },
  { ...posts, name: 'durable-posts-32', journal: 'disk', beside: 'posts-32', targets: postTargets },
  {
    ...posts,
    name: 'dead-sink-posts-32',
    journal: 'disk',
    deadSink: true,
    beside: 'durable-posts-32',
    targets: postTargets,
  },
  { ...by10, name: 'posts-32-by-10', targets: withinMemory },
  { ...by10, name: 'durable-posts-32-by-10', journal: 'disk', targets: withinMemory },
  { ...by500, name: 'posts-32-by-500', targets: withinMemory },
  { ...by500, name: 'durable-posts-32-by-500', journal: 'disk', targets: withinMemory },
]

const sinks: readonly FloodCase[] = [
  { ...tcp, name: 'sinks-2', sinks: 2, ownThreads: true },
  { ...tcp, name: 'sinks-3', sinks: 3, ownThreads: true },
]

const refused = { ...withinMemory, rejected_wrongly: { atMost: 0 } } as const
const malformed: readonly FloodCase[] = [
  { ...tcp, name: 'malformed-1', malformedShare: 0.01, targets: refused },
  {
    ...tcp,
    name: 'malformed-100',
    malformedShare: 1,
    events: 1_000_000,
    aboutS: 28,
    ownThreads: true,
    targets: refused,
  },
]

const sizes: readonly FloodCase[] = [
  {
    ...tcp,
    name: 'size-18',
    form: 'ndjson-18',
    source: { type: 'tcp', schema: 'any' },
    load: { ...twoConnections, eventsPerWrite: 5000 },
    events: 8_000_000,
  },
  {
    ...tcp,
    name: 'size-4096',
    form: 'ndjson-4096',
    load: { ...twoConnections, eventsPerWrite: 64 },
    events: 512_000,
  },
  {
    ...tcp,
    name: 'size-65536',
    form: 'ndjson-65536',
    load: { ...twoConnections, eventsPerWrite: 8 },
    events: 32_000,
  },
]

const workers: readonly FloodCase[] = [
  { ...tcp, name: 'workers-1', collector: { workers: 1 } },
  { ...tcp, name: 'workers-2', collector: { workers: 2 } },
  { ...tcp, name: 'workers-4', collector: { workers: 4 } },
  { ...tcp, name: 'workers-8', collector: { workers: 8 } },
]

const boundBeside = {
  ...flood,
  ...overTcp,
  journal: 'disk',
  beside: 'durable-tcp-2',
  targets: withinMemory,
} as const
const pinned: readonly FloodCase[] = [
  { ...boundBeside, name: 'pinned-auto', collector: { cpu_pinning: 'auto' } },
  { ...boundBeside, name: 'pinned-0-1', collector: { cpu_pinning: { main: 0, workers: [1] } } },
  { ...boundBeside, name: 'pinned-1-0', collector: { cpu_pinning: { main: 1, workers: [0] } } },
]

const atHalfRate = {
  ...overTcp,
  kind: 'latency',
  aboutS: 36,
  load: { ...twoConnections, eventsPerWrite: 100 },
  sink: {},
  eventsAtMost: 4_000_000,
  share: 0.5,
  warmUpS: 3,
  durationS: 10,
  targets: { ...withinMemory, p99_ms: { atMost: 250, wanted: 50 } },
} as const

const latency: readonly LatencyCase[] = [
  { ...atHalfRate, name: 'latency-half', journal: 'memory' },
  { ...atHalfRate, name: 'durable-latency-half', journal: 'disk' },
]

const surge = {
  kind: 'surge',
  source: { type: 'tcp' },
  load: { ...twoConnections, eventsPerWrite: 100, eventsPerSecond: 20_000 },
  journal: 'disk',
  sink: {},
  isReceiverGone: false,
  times: 10,
  beforeS: 10,
  surgeS: 60,
  afterS: 20,
  aboutS: 110,
  targets: withinMemory,
} as const

const surges: readonly SurgeCase[] = [
  { ...surge, name: 'spike' },
  {
    ...surge,
    name: 'spike-limited',
    sink: { rate_limit: { events_per_second: 150_000 } },
    afterS: 50,
    aboutS: 140,
  },
  {
    ...surge,
    name: 'dead-receiver',
    isReceiverGone: true,
    times: 1,
    afterS: 80,
    aboutS: 170,
    targets: { ...NOTHING_LOST, rss_percent: { atMost: 100 } },
  },
]

export const growthCases: readonly BenchCase[] = [
  ...connections,
  ...requests,
  ...sinks,
  ...malformed,
  ...sizes,
  ...workers,
  ...pinned,
  ...latency,
  ...surges,
]
