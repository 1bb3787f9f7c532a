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
import { runBacklog } from './backlog.ts'
import { runBareUdp } from './bare-udp.ts'
import { cases, tiny, withEvents } from './cases.ts'
import { compared } from './compared.ts'
import type { BenchCase, Figures, Target } from './bench-case.ts'
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
  const wanted = new Set(named.flatMap(withThoseBeside))
  const chosen = cases.filter((benchCase) => wanted.has(benchCase))
  if (options.tiny) return chosen.map(tiny)
  const { events } = options
  return events === undefined ? chosen : chosen.map((benchCase) => withEvents(benchCase, Number(events)))
}

/** It, and those that it and these are compared with. */
function withThoseBeside(benchCase: BenchCase): BenchCase[] {
  const beside = cases.find(({ name }) => name === benchCase.beside)
  return beside === undefined ? [benchCase] : [benchCase, ...withThoseBeside(beside)]
}

function startOwnLoad(plan: LoadPlan): Promise<Load> {
  return OwnLoad.start(plan)
}

function startLoad(plan: LoadPlan): Promise<Load> {
  return tools === undefined ? startOwnLoad(plan) : CTools.start(plan, tools)
}

function runCase(benchCase: BenchCase, beside: Figures): Promise<Figures> {
  if (benchCase.kind === 'flood') return runFlood(benchCase, benchCase.answers ? startOwnLoad : startLoad)
  if (benchCase.kind === 'backlog') return runBacklog(benchCase, startLoad, beside)
  if (benchCase.kind === 'bare-udp') return runBareUdp(benchCase)
  return benchCase.kind === 'trickle' ? runTrickle(benchCase) : runIdle(benchCase)
}

/** Datagrams, and what is asked for, the C tools can't send, and don't tell how long each answer took. */
function loadOf(benchCase: BenchCase): Environment['load'] {
  if (tools === undefined) return 'own threads'
  if (benchCase.kind === 'backlog') return 'C tools'
  if (benchCase.kind !== 'flood' || benchCase.answers) return 'own threads'
  const { load } = benchCase
  return 'urls' in load || load.mode === 'udp' ? 'an own thread, received by C tools' : 'C tools'
}

/** Of the case that it is compared with, in the same round. */
function figuresBeside({ beside }: BenchCase, run: number): Figures {
  return beside === undefined ? {} : results.get(beside)![run]!.figures
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
    const beside = figuresBeside(benchCase, run)
    const figures = await runCase(benchCase, beside) // oxlint-disable-line no-await-in-loop -- one at a time has the machine
    const result: RunResult = {
      case: benchCase.name,
      table: benchCase.table,
      startedAt,
      run,
      tiny: options.tiny,
      environment: environment(loadOf(benchCase)),
      calibrationS,
      figures: benchCase.beside === undefined ? figures : { ...figures, ...compared(figures, beside) },
    }
    appendResult(options.results, result)
    results.get(benchCase.name)!.push(result)
    console.log(`${benchCase.name} run ${run + 1}: ${JSON.stringify(result.figures)}`)
  }
}
for (const benchCase of chosen) report(benchCase, results.get(benchCase.name)!)
