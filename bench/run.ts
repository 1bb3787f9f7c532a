/**
 * Runs cases and prints what they come to beside their targets; a target that is not met is no error.
 *
 *     npm run bench -- [case...] [--runs 5] [--events N] [--tiny] [--results FILE]
 *
 * The cases take turns, so that what else the machine does meets them alike; one that is compared with another brings it
 * along. With SPILLWAY_TOOLS set to a folder that
 * holds the programs `gen` and `sink` (see load/c-tools.ts) the floods come from those.
 */
import { parseArgs } from 'node:util'
import { runBareUdp } from './bare-udp.ts'
import { cases, tiny, withEvents } from './cases.ts'
import type { BenchCase, Figures, Target } from './cases.ts'
import { runFlood } from './flood.ts'
import { CTools } from './load/c-tools.ts'
import type { Load, LoadPlan } from './load/load.ts'
import { OwnLoad } from './load/own-load.ts'
import { RESULTS_FILE, appendResult, calibrate, environment, summarise } from './results.ts'
import type { Environment, RunResult, Summary } from './results.ts'
import { runIdle, runTrickle } from './trickle.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    events: { type: 'string' },
    tiny: { type: 'boolean', default: false },
    results: { type: 'string', default: RESULTS_FILE },
  },
})

const tools = process.env.SPILLWAY_TOOLS

function chosenCases(): BenchCase[] {
  const unknown = positionals.filter((wanted) => !cases.some(({ name }) => name === wanted))
  if (unknown.length > 0) {
    const known = cases.map(({ name }) => name).join(', ')
    throw new Error(`no such case: ${unknown.join(', ')}; there are ${known}`)
  }
  const named = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const chosen = cases.filter(({ name }) => named.some((one) => one.name === name || one.beside === name))
  if (options.tiny) return chosen.map(tiny)
  const { events } = options
  return events === undefined ? chosen : chosen.map((benchCase) => withEvents(benchCase, Number(events)))
}

function startLoad(plan: LoadPlan): Promise<Load> {
  return tools === undefined ? OwnLoad.start(plan) : CTools.start(plan, tools)
}

function runCase(benchCase: BenchCase): Promise<Figures> {
  if (benchCase.kind === 'flood') return runFlood(benchCase, startLoad)
  if (benchCase.kind === 'bare-udp') return runBareUdp(benchCase)
  return benchCase.kind === 'trickle' ? runTrickle(benchCase) : runIdle(benchCase)
}

/** Only floods are received by the C tools; datagrams, and what is asked for, they can't send. */
function loadOf(benchCase: BenchCase): Environment['load'] {
  if (tools === undefined || benchCase.kind !== 'flood') return 'own threads'
  const { load } = benchCase
  return 'urls' in load || load.mode === 'udp' ? 'an own thread, received by C tools' : 'C tools'
}

/** What its CPU time is to that of the case beside it, in the same round. */
function compared({ beside }: BenchCase, { cpu_s_per_million: cpuS }: Figures, run: number): Figures {
  if (beside === undefined) return {}
  const cpuSBeside = results.get(beside)![run]!.figures.cpu_s_per_million
  const both = typeof cpuS === 'number' && typeof cpuSBeside === 'number'
  return {
    cpu_s_per_million_beside: cpuSBeside ?? null,
    times_beside: both ? cpuS / cpuSBeside : null,
    more_than_beside: both ? cpuS - cpuSBeside : null,
  }
}

function verdict({ median }: Summary, target: Target): string {
  if ('atLeast' in target) return median < target.atLeast ? `NOT MET: at least ${target.atLeast}` : 'met'
  const { atMost, wanted } = target
  if (median > atMost) return `NOT MET: at most ${atMost}`
  return wanted === undefined || median <= wanted ? 'met' : `met: at most ${atMost}, wanted ${wanted}`
}

function report(benchCase: BenchCase, runs: readonly RunResult[]): void {
  const rows = [...summarise(runs)].map(([figure, summary]) => {
    const target = benchCase.targets[figure]
    if (summary === null) return { figure, median: 'none', target: target && 'NOT MEASURED' }
    const { median, min, max } = summary
    const range = `${min.toPrecision(4)}-${max.toPrecision(4)}`
    return {
      figure,
      median: Number(median.toPrecision(4)),
      range,
      target: target && verdict(summary, target),
    }
  })
  console.log(`\n${benchCase.name}, ${runs.length} runs`)
  console.table(rows)
}

const chosen = chosenCases()
const startedAt = new Date().toISOString()
const results = new Map(chosen.map(({ name }) => [name, [] as RunResult[]]))
for (let run = 0; run < Number(options.runs); run++) {
  for (const benchCase of chosen) {
    const calibrationS = options.tiny ? 0 : calibrate()
    const figures = await runCase(benchCase) // oxlint-disable-line no-await-in-loop -- one at a time has the machine
    const result: RunResult = {
      case: benchCase.name,
      table: benchCase.table,
      startedAt,
      run,
      tiny: options.tiny,
      environment: environment(loadOf(benchCase)),
      calibrationS,
      figures: { ...figures, ...compared(benchCase, figures, run) },
    }
    appendResult(options.results, result)
    results.get(benchCase.name)!.push(result)
    console.log(`${benchCase.name} run ${run + 1}: ${JSON.stringify(result.figures)}`)
  }
}
for (const benchCase of chosen) report(benchCase, results.get(benchCase.name)!)
