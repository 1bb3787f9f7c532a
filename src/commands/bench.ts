import { SpillwayError } from '../base/errors.ts'
import { estimateRate, reservesOf } from './bench/estimate.ts'
import { measure } from './bench/measure.ts'
import type { Measurements } from './bench/measure.ts'
import { benchPlan } from './bench/plan.ts'
import type { BenchOptions, BenchPlan } from './bench/plan.ts'
import { recommend } from './bench/recommend.ts'
import { reportJson, reportText } from './bench/report.ts'
import type { BenchReport } from './bench/report.ts'
import { StopSignals } from './terminal/stop-signals.ts'
import { surviveBrokenOutput } from './terminal/streams.ts'

/**
 * `spillway bench`: what this host can do, on loopback and one of its disks, and a configuration for it. The figures are
 * comments, so that the whole output is a configuration. What is under way goes to standard error. Resolves to the exit
 * code: 0 when all was measured, 1 when a part could not be, 2 for options or a configuration that are none.
 */
export async function benchCommand(options: BenchOptions): Promise<0 | 1 | 2> {
  surviveBrokenOutput()
  const signals = new StopSignals()
  // Half a measurement is none; what is on the disk, and the collector of the rehearsal, go with the process.
  signals.stop.addEventListener('abort', () => process.exit(1))
  try {
    const plan = benchPlan(options)
    const measured = await measure(plan, (what) => process.stderr.write(`measuring ${what}\n`))
    const report = reportOf(plan, measured)
    process.stdout.write(
      options.json === true ? `${JSON.stringify(reportJson(report), undefined, 2)}\n` : reportText(report),
    )
    return measured.notMeasured.length === 0 ? 0 : 1
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  } finally {
    signals.close()
  }
}

function reportOf({ base, directory, dataDir, sample }: BenchPlan, measured: Measurements): BenchReport {
  const { host, disk, rehearsal } = measured
  const { meanBytes: eventBytes } = sample
  const rate = rehearsal === null ? null : estimateRate({ host, disk, rehearsal, eventBytes })
  const recommendation = recommend(base, {
    rate,
    commits: disk?.commits ?? [],
    freeBytes: disk === null || disk.in_memory ? null : disk.free_bytes,
    memoryBytes: host.memory_bytes,
    openFiles: host.open_files,
    nodes: host.numa_nodes,
    eventBytes,
    dataDir,
  })
  const { config, sharedArenaBytes } = recommendation
  const journalBytes = config.journal.maxBytes
  const reserves = rate === null ? [] : reservesOf({ rate, journalBytes, sharedArenaBytes, eventBytes })
  return { directory, sample, measured, rate, reserves, recommendation }
}
