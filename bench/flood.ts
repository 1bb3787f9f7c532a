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
  const { source, form, events, malformedShare, outage, warmUpS, sink, journal } = benchCase
  const served = 'urls' in benchCase.load ? benchCase.load : null
  const load = await startLoad({ events, malformedShare, form, served, outage, dead: false })
  let collector: CollectorProcess | null = null
  try {
    collector = await startCollector({
      journal: { mode: journal },
      sources: { in: { ...source, ...(served ? { urls: load.served } : { listen: '127.0.0.1:0' }) } },
      sinks: {
        out: { type: 'http', url: load.url, ...sink },
        ...(benchCase.deadSink ? { dead: { type: 'http', url: NOBODY, ...sink } } : undefined),
      },
    })
    await sleep(SETTLE_MS)
    const running = collector
    const moment = (): Moment => ({ atMs: monotonicMs(), usage: running.usage() })
    const before = moment()
    let warm: Moment | null = null
    const warming = setTimeout(() => (warm = moment()), warmUpS * 1000)
    const streams = streamsOf(benchCase, running)
    const isUdp = streams.some(({ mode }) => mode === 'udp')
    const report = await load.send(streams, isUdp ? GIVE_UP_DATAGRAMS_MS : GIVE_UP_MS)
    clearTimeout(warming)
    const after = moment()
    const counted = await accounts(collector, report)
    return {
      ...speed(before, after, report),
      ...(benchCase.answers ? { ...answerTimes(report, warmUpS), ...(await syncTimes()) } : undefined),
      gc_percent: await gcPercent(collector, warm, after),
      peak_rss_mib: after.usage.peakRssBytes / MIB,
      rss_percent: (100 * after.usage.peakRssBytes) / (collector.started.memory_limit_bytes + RUNTIME_BYTES),
      ...counted,
    }
  } finally {
    await collector?.stop()
    await load.stop()
  }
}

/** None where the collector asks. */
function streamsOf({ load, events }: FloodCase, collector: CollectorProcess): StreamPlan[] {
  return 'urls' in load ? [] : [{ ...load, port: collector.port('in'), firstIndex: 0, events }]
}

/** A run that lost or doubled an event has no speed. */
function speed(before: Moment, after: Moment, report: LoadReport): Figures {
  const { sent, unique, firstSentAtMs, nearlyAllAtMs, bytes } = report
  const complete = unique === sent - report.malformed && report.duplicates === 0
  const cpuS = after.usage.cpuS - before.usage.cpuS
  const perMs =
    complete && nearlyAllAtMs !== null ? (NEARLY_ALL * sent) / (nearlyAllAtMs - firstSentAtMs) : null
  return {
    events_per_s: perMs && perMs * 1000,
    mb_per_s: perMs && (perMs * 1000 * bytes) / sent / 1e6,
    cpu_s_per_million: complete ? (cpuS / unique) * 1e6 : null,
  }
}

/** From the write of a request to its answer. */
function answerTimes({ answers, firstSentAtMs }: LoadReport, warmUpS: number): Figures {
  const sinceMs = firstSentAtMs + warmUpS * 1000
  const sortedMs = Float64Array.from(
    answers.filter(({ sentAtMs }) => sentAtMs >= sinceMs),
    ({ tookMs }) => tookMs,
  ).toSorted()
  const at = (share: number) => sortedMs[Math.floor(share * (sortedMs.length - 1))] ?? null
  return { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999), max_ms: at(1) }
}

/** What came, and whether the collector says the same. */
export async function accounts(collector: CollectorProcess, report: LoadReport): Promise<Figures> {
  const { ledger, datagrams } = await collector.status()
  const rejected = Object.values(ledger.sources.in!.rejected).reduce((sum, count) => sum + count, 0)
  const delivered = Object.values(ledger.sinks.out!.delivered).reduce((sum, count) => sum + count, 0)
  const lost = report.sent - report.malformed - report.unique
  return {
    ...(datagrams.in === undefined ? undefined : datagramFigures(datagrams.in, lost, report)),
    lost,
    duplicates: report.duplicates,
    strange: report.strange,
    rejected_wrongly: Math.abs(rejected - report.malformed),
    unbalanced: ledger.balanced && delivered === report.unique ? 0 : 1,
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
