/** What `spillway bench` prints. */
import { KIB } from '../../base/units.ts'
import { formatCount, formatLatency, formatSize } from '../terminal/figures.ts'
import { SPIKE_FACTOR, SUSTAINABLE_SHARE } from './estimate.ts'
import type { RateEstimate, Reserve } from './estimate.ts'
import type { Measurements } from './measure.ts'
import type { Recommendation } from './recommend.ts'
import type { Sample } from './sample-events.ts'

/** Above these a figure says more about the neighbours than about the host. */
const BUSY_SHARE_MAX = 0.1
/** From here on it was off by up to four times. */
const BUSY_SHARE_USELESS = 0.5
const STOLEN_SHARE_MAX = 0.05
const UNDECIDED_SHARE_MAX = 0.05
const CLOCK_READ_NS_MAX = 200

/** No figure here says anything about them. */
const NEVER_MEASURED = [
  'the network beyond loopback, and senders and receivers there',
  'TLS, compression, `where`, HTTP and syslog sources: what these cost beside lines over TCP is in the README',
  'this disk while others use it',
]

export interface BenchReport {
  readonly directory: string
  readonly sample: Sample
  readonly measured: Measurements
  readonly rate: RateEstimate | null
  readonly reserves: readonly Reserve[]
  readonly recommendation: Recommendation
}

export function reportJson({ directory, sample, measured, rate, reserves, recommendation }: BenchReport) {
  const { busyShare, stolenShare, notMeasured, ...parts } = measured
  return {
    directory,
    events: { mean_bytes: sample.meanBytes },
    ...parts,
    busy_before_share: busyShare,
    stolen_share: stolenShare,
    rate,
    reserves,
    recommended: {
      yaml: recommendation.text,
      memory_bytes: recommendation.memoryBytes,
      warnings: recommendation.warnings,
    },
    warnings: warningsOf(measured),
    not_measured: [...notMeasured, ...NEVER_MEASURED],
  }
}

/** The figures as comments, and the configuration. */
export function reportText(report: BenchReport): string {
  const comments = linesOf(report).map((line) => `# ${line}`.trimEnd())
  return `${comments.join('\n')}\n\n${report.recommendation.text}`
}

function linesOf(report: BenchReport): string[] {
  const { measured, rate, reserves, recommendation } = report
  return [
    ...hostLines(measured),
    '',
    ...diskLines(report),
    ...partLines(report),
    ...(rate === null ? [] : ['', ...rateLines(rate, report.sample)]),
    ...(reserves.length === 0 ? [] : ['', ...reserveLines(reserves, recommendation)]),
    '',
    ...[...warningsOf(measured), ...recommendation.warnings].map((warning) => `warning: ${warning}`),
    ...[...measured.notMeasured, ...NEVER_MEASURED].map((what) => `not measured: ${what}`),
  ]
}

function hostLines({ host }: Measurements): string[] {
  const quota = host.cpu_quota === null ? '' : `, quota of ${host.cpu_quota}`
  const nodes = host.numa_nodes > 1 ? `, ${host.numa_nodes} NUMA nodes` : ''
  const files = host.open_files === null ? '' : `, ${formatCount(host.open_files)} open files`
  return [
    `host       ${host.cpu_model}, Linux ${host.kernel}, Node ${host.node}`,
    `cores      ${host.cores} (CPUs ${host.cpus_allowed ?? 'unknown'}${nodes}${quota})`,
    `memory     ${formatSize(host.memory_bytes)}${host.memory_limited ? ' (limit of the cgroup)' : ''}${files}`,
    `clock      ${host.clock_source ?? 'unknown'}, ${host.clock_read_ns} ns a reading`,
  ]
}

function diskLines({ directory, measured: { disk } }: BenchReport): string[] {
  if (disk === null) return []
  const lines = disk.commits.map((times) => {
    const { group_bytes: bytes, p50_ms: p50Ms, p99_ms: p99Ms, max_ms: maxMs } = times
    const size = bytes < 1024 * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
    const figures = [p50Ms, p99Ms, maxMs].map((ms) => formatLatency(ms).padStart(8))
    const rate = `${formatCount(times.megabytes_per_second)} MB/s`
    return `  ${size.padStart(7)}  ${figures.join('  ')}  ${rate.padStart(10)}  ${times.commits} commits`
  })
  return [
    `disk       ${directory}, ${formatSize(disk.free_bytes)} free; a commit is write + fdatasync`,
    '    group       p50       p99       max',
    ...lines,
  ]
}

function partLines({ measured, sample }: BenchReport): string[] {
  const { loopback, scanner, rehearsal } = measured
  const lines = []
  if (loopback !== null)
    lines.push(
      loopback.into_shared_memory
        ? `loopback   ${two(loopback.gigabytes_per_second)} GB/s into shared memory, ${two(loopback.gigabytes_per_cpu_second)} GB per CPU-second`
        : 'loopback   this Node does not read into shared memory: TCP sources copy',
    )
  lines.push(
    `scanner    ${two(scanner.gigabytes_per_cpu_second)} GB, ${formatCount(scanner.events_per_cpu_second)} events of ${Math.round(sample.meanBytes)} bytes per CPU-second`,
  )
  if (rehearsal !== null) {
    const { main, workers, pool, v8 } = rehearsal.by_thread
    lines.push(
      `collector  ${two(rehearsal.cpu_s_per_million)} CPU-s per million events: main thread ${two(main)}, workers ${two(workers)}, disk ${two(pool)}, V8 ${two(v8)}`,
      `           ${formatCount(rehearsal.events_per_second)} events/s beside sender and receiver on the same CPUs, ${rehearsal.seconds.toFixed(1)} s`,
    )
  }
  return lines
}

function rateLines(rate: RateEstimate, sample: Sample): string[] {
  const width = Math.max(
    ...rate.bounds.map(({ events_per_second: perSecond }) => formatCount(perSecond).length),
  )
  return [
    `To expect, with this host for itself and events of ${Math.round(sample.meanBytes)} bytes, TCP in, durable, HTTP out:`,
    ...rate.bounds.map(
      ({ what, events_per_second: perSecond, because }) =>
        `  ${what.padEnd(11)}  ${formatCount(perSecond).padStart(width)} events/s = ${because}${what === rate.bound_by ? '  <- the least' : ''}`,
    ),
    `  sustainable  ${formatCount(rate.sustainable_events_per_second)} events/s = ${SUSTAINABLE_SHARE} x ${formatCount(rate.highest_events_per_second)}; the rest is for unevenness, and to catch up`,
  ]
}

function reserveLines(reserves: readonly Reserve[], { config }: Recommendation): string[] {
  const rows = reserves.map((reserve) => [
    formatCount(reserve.everyday_events_per_second),
    time(reserve.dead_receiver_s),
    time(reserve.caught_up_s),
    time(reserve.spike_s),
    formatCount(reserve.spike_taken_events_per_second),
    time(reserve.dead_receiver_in_memory_s),
  ])
  const head = [
    'events/s',
    'dead receiver',
    'caught up in',
    `${SPIKE_FACTOR}x spike`,
    'of it taken/s',
    'without journal',
  ]
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padStart(widths[column]!)).join('  ')}`
  return [
    `How long nobody waits, with journal.max_bytes ${formatSize(config.journal.maxBytes)}:`,
    line(head),
    ...rows.map(line),
    '  dead receiver = journal / (events/s x bytes on disk); spike: a receiver that takes the everyday rate and no more;',
    '  caught up by a receiver that takes whatever comes; afterwards senders are held back (TCP) or told 503.',
  ]
}

function warningsOf({ host, busyShare, stolenShare, scanner, rehearsal }: Measurements): string[] {
  const warnings = []
  if (busyShare !== null && busyShare > BUSY_SHARE_MAX)
    warnings.push(
      `others used ${percent(busyShare)} of all CPUs before it began: ${busyShare > BUSY_SHARE_USELESS ? 'the rates are far too low, measure again when they do not' : 'every figure is too low'}`,
    )
  if (stolenShare !== null && stolenShare > STOLEN_SHARE_MAX)
    warnings.push(`the hypervisor gave ${percent(stolenShare)} of the time to others`)
  if (scanner.undecided_share > UNDECIDED_SHARE_MAX)
    warnings.push(
      `${percent(scanner.undecided_share)} of the events are decided on the slow path, or refused`,
    )
  if (rehearsal !== null && rehearsal.rejected_share > 0)
    warnings.push(`the schema refuses ${percent(rehearsal.rejected_share)} of the events`)
  if (rehearsal?.sound === false) warnings.push('the journal failed meanwhile, or the ledger did not balance')
  if (host.clock_read_ns > CLOCK_READ_NS_MAX)
    warnings.push(
      `reading the clock (${host.clock_source}) takes ${host.clock_read_ns} ns; tsc takes some 30`,
    )
  return warnings
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.01 ? 1 : 0)} %`
}

function two(value: number | null): string {
  return value === null ? '-' : value.toFixed(2)
}

/** `40 s`, `12 min`, `3.5 h`, `9 days`. */
function time(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-'
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`
  return seconds < 48 * 3600 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(0)} days`
}
