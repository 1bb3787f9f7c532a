import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../src/app/admin/status.ts'
import { MIB } from '../src/base/units.ts'
import type { Figures, FloodCase } from './bench-case.ts'
import { CollectorProcess } from './collector-process.ts'
import type { StartCollector } from './collector-process.ts'
import { syncTimes } from './disk.ts'
import { monotonicMs } from './load/tally.ts'
import { NEARLY_ALL } from './load/load.ts'
import type { Load, LoadPlan, LoadReport } from './load/load.ts'
import type { StreamPlan } from './load/stream.ts'
import type { ProcessUsage } from './process-usage.ts'
import { Watch } from './watch.ts'

/** What the runtime itself takes beside what the collector counts. */
export const RUNTIME_BYTES = 150 * MIB
/** Longer than an outage and the longest wait before a retry. */
const GIVE_UP_MS = 45_000
/** What does not come is lost. */
const GIVE_UP_DATAGRAMS_MS = 10_000
/** Nobody listens there. */
const NOBODY = 'http://127.0.0.1:1/'
/** What a fresh collector has to do before it is at rest. */
const SETTLE_MS = 300

/** What is refused is counted a little later than what is delivered. */
const COUNT_POLL_MS = 20
const COUNT_TRIES = 2000

interface Moment {
  readonly atMs: number
  readonly usage: ProcessUsage
}

/** One run: a fresh collector with the shipped defaults, a flood, and what it took until the last event came. */
export async function runFlood(
  benchCase: FloodCase,
  startLoad: (plan: LoadPlan) => Promise<Load>,
  startCollector: StartCollector = CollectorProcess.start,
): Promise<Figures> {
  const load = await startLoad(loadPlanOf(benchCase))
  let collector: CollectorProcess | null = null
  let watch: Watch | null = null
  try {
    collector = await startCollector(configOf(benchCase, load))
    await sleep(SETTLE_MS)
    const running = collector
    const moment = (): Moment => ({ atMs: monotonicMs(), usage: running.usage() })
    watch = await Watch.start(running)
    const before = moment()
    let warm: Moment | null = null
    const { warmUpS } = benchCase
    const warming = setTimeout(() => (warm = moment()), warmUpS * 1000)
    const streams = streamsOf(benchCase, running)
    const isUdp = streams.some(({ mode }) => mode === 'udp')
    const report = await load.send(streams, isUdp ? GIVE_UP_DATAGRAMS_MS : GIVE_UP_MS)
    if (report.malformed > 0) await allCounted(running, report)
    clearTimeout(warming)
    const after = moment()
    const watched = await watch.figures()
    const counted = await accounts(collector, report)
    return {
      ...speed(before, after, report),
      ...(benchCase.answers ? { ...answerTimes(report, warmUpS), ...(await syncTimes()) } : undefined),
      ...(benchCase.answers ? undefined : latencies(load.latenciesMs(report.firstSentAtMs + warmUpS * 1000))),
      gc_percent: await gcPercent(collector, warm, after),
      ...watched,
      peak_rss_mib: after.usage.peakRssBytes / MIB,
      rss_percent: (100 * after.usage.peakRssBytes) / (collector.started.memory_limit_bytes + RUNTIME_BYTES),
      ...counted,
    }
  } finally {
    await watch?.stop()
    await collector?.stop()
    await load.stop()
  }
}

function loadPlanOf({
  events,
  malformedShare,
  form,
  outage,
  load,
  sinks: receivers = 1,
}: FloodCase): LoadPlan {
  const served = 'urls' in load ? load : null
  return { events, malformedShare, form, served, outage, dead: false, receivers }
}

/** What the collector is told. */
export function configOf(
  { journal, source, sink, load, ...benchCase }: FloodCase,
  { urls, served }: Pick<Load, 'urls' | 'served'>,
): object {
  const sinks = urls.map((url, index) => [`out${index || ''}`, { type: 'http', url, ...sink }])
  return {
    journal: { mode: journal },
    sources: { in: { ...source, ...('urls' in load ? { urls: served } : { listen: '127.0.0.1:0' }) } },
    sinks: {
      ...Object.fromEntries(sinks),
      ...(benchCase.deadSink ? { dead: { type: 'http', url: NOBODY, ...sink } } : undefined),
    },
    ...benchCase.collector,
  }
}

/** None where the collector asks. */
function streamsOf({ load, events }: FloodCase, collector: CollectorProcess): StreamPlan[] {
  return 'urls' in load ? [] : [{ ...load, port: collector.port('in'), firstIndex: 0, events }]
}

/** Resolves when the collector has counted all that was sent, or never will. */
async function allCounted(collector: CollectorProcess, { sent }: LoadReport): Promise<void> {
  for (let tries = 0; tries < COUNT_TRIES; tries++) {
    const { ledger } = await collector.status() // oxlint-disable-line no-await-in-loop -- until it is so
    if (ledger.sources.in!.received >= sent) return
    await sleep(COUNT_POLL_MS) // oxlint-disable-line no-await-in-loop
  }
}

/** A run that lost or doubled an event has no speed. Where no event is well-formed, all have been counted in the end. */
function speed(before: Moment, after: Moment, report: LoadReport): Figures {
  const { sent, unique, malformed, firstSentAtMs, bytes } = report
  const complete = unique === sent - malformed && report.duplicates === 0
  const cpuS = after.usage.cpuS - before.usage.cpuS
  const doneAtMs = unique === 0 ? after.atMs : report.nearlyAllAtMs
  const done = unique === 0 ? sent : NEARLY_ALL * sent
  const perMs = complete && doneAtMs !== null ? done / (doneAtMs - firstSentAtMs) : null
  return {
    events_per_s: perMs && perMs * 1000,
    mb_per_s: perMs && (perMs * 1000 * bytes) / sent / 1e6,
    cpu_s_per_million: complete ? (cpuS / sent) * 1e6 : null,
    cpu_s_per_gb: complete && bytes > 0 ? (cpuS / bytes) * 1e9 : null,
  }
}

/** From the write of a request to its answer. */
function answerTimes({ answers, firstSentAtMs }: LoadReport, warmUpS: number): Figures {
  const sinceMs = firstSentAtMs + warmUpS * 1000
  const warm = answers.filter(({ sentAtMs }) => sentAtMs >= sinceMs)
  return latencies(Float64Array.from(warm, ({ tookMs }) => tookMs).toSorted())
}

/** Of sorted times; null where the load does not tell them. */
export function latencies(sortedMs: Float64Array | null): Figures {
  const at = (share: number) => sortedMs?.[Math.floor(share * (sortedMs.length - 1))] ?? null
  return { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999), max_ms: at(1) }
}

/** What came, and whether the collector says the same. */
export async function accounts(collector: CollectorProcess, report: LoadReport): Promise<Figures> {
  const { ledger, datagrams } = await collector.status()
  const rejected = Object.values(ledger.sources.in!.rejected).reduce((sum, count) => sum + count, 0)
  const delivered = Object.entries(ledger.sinks)
    .filter(([name]) => name !== 'dead')
    .map(([, sink]) => Object.values(sink.delivered).reduce((sum, count) => sum + count, 0))
  const lost = report.sent - report.malformed - report.unique
  return {
    ...(datagrams.in === undefined ? undefined : datagramFigures(datagrams.in, lost, report)),
    lost,
    duplicates: report.duplicates,
    strange: report.strange,
    rejected_wrongly: Math.abs(rejected - report.malformed),
    unbalanced: ledger.balanced && delivered.every((count) => count === report.unique) ? 0 : 1,
    retries_in: report.retries,
    refused_out: report.refused,
  }
}

type DatagramStatus = NonNullable<Status['datagrams'][string]>

/** How fast they really were sent, and where those stayed that were lost. */
function datagramFigures(status: DatagramStatus, lost: number, report: LoadReport): Figures {
  const { kernel_drops: drops, discarded, receive_buffer_bytes: bufferBytes } = status
  const { sent, firstSentAtMs, lastSentAtMs } = report
  return {
    sent_per_s: lastSentAtMs === null ? null : (sent * 1000) / (lastSentAtMs - firstSentAtMs),
    kernel_drops: drops,
    discarded,
    unexplained: lost - (drops ?? 0) - discarded,
    receive_buffer_mib: bufferBytes / MIB,
  }
}

/**
 * Share of the CPU time since the warm-up that went into garbage collection: the pauses of all isolates, and what V8's
 * own threads took, which compile too. null when it was over before it was warm.
 */
async function gcPercent(
  collector: CollectorProcess,
  warm: Moment | null,
  after: Moment,
): Promise<number | null> {
  const pauses = await collector.stop()
  if (warm === null || after.atMs <= warm.atMs) return null
  const pauseMs = pauses
    .filter(({ atMs }) => atMs >= warm.atMs && atMs <= after.atMs)
    .reduce((sum, pause) => sum + pause.pauseMs, 0)
  const v8CpuS = after.usage.v8CpuS - warm.usage.v8CpuS
  const cpuS = after.usage.cpuS - warm.usage.cpuS
  return cpuS === 0 ? null : (100 * (pauseMs / 1000 + v8CpuS)) / cpuS
}
