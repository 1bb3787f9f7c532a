import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../src/base/units.ts'
import type { Figures, IdleCase, TrickleCase } from './bench-case.ts'
import { CollectorProcess } from './collector-process.ts'
import type { StartCollector } from './collector-process.ts'
import { latencies } from './flood.ts'
import type { StreamPlan } from './load/stream.ts'
import type { LoadReport } from './load/load.ts'
import { OwnLoad } from './load/own-load.ts'
import { monotonicMs } from './load/tally.ts'

const GIVE_UP_MS = 20_000
const SETTLE_MS = 300

/** What the cases of little load share: several sources, and one sink. */
interface Setting {
  readonly sources: readonly ('tcp' | 'http')[]
  readonly sink: object
  readonly journal: 'disk' | 'memory'
  readonly collector?: object
  readonly warmUpS: number
  readonly durationS: number
  readonly eventsPerSource: number
  readonly eventsPerWrite: number
  readonly connections: number
  readonly eventsPerSecond: number | null
}

/** One run of a few events a second; load of our own only, because it knows when each was sent. */
export function runTrickle(
  { warmUpS, durationS, ...rest }: TrickleCase,
  startCollector?: StartCollector,
): Promise<Figures> {
  const eventsPerSource = Math.round(rest.eventsPerSecond * (warmUpS + durationS))
  return runQuiet({ ...rest, warmUpS, durationS, eventsPerSource, connections: 1 }, startCollector)
}

/** One run of connections that send an event each, and then nothing. */
export function runIdle({ connectionsPerType, ...rest }: IdleCase): Promise<Figures> {
  const perSource = {
    eventsPerSource: connectionsPerType,
    eventsPerWrite: 1,
    connections: connectionsPerType,
  }
  return runQuiet({ ...rest, sources: ['tcp', 'http'], ...perSource, eventsPerSecond: null })
}

async function runQuiet(
  setting: Setting,
  startCollector: StartCollector = CollectorProcess.start,
): Promise<Figures> {
  const names = setting.sources.map((type, index) => ({ type, name: `${type}${index}` }))
  const { eventsPerSource, eventsPerWrite, connections, eventsPerSecond } = setting
  const events = names.length * eventsPerSource
  const load = await OwnLoad.start({
    events,
    malformedShare: 0,
    form: 'ndjson',
    served: null,
    outage: null,
    dead: false,
  })
  let collector: CollectorProcess | null = null
  try {
    collector = await startCollector({
      journal: { mode: setting.journal },
      sources: Object.fromEntries(names.map(({ type, name }) => [name, { type, listen: '127.0.0.1:0' }])),
      sinks: { out: { type: 'http', url: load.url, ...setting.sink } },
      ...setting.collector,
    })
    await sleep(SETTLE_MS)
    const port = collector.port.bind(collector)
    const streams = names.map(({ type, name }, index): StreamPlan => ({
      mode: type,
      port: port(name),
      connections,
      eventsPerWrite,
      firstIndex: index * eventsPerSource,
      events: eventsPerSource,
      eventsPerSecond,
    }))
    const cpu = cpuPercent(collector, load, setting)
    const report = await load.send(streams, GIVE_UP_MS)
    const cpu_percent = await cpu
    const sinceMs = report.firstSentAtMs + setting.warmUpS * 1000
    const { peakRssBytes } = collector.usage()
    return {
      cpu_percent,
      peak_rss_mib: peakRssBytes / MIB,
      ...(eventsPerSecond === null ? undefined : latencies(load.tally.latenciesMs(sinceMs))),
      backpressure: (await collector.metric('spillway_backpressure_total')) + report.retries,
      ...(await accounts(collector, report)),
    }
  } finally {
    await collector?.stop()
    await load.stop()
  }
}

/** Share of one core, from the end of the warm-up on. */
async function cpuPercent(
  collector: CollectorProcess,
  load: OwnLoad,
  { warmUpS, durationS }: Setting,
): Promise<number> {
  await load.sending()
  await sleep(warmUpS * 1000)
  const fromMs = monotonicMs()
  const { cpuS } = collector.usage()
  await sleep(durationS * 1000)
  return (100 * (collector.usage().cpuS - cpuS) * 1000) / (monotonicMs() - fromMs)
}

async function accounts(collector: CollectorProcess, report: LoadReport): Promise<Figures> {
  const { ledger } = await collector.status()
  return {
    lost: report.sent - report.unique,
    duplicates: report.duplicates,
    strange: report.strange,
    unbalanced: ledger.balanced ? 0 : 1,
  }
}
