/** Everything that is measured, one after another, so that each part has the host for itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../../base/errors.ts'
import { formatBytes, GIB, MIB } from '../../base/units.ts'
import { Thread } from '../demo/thread.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { freeBytes, measureDisk } from './disk.ts'
import type { DiskReport } from './disk.ts'
import { hostFacts, hostTimes } from './host.ts'
import type { HostFacts, HostTimes } from './host.ts'
import { measureLoopback } from './loopback.ts'
import type { LoopbackReport } from './loopback.ts'
import type { LoadData, LoadOrder, LoadReport } from './load-thread.ts'
import type { BenchPlan } from './plan.ts'
import { rehearse } from './rehearsal.ts'
import type { Rehearsal } from './rehearsal.ts'
import { measureScanner } from './scanner.ts'
import type { ScannerReport } from './scanner.ts'

/** How long the host is watched before anything is measured: others that are at work make every figure worse. */
const WATCH_MS = 300
const REHEARSAL_FREE_BYTES_MIN = 512 * MIB
const REHEARSAL_JOURNAL_BYTES_MAX = 4 * GIB

/** null where something could not be measured; `notMeasured` says why. */
export interface Measurements {
  readonly host: HostFacts
  /** Shares of all CPUs: in use by others before it began, and taken by other guests of the hypervisor during it. */
  readonly busyShare: number | null
  readonly stolenShare: number | null
  readonly disk: DiskReport | null
  readonly loopback: LoopbackReport | null
  readonly scanner: ScannerReport
  readonly rehearsal: Rehearsal | null
  readonly notMeasured: readonly string[]
}

export async function measure(plan: BenchPlan, onStep: (what: string) => void): Promise<Measurements> {
  const { budget, sample, schema } = plan
  const notMeasured: string[] = []
  const attempt = async <Value>(what: string, run: () => Value | Promise<Value>): Promise<Value | null> => {
    onStep(what)
    try {
      return await run()
    } catch (error) {
      notMeasured.push(`${what}: ${reasonOf(error)}`)
      return null
    }
  }
  const before = hostTimes()
  await sleep(WATCH_MS)
  const watched = hostTimes()
  const load = loadThread(plan)
  const directory = await attempt('the disk', () => temporaryDirectory(plan.directory, 'spillway-bench-'))
  try {
    await load.first()
    const disk = directory && (await attempt('commits', () => measureDisk(directory.path, budget.diskMs)))
    const loopback = await attempt('loopback', () => measureLoopback(load, budget.loopbackMs))
    onStep('scanner')
    const scanner = measureScanner(schema.spec, sample, budget.scannerMs)
    const rehearsal = directory && (await attempt('a collector', () => rehearsed(plan, directory.path, load)))
    if (disk?.in_memory === true)
      notMeasured.push(`the disk: ${plan.directory} is in memory (tmpfs); name a directory with --dir`)
    return {
      host: hostFacts(),
      busyShare: shareOf(before, watched, ({ all, idle }) => all - idle),
      stolenShare: shareOf(watched, hostTimes(), ({ stolen }) => stolen),
      disk,
      loopback,
      scanner,
      rehearsal,
      notMeasured,
    }
  } finally {
    await load.end()
    directory?.remove()
  }
}

function loadThread({ sample }: BenchPlan): Thread<LoadReport, LoadOrder> {
  const data: LoadData = { block: sample.bytes, events: sample.events }
  return new Thread('load-thread', data, import.meta.url)
}

async function rehearsed(
  { schema, budget, sample }: BenchPlan,
  directory: string,
  load: Thread<LoadReport, LoadOrder>,
): Promise<Rehearsal> {
  const free = freeBytes(directory)
  if (free < REHEARSAL_FREE_BYTES_MIN)
    throw new Error(`less than ${formatBytes(REHEARSAL_FREE_BYTES_MIN)} are free`)
  const journalMaxBytes = Math.min(REHEARSAL_JOURNAL_BYTES_MAX, Math.floor(free / 4 / MIB) * MIB)
  const { name, written } = schema
  const plan = {
    directory,
    journalMaxBytes,
    schema: name,
    schemas: written,
    budgetMs: budget.rehearsalMs,
    meanBytes: sample.meanBytes,
  }
  return await rehearse(plan, load)
}

function shareOf(
  before: HostTimes | null,
  after: HostTimes | null,
  part: (times: HostTimes) => number,
): number | null {
  if (before === null || after === null || after.all === before.all) return null
  return (part(after) - part(before)) / (after.all - before.all)
}
