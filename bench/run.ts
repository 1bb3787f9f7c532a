/**
 * Runs cases and prints what they come to beside their targets; a target that is not met is no error.
 *
 *     npm run bench -- [case...] [--runs 5] [--events N] [--tiny] [--results FILE]
 *
 * The cases take turns, so that what else the machine does meets them alike. With SPILLWAY_TOOLS set to a folder that
 * holds the programs `gen` and `sink` (see load/c-tools.ts) the floods come from those.
 */
import { parseArgs } from 'node:util'
import { cases, tiny, withEvents } from './cases.ts'
import type { BenchCase, Figures, Target } from './cases.ts'
import { runFlood } from './flood.ts'
import { CTools } from './load/c-tools.ts'
import type { Load, LoadPlan } from './load/load.ts'
import { OwnLoad } from './load/own-load.ts'
import { RESULTS_FILE, appendResult, calibrate, environment, summarise } from './results.ts'
import type { RunResult, Summary } from './results.ts'
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
  const chosen = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (options.tiny) return chosen.map(tiny)
  const { events } = options
  return events === undefined ? chosen : chosen.map((benchCase) => withEvents(benchCase, Number(events)))
}

function startLoad(plan: LoadPlan): Promise<Load> {
  return tools === undefined ? OwnLoad.start(plan) : CTools.start(plan, tools)
}

function runCase(benchCase: BenchCase): Promise<Figures> {
  if (benchCase.kind === 'flood') return runFlood(benchCase, startLoad)
  return benchCase.kind === 'trickle' ? runTrickle(benchCase) : runIdle(benchCase)
}

function verdict({ median }: Summary, { atMost, wanted }: Target): string {
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
    const ownLoad = tools === undefined || benchCase.kind !== 'flood'
    const result: RunResult = {
      case: benchCase.name,
      table: benchCase.table,
      startedAt,
      run,
      tiny: options.tiny,
      environment: environment(ownLoad ? 'own threads' : 'C tools'),
      calibrationS: options.tiny ? 0 : calibrate(),
      figures: await runCase(benchCase), // oxlint-disable-line no-await-in-loop -- one at a time has the machine
    }
    appendResult(options.results, result)
    results.get(benchCase.name)!.push(result)
    console.log(`${benchCase.name} run ${run + 1}: ${JSON.stringify(result.figures)}`)
  }
}
for (const benchCase of chosen) report(benchCase, results.get(benchCase.name)!)
