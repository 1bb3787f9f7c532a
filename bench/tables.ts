/**
 * Writes the last results into the README, as tables between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
 *
 *     npm run bench:tables -- [--readme FILE] [--results FILE] [--scan FILE]
 *
 * NAME is that of a table in `cases.ts`, for what `npm run bench` measured, `scan`, for `npm run bench:scan`, or `delivery`,
 * for `bench:dispatch` and `bench:limiter`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cases } from './cases.ts'
import type { BenchCase, Target } from './bench-case.ts'
import { RESULTS_FILE, lastResults, summarise } from './results.ts'
import type { RunResult, Summary } from './results.ts'

interface Column {
  readonly title: string
  readonly figure: string
  readonly digits: number
}

const EXACTLY_ONCE: readonly Column[] = [
  { title: 'lost', figure: 'lost', digits: 0 },
  { title: 'doubled', figure: 'duplicates', digits: 0 },
]

const tables: Readonly<Record<BenchCase['table'], readonly Column[]>> = {
  'end-to-end': [
    { title: 'CPU-s per million events', figure: 'cpu_s_per_million', digits: 2 },
    { title: 'events/s', figure: 'events_per_s', digits: 0 },
    { title: 'garbage collection, % of CPU', figure: 'gc_percent', digits: 1 },
    { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 },
    { title: 'of what is allowed, %', figure: 'rss_percent', digits: 0 },
    ...EXACTLY_ONCE,
  ],
  durable: [
    { title: 'CPU-s per million events', figure: 'cpu_s_per_million', digits: 2 },
    { title: 'of what it is beside', figure: 'cpu_s_per_million_beside', digits: 2 },
    { title: 'more than that', figure: 'more_than_beside', digits: 2 },
    { title: 'events/s', figure: 'events_per_s', digits: 0 },
    { title: 'of what it is beside', figure: 'events_per_s_beside', digits: 0 },
    { title: 'share of that', figure: 'share_beside', digits: 2 },
    { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 },
    { title: 'of what is allowed, %', figure: 'rss_percent', digits: 0 },
    ...EXACTLY_ONCE,
  ],
  posts: [
    { title: 'requests/s', figure: 'events_per_s', digits: 0 },
    { title: 'p50, ms', figure: 'p50_ms', digits: 1 },
    { title: 'p99, ms', figure: 'p99_ms', digits: 1 },
    { title: 'p99.9, ms', figure: 'p999_ms', digits: 1 },
    { title: 'p99 of what it is beside', figure: 'p99_ms_beside', digits: 1 },
    { title: 'p99, times that', figure: 'p99_times_beside', digits: 2 },
    { title: 'bare fdatasync of 4 KiB, p50, ms', figure: 'sync_p50_ms', digits: 2 },
    { title: 'p99, ms', figure: 'sync_p99_ms', digits: 2 },
    ...EXACTLY_ONCE,
  ],
  backlog: [
    { title: 'backlog, GiB', figure: 'backlog_gib', digits: 1 },
    { title: 'taken, events/s', figure: 'taken_per_s', digits: 0 },
    { title: 'killed and started: first event accepted, s', figure: 'first_accepted_s', digits: 2 },
    { title: 'drained, events/s', figure: 'events_per_s', digits: 0 },
    { title: 'share of the live rate', figure: 'share_beside', digits: 2 },
    { title: 'drained, MB/s', figure: 'drain_mb_per_s', digits: 0 },
    { title: 'disk, read in order, MB/s', figure: 'disk_mb_per_s', digits: 0 },
    { title: 'share of that', figure: 'disk_share', digits: 2 },
    { title: 'of the nearer target', figure: 'drain_of_target', digits: 2 },
    { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 },
    { title: 'of what is allowed, %', figure: 'rss_percent', digits: 0 },
    ...EXACTLY_ONCE,
  ],
  syslog: [
    { title: 'CPU-s per million events', figure: 'cpu_s_per_million', digits: 2 },
    { title: 'of what it is beside', figure: 'cpu_s_per_million_beside', digits: 2 },
    { title: 'times that', figure: 'times_beside', digits: 2 },
    { title: 'more than that', figure: 'more_than_beside', digits: 2 },
    { title: 'events/s', figure: 'events_per_s', digits: 0 },
    { title: 'MB/s', figure: 'mb_per_s', digits: 0 },
    { title: 'of what memory is allowed, %', figure: 'rss_percent', digits: 0 },
    { title: 'dropped by the kernel', figure: 'kernel_drops', digits: 0 },
    { title: 'receive buffer, MiB', figure: 'receive_buffer_mib', digits: 1 },
    ...EXACTLY_ONCE,
  ],
  trickle: [
    { title: 'CPU, % of a core', figure: 'cpu_percent', digits: 1 },
    { title: 'p50, ms', figure: 'p50_ms', digits: 1 },
    { title: 'p99, ms', figure: 'p99_ms', digits: 1 },
    { title: 'backpressure', figure: 'backpressure', digits: 0 },
    ...EXACTLY_ONCE,
  ],
  faults: [
    { title: 'peak RSS, MiB', figure: 'peak_rss_mib', digits: 0 },
    { title: 'of what is allowed, %', figure: 'rss_percent', digits: 0 },
    { title: 'refused by the receiver', figure: 'refused_out', digits: 0 },
    { title: 'malformed let through', figure: 'strange', digits: 0 },
    ...EXACTLY_ONCE,
  ],
}

interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

type BenchEnvironment = ScanResults['environment']

/** Of `bench/dispatch.ts --json`. */
interface DispatchResults {
  readonly environment: BenchEnvironment
  readonly results: readonly { readonly case: string; readonly cpuSecondsPerMillion: Spread }[]
}

/** Of `bench/limiter.ts --json`. */
interface LimiterResults {
  readonly environment: BenchEnvironment
  readonly results: readonly {
    readonly case: string
    readonly keys: number
    readonly nanosecondsPerDecision: Spread
    readonly mebibytes: number
  }[]
}

/** One row of `bench/scan.ts --json`. */
interface ScanResult {
  readonly case: string
  readonly way: string
  readonly meanEventBytes: number
  readonly gigabytesPerSecond: Summary
  readonly eventsPerSecond: number
}

interface ScanResults {
  readonly environment: { readonly cpu: string; readonly node: string; readonly commit: string }
  readonly results: readonly ScanResult[]
}

function benchTable(
  table: string,
  columns: readonly Column[],
  byCase: ReadonlyMap<string, RunResult[]>,
): string | null {
  const measured = cases.filter((benchCase) => benchCase.table === table && byCase.has(benchCase.name))
  if (measured.length === 0) return null
  const rows = measured.map(({ name, targets, beside }) => {
    const runs = byCase.get(name)!
    const summaries = summarise(runs)
    const cells = columns.map(({ figure, digits }) => cell(summaries.get(figure), targets[figure], digits))
    return [beside === undefined ? name : `${name}, beside ${beside}`, String(runs.length), ...cells]
  })
  const head = ['case', 'runs', ...columns.map(({ title }) => title)]
  const provenance = new Set(
    measured.map(({ name }) => {
      const { cpu, cores, node, commit, load } = byCase.get(name)![0]!.environment
      return `${cpu}, ${cores} cores, Node ${node}, commit ${commit}, load by ${load}`
    }),
  )
  return `${markdown(head, rows)}\n\nMedian [min-max]. ${[...provenance].join('; ')}.`
}

/** Median, range where there is one, and the target where one is set. */
function cell(summary: Summary | null | undefined, target: Target | undefined, digits: number): string {
  if (summary === null || summary === undefined) return '-'
  const { median, min, max } = summary
  const range = min === max ? '' : ` [${rounded(min, digits)}-${rounded(max, digits)}]`
  const figure = rounded(median, digits) + range
  if (target === undefined) return figure
  if ('atLeast' in target) {
    return `${figure}, at least ${target.atLeast}: ${median >= target.atLeast ? 'met' : 'not met'}`
  }
  if (target.atMost === 0) return figure
  return `${figure}, at most ${target.atMost}: ${median <= target.atMost ? 'met' : 'not met'}`
}

function scanTable({ environment: { cpu, node, commit }, results }: ScanResults): string {
  const rows = results.map(
    ({ case: name, way, meanEventBytes, gigabytesPerSecond: speed, eventsPerSecond }) => [
      `${name} (${meanEventBytes} B)`,
      way,
      spread(speed, 2),
      rounded(eventsPerSecond, 0),
    ],
  )
  const table = markdown(['events', 'way', 'GB/s of one thread', 'events/s'], rows)
  return `${table}\n\nMedian [min-max]. ${cpu}, Node ${node}, commit ${commit}.`
}

function spread({ median, min, max }: Spread, digits: number): string {
  return `${rounded(median, digits)} [${rounded(min, digits)}-${rounded(max, digits)}]`
}

/** What the dispatcher and its limits cost, without a socket. */
function deliveryTable(dispatch: DispatchResults | null, limiter: LimiterResults | null): string | null {
  const { cpu, node, commit } = (dispatch ?? limiter)?.environment ?? {}
  if (cpu === undefined) return null
  const rows = [
    ...(dispatch?.results ?? []).map(({ case: name, cpuSecondsPerMillion }) => [
      `dispatcher: ${name}`,
      `${spread(cpuSecondsPerMillion, 4)} CPU-s per million events`,
      '',
    ]),
    ...(limiter?.results ?? []).map(({ case: name, keys, nanosecondsPerDecision, mebibytes }) => [
      `${name}, ${rounded(keys, 0)} keys`,
      `${spread(nanosecondsPerDecision, 0)} ns per decision`,
      `${rounded(mebibytes, 1)} MiB`,
    ]),
  ]
  const table = markdown(['case', 'costs', 'memory'], rows)
  return `${table}\n\nMedian [min-max]. ${cpu}, Node ${node}, commit ${commit}.`
}

function rounded(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The text with what stands between the markers replaced; null where there are no such markers. */
function replaceBetween(text: string, name: string, table: string): string | null {
  const open = `<!-- bench:${name} -->`
  const from = text.indexOf(open)
  const to = text.indexOf(`<!-- /bench:${name} -->`, from)
  if (from === -1 || to === -1) return null
  return `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`
}

const { values: options } = parseArgs({
  options: {
    readme: { type: 'string', default: fileURLToPath(new URL('../README.md', import.meta.url)) },
    results: { type: 'string', default: RESULTS_FILE },
    scan: { type: 'string', default: fileURLToPath(new URL('./results/scan.json', import.meta.url)) },
  },
})

/** What a bench of its own has written; `null` where it has not run. */
function resultsText(bench: string): string {
  const file = fileURLToPath(new URL(`./results/${bench}.json`, import.meta.url))
  return existsSync(file) ? readFileSync(file, 'utf8') : 'null'
}

function madeTables(): [name: string, table: string | null][] {
  const byCase = existsSync(options.results) ? lastResults(options.results) : new Map<string, RunResult[]>()
  const scan: ScanResults | null = existsSync(options.scan)
    ? JSON.parse(readFileSync(options.scan, 'utf8'))
    : null
  const dispatch: DispatchResults | null = JSON.parse(resultsText('dispatch'))
  const limiter: LimiterResults | null = JSON.parse(resultsText('limiter'))
  return [
    ['scan', scan === null ? null : scanTable(scan)],
    ['delivery', deliveryTable(dispatch, limiter)],
    ...Object.entries(tables).map(([name, columns]): [string, string | null] => [
      name,
      benchTable(name, columns, byCase),
    ]),
  ]
}

let text = readFileSync(options.readme, 'utf8')
for (const [name, table] of madeTables()) {
  const replaced = table === null ? null : replaceBetween(text, name, table)
  if (replaced !== null) text = replaced
  const outcome = table === null ? 'no results' : replaced === null ? 'no markers' : 'written'
  console.log(`${name}: ${outcome}`)
}
writeFileSync(options.readme, text)
