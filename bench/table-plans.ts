/** The tables of the README as data: which cases are their rows, and which figures their columns. */
import { cases } from './cases.ts'
import type { BenchCase } from './bench-case.ts'

export interface Column {
  readonly title: string
  readonly figure: string
  readonly digits: number
  /** Divided by that of the first row. */
  readonly ofFirst?: boolean
}

export interface TablePlan {
  /** Of the markers in the README, and on the command line. */
  readonly name: string
  /** What it shows. */
  readonly says: string
  /** What the rows differ in. */
  readonly rowTitle: string
  /** By case: what is said of its row; '': the name of the case. */
  readonly rows: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
}

const lost: Column = { title: 'lost', figure: 'lost', digits: 0 }
const doubled: Column = { title: 'doubled', figure: 'duplicates', digits: 0 }
const cpu: Column = { title: 'CPU-s per million events', figure: 'cpu_s_per_million', digits: 2 }
const timesFirst: Column = { ...cpu, title: 'times the first', ofFirst: true }
const cpuPerGb: Column = { title: 'CPU-s per GB', figure: 'cpu_s_per_gb', digits: 2 }
const rate: Column = { title: 'events/s', figure: 'events_per_s', digits: 0 }
const megabytes: Column = { title: 'MB/s', figure: 'mb_per_s', digits: 0 }
const loopDelay: Column = { title: 'event-loop delay p99, ms', figure: 'loop_p99_ms', digits: 1 }
const gc: Column = { title: 'garbage collection, % of CPU', figure: 'gc_percent', digits: 1 }
const arena: Column = { title: 'arena at most, %', figure: 'arena_peak_percent', digits: 0 }
const rss: Column = { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 }
const allowed: Column = { title: 'of what is allowed, %', figure: 'rss_percent', digits: 0 }
const p50: Column = { title: 'p50, ms', figure: 'p50_ms', digits: 1 }
const p99: Column = { title: 'p99, ms', figure: 'p99_ms', digits: 1 }
const p999: Column = { title: 'p99.9, ms', figure: 'p999_ms', digits: 1 }
const strange: Column = { title: 'malformed let through', figure: 'strange', digits: 0 }

/** How the cost grows from row to row; latency is that of a flood: how much lies between the socket and the receiver. */
const growth = [
  cpu,
  timesFirst,
  cpuPerGb,
  rate,
  loopDelay,
  gc,
  arena,
  rss,
  { ...p50, title: 'socket to receiver p50, ms' },
  p99,
  p999,
  lost,
  doubled,
] as const

export const tablePlans: readonly TablePlan[] = [
  {
    name: 'end-to-end',
    says: 'what a flood costs',
    rowTitle: 'case',
    rows: { 'tcp-2': '', 'tcp-500': '', 'http-4': '' },
    columns: [cpu, rate, loopDelay, gc, arena, rss, allowed, lost, doubled],
  },
  {
    name: 'durable',
    says: 'what the journal on disk costs, beside the same in memory',
    rowTitle: 'case',
    rows: {
      'durable-tcp-2': '',
      'durable-tcp-500': '',
      'durable-http-4': '',
      'http-16': '',
      'durable-http-16': '',
      'dead-sink-http-16': '',
    },
    columns: [
      cpu,
      { title: 'of what it is beside', figure: 'cpu_s_per_million_beside', digits: 2 },
      { title: 'more than that', figure: 'more_than_beside', digits: 2 },
      rate,
      { title: 'of what it is beside', figure: 'events_per_s_beside', digits: 0 },
      { title: 'share of that', figure: 'share_beside', digits: 2 },
      rss,
      allowed,
      lost,
      doubled,
    ],
  },
  {
    name: 'transports',
    says: 'the same events by other ways in',
    rowTitle: 'over',
    rows: {
      'tcp-2': 'TCP, NDJSON',
      'http-4': 'HTTP, 500 a request',
      'syslog-3164': 'syslog RFC 3164 over TCP',
      'syslog-5424': 'syslog RFC 5424 over TCP',
      'syslog-octets': 'RFC 5424, octets counted',
      'durable-tcp-2': 'TCP, NDJSON, durable',
      'durable-http-4': 'HTTP, 500 a request, durable',
      'durable-syslog-5424': 'syslog RFC 5424, durable',
    },
    columns: growth,
  },
  {
    name: 'requests',
    says: 'events of one HTTP request, 32 clients',
    rowTitle: 'events a request',
    rows: {
      'posts-32': '1',
      'posts-32-by-10': '10',
      'posts-32-by-500': '500',
      'durable-posts-32': '1, durable',
      'durable-posts-32-by-10': '10, durable',
      'durable-posts-32-by-500': '500, durable',
    },
    columns: [
      cpu,
      timesFirst,
      cpuPerGb,
      rate,
      loopDelay,
      gc,
      arena,
      rss,
      { ...p50, title: 'request to answer p50, ms' },
      p99,
      p999,
      lost,
      doubled,
    ],
  },
  {
    name: 'sinks',
    says: 'sinks that each get all events',
    rowTitle: 'sinks',
    rows: { 'tcp-2': '1', 'sinks-2': '2', 'sinks-3': '3' },
    columns: growth,
  },
  {
    name: 'malformed',
    says: 'events that are refused',
    rowTitle: 'malformed',
    rows: { 'tcp-2': 'none', 'malformed-1': '1 %', 'malformed-100': 'all' },
    columns: [...growth, strange],
  },
  {
    name: 'sizes',
    says: 'longer events; the first are no `soc` events, but any JSON',
    rowTitle: 'bytes an event',
    rows: { 'size-18': '18', 'tcp-2': '375', 'size-4096': '4,096', 'size-65536': '65,536' },
    columns: [cpu, cpuPerGb, { ...cpuPerGb, title: 'times the first', ofFirst: true }, megabytes].concat(
      growth.slice(3),
    ),
  },
  {
    name: 'connections',
    says: 'TCP connections',
    rowTitle: 'connections',
    rows: { 'tcp-1': '1', 'tcp-2': '2', 'tcp-100': '100', 'tcp-500': '500', 'tcp-5000': '5,000' },
    columns: growth,
  },
  {
    name: 'workers',
    says: 'worker threads, also more than there are processors',
    rowTitle: 'workers',
    rows: { 'workers-1': '1', 'workers-2': '2', 'workers-4': '4', 'workers-8': '8' },
    columns: growth,
  },
  {
    name: 'pinning',
    says: 'threads bound to CPUs, durable; each beside the first in the same rounds',
    rowTitle: 'cpu_pinning',
    rows: {
      'durable-tcp-2': 'off',
      'pinned-auto': 'auto',
      'pinned-0-1': '{ main: 0, workers: [1] }',
      'pinned-1-0': '{ main: 1, workers: [0] }',
    },
    columns: [
      cpu,
      { title: 'times that of off', figure: 'times_beside', digits: 2 },
      rate,
      { title: 'share of that of off', figure: 'share_beside', digits: 2 },
      loopDelay,
      p50,
      p99,
      p999,
      lost,
      doubled,
    ],
  },
  {
    name: 'latency',
    says: 'from socket to receiver at half the rate that is taken at most',
    rowTitle: 'case',
    rows: { 'latency-half': '', 'durable-latency-half': '' },
    columns: [
      { ...rate, title: 'events/s at most', figure: 'most_events_per_s' },
      rate,
      p50,
      p99,
      p999,
      { title: 'longest, ms', figure: 'max_ms', digits: 0 },
      loopDelay,
      lost,
      doubled,
    ],
  },
  {
    name: 'surges',
    says: '20,000 events/s; for a minute ten times that, or the receiver is gone',
    rowTitle: 'case',
    rows: { spike: '', 'spike-limited': '', 'dead-receiver': '' },
    columns: [
      { title: 'backlog, events', figure: 'backlog_events', digits: 0 },
      { title: 'journal, MiB', figure: 'backlog_mib', digits: 0 },
      arena,
      rss,
      allowed,
      { title: 'longest on its way before, ms', figure: 'quiet_max_ms', digits: 0 },
      { title: 'at worst, ms', figure: 'worst_ms', digits: 0 },
      { title: 'as before again after, s', figure: 'back_after_s', digits: 1 },
      loopDelay,
      lost,
      doubled,
    ],
  },
  {
    name: 'posts',
    says: 'how long one event a request takes to be answered, beside the bare disk',
    rowTitle: 'case',
    rows: { 'posts-32': '', 'durable-posts-32': '', 'dead-sink-posts-32': '' },
    columns: [
      { ...rate, title: 'requests/s' },
      p50,
      p99,
      p999,
      { title: 'p99 of what it is beside', figure: 'p99_ms_beside', digits: 1 },
      { title: 'p99, times that', figure: 'p99_times_beside', digits: 2 },
      { title: 'bare fdatasync of 4 KiB, p50, ms', figure: 'sync_p50_ms', digits: 2 },
      { title: 'p99, ms', figure: 'sync_p99_ms', digits: 2 },
      lost,
      doubled,
    ],
  },
  {
    name: 'backlog',
    says: 'a backlog on disk, a kill, and how fast it drains',
    rowTitle: 'case',
    rows: { 'backlog-5-gib': '' },
    columns: [
      { title: 'backlog, GiB', figure: 'backlog_gib', digits: 1 },
      { title: 'taken, events/s', figure: 'taken_per_s', digits: 0 },
      { title: 'killed and started: first event accepted, s', figure: 'first_accepted_s', digits: 2 },
      { ...rate, title: 'drained, events/s' },
      { title: 'share of the live rate', figure: 'share_beside', digits: 2 },
      { title: 'drained, MB/s', figure: 'drain_mb_per_s', digits: 0 },
      { title: 'disk, read in order, MB/s', figure: 'disk_mb_per_s', digits: 0 },
      { title: 'share of that', figure: 'disk_share', digits: 2 },
      { title: 'of the nearer target', figure: 'drain_of_target', digits: 2 },
      rss,
      allowed,
      lost,
      doubled,
    ],
  },
  {
    name: 'syslog',
    says: 'syslog and polling, beside what they are compared with',
    rowTitle: 'case',
    rows: {
      'syslog-5424': '',
      'syslog-3164': '',
      'syslog-octets': '',
      'syslog-udp': '',
      'syslog-udp-50k': '',
      poll: '',
      'poll-ndjson': '',
    },
    columns: [
      cpu,
      { title: 'of what it is beside', figure: 'cpu_s_per_million_beside', digits: 2 },
      { title: 'times that', figure: 'times_beside', digits: 2 },
      { title: 'more than that', figure: 'more_than_beside', digits: 2 },
      rate,
      megabytes,
      { ...allowed, title: 'of what memory is allowed, %' },
      { title: 'dropped by the kernel', figure: 'kernel_drops', digits: 0 },
      { title: 'receive buffer, MiB', figure: 'receive_buffer_mib', digits: 1 },
      lost,
      doubled,
    ],
  },
  {
    name: 'quiet',
    says: 'a few events a second, one by one',
    rowTitle: 'case',
    rows: { trickle: '', 'trickle-by-10': '', 'trickle-latency': '', 'idle-100': '' },
    columns: [
      { title: 'CPU, % of a core', figure: 'cpu_percent', digits: 1 },
      p50,
      p99,
      rss,
      { title: 'backpressure', figure: 'backpressure', digits: 0 },
      lost,
      doubled,
    ],
  },
  {
    name: 'faults',
    says: 'a receiver that refuses for a while, and malformed events over HTTP',
    rowTitle: 'case',
    rows: { 'flood-503': '', 'bad-1-percent': '' },
    columns: [
      rss,
      allowed,
      { title: 'refused by the receiver', figure: 'refused_out', digits: 0 },
      strange,
      lost,
      doubled,
    ],
  },
]

/** Of the table `targets`, and what runs when nothing else is asked for: those that have a figure to be reached. */
export const targetCases: readonly BenchCase[] = cases.filter(({ targets }) =>
  Object.values(targets).some((target) => 'wanted' in target),
)
