/* oxlint-disable no-await-in-loop -- one run has the machine */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import { Scene } from './scene.ts'
import type { Report } from './scene.ts'

/** With and without a dead sink take turns, so that a machine that slows down slows both. */
const ROUNDS = 2
const WARM_UP_MS = 1000
/** More than anybody can send in a second. */
const EVENTS_PER_SECOND_MAX = 300_000
/** Below this share of what the first sink gets alone, the dead one is not its own problem. */
const SHARE_MIN = 0.5

export interface Run {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly report: Report
}

/** As many events as are taken, for a sink that is well beside one that is dead all the while, and for the same one alone. */
export async function runDeadSink(plan: Plan, progress: (text: string) => void): Promise<Report> {
  const alone: Run[] = []
  const beside: Run[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}, alone`)
    alone.push(await runBeside(plan, 1))
    progress(`round ${round} of ${ROUNDS}, beside a dead sink`)
    beside.push(await runBeside(plan, 2))
  }
  const faults = [...alone, ...beside].flatMap(({ report }) => report.faults)
  const share = mean(beside, 'perSecond') / mean(alone, 'perSecond')
  if (share < SHARE_MIN)
    faults.push(`the dead sink leaves the other ${(100 * share).toFixed(0)} % of its throughput`)
  const figures: Record<string, string | number> = {}
  const named = { alone, 'beside a dead sink': beside }
  for (const [name, runs] of Object.entries(named)) {
    figures[`events/s of the first sink, ${name}`] = Math.round(mean(runs, 'perSecond'))
    figures[`POST p50, p99, ms, ${name}`] =
      `${mean(runs, 'p50Ms').toFixed(1)}, ${mean(runs, 'p99Ms').toFixed(1)}`
  }
  figures['throughput beside / alone'] = share.toFixed(2)
  figures['p99 beside / alone'] = (mean(beside, 'p99Ms') / mean(alone, 'p99Ms')).toFixed(2)
  return { figures: { ...figures, ...beside.at(-1)!.report.figures }, faults }
}

/** One run; with two sinks the second is dead until the load is over. */
export async function runBeside(plan: Plan, sinks: 1 | 2): Promise<Run> {
  const events = (plan.seconds + 2) * EVENTS_PER_SECOND_MAX
  let perSecond = 0
  let sortedMs: number[] = []
  const report = await Scene.play(plan, { events, eventsPerSecond: null, sinks }, async (scene) => {
    if (sinks === 2) scene.receiver.become(1, 'dead')
    await scene.live()
    await sleep(WARM_UP_MS)
    const before = scene.witness.receivedBy(0).unique
    scene.client.latenciesMs = []
    const startMs = performance.now()
    await sleep(plan.seconds * 1000)
    perSecond = ((scene.witness.receivedBy(0).unique - before) * 1000) / (performance.now() - startMs)
    sortedMs = scene.client.latenciesMs.toSorted((a, b) => a - b)
    // What the dead one missed has waited for it.
    scene.beFine()
    await scene.finish()
    return {}
  })
  return { perSecond, p50Ms: at(sortedMs, 0.5), p99Ms: at(sortedMs, 0.99), report }
}

/** Infinity: nobody was answered. */
function at(sortedMs: readonly number[], share: number): number {
  return sortedMs[Math.floor(share * (sortedMs.length - 1))] ?? Infinity
}

function mean(runs: readonly Run[], figure: 'perSecond' | 'p50Ms' | 'p99Ms'): number {
  return runs.reduce((sum, each) => sum + each[figure], 0) / runs.length
}
