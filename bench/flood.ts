import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../src/base/units.ts'
import type { Figures, FloodCase } from './cases.ts'
import { CollectorProcess } from './collector-process.ts'
import { monotonicMs } from './load/tally.ts'
import { NEARLY_ALL } from './load/load.ts'
import type { Load, LoadPlan, LoadReport } from './load/load.ts'
import type { ProcessUsage } from './process-usage.ts'

/** What the runtime itself takes beside what the collector counts. */
const RUNTIME_BYTES = 150 * MIB
/** Longer than an outage and the longest wait before a retry. */
const GIVE_UP_MS = 45_000
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
): Promise<Figures> {
  const { source, connections, eventsPerWrite, events, malformedShare, outage, warmUpS, sink } = benchCase
  const load = await startLoad({ events, malformedShare, outage })
  let collector: CollectorProcess | null = null
  try {
    collector = await CollectorProcess.start({
      sources: { in: { type: source, listen: '127.0.0.1:0' } },
      sinks: { out: { type: 'http', url: load.url, ...sink } },
    })
    await sleep(SETTLE_MS)
    const running = collector
    const moment = (): Moment => ({ atMs: monotonicMs(), usage: running.usage() })
    const before = moment()
    let warm: Moment | null = null
    const warming = setTimeout(() => (warm = moment()), warmUpS * 1000)
    const stream = { mode: source, port: collector.port('in'), connections, eventsPerWrite, events }
    const report = await load.send([{ ...stream, firstIndex: 0, eventsPerSecond: null }], GIVE_UP_MS)
    clearTimeout(warming)
    const after = moment()
    const counted = await accounts(collector, report)
    return {
      ...speed(before, after, report),
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

/** A run that lost or doubled an event has no speed. */
function speed(before: Moment, after: Moment, report: LoadReport): Figures {
  const { unique, firstSentAtMs, nearlyAllAtMs } = report
  const complete = unique === report.sent - report.malformed && report.duplicates === 0
  const cpuS = after.usage.cpuS - before.usage.cpuS
  return {
    events_per_s:
      complete && nearlyAllAtMs !== null
        ? ((NEARLY_ALL * report.sent) / (nearlyAllAtMs - firstSentAtMs)) * 1000
        : null,
    cpu_s_per_million: complete ? (cpuS / unique) * 1e6 : null,
  }
}

/** What came, and whether the collector says the same. */
async function accounts(collector: CollectorProcess, report: LoadReport): Promise<Figures> {
  const { ledger } = await collector.status()
  const rejected = Object.values(ledger.sources.in!.rejected).reduce((sum, count) => sum + count, 0)
  const delivered = Object.values(ledger.sinks.out!.delivered).reduce((sum, count) => sum + count, 0)
  return {
    lost: report.sent - report.malformed - report.unique,
    duplicates: report.duplicates,
    strange: report.strange,
    rejected_wrongly: Math.abs(rejected - report.malformed),
    unbalanced: ledger.balanced && delivered === report.unique ? 0 : 1,
    retries_in: report.retries,
    refused_out: report.refused,
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
