/**
 * Runs cases and prints what they come to beside their targets; a target that is not met is no error.
 *
 *     npm run bench -- [case or table...] [--list] [--runs 5] [--events N] [--alone] [--tiny] [--results FILE]
 *
 * Without a name: the cases with targets; `all`: every case. The cases take turns, so that what else the machine does
 * meets them alike; one that is compared with another brings it along, unless `--alone`. With SPILLWAY_TOOLS set to a
 * folder that holds the programs `gen` and `sink` (see load/c-tools.ts) most floods come from those. Exit code 1 when a
 * run could not be ended.
 */
import { parseArgs } from 'node:util'
import type { BenchCase, Figures, Target } from './bench-case.ts'
import { cases, tiny, withEvents } from './cases.ts'
import { chooseCases, whyNot } from './choose.ts'
import { CollectorProcess } from './collector-process.ts'
import { compared } from './compared.ts'
import { monotonicMs } from './load/tally.ts'
import { RESULTS_FILE, appendResult, calibrate, environment, summarise } from './results.ts'
import type { RunResult, Summary } from './results.ts'
import { loadOf, runCase } from './run-case.ts'
import { tablePlans, targetCases } from './table-plans.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    events: { type: 'string' },
    alone: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    results: { type: 'string', default: RESULTS_FILE },
  },
})

const tools = process.env.SPILLWAY_TOOLS
const runs = Number(options.runs)
/** A run that takes so many times as long as it should, and a minute more, hangs. */
const HANGS_TIMES = 6
const HANGS_S = 60

function sized(benchCase: BenchCase): BenchCase {
  if (options.tiny) return tiny(benchCase)
  return options.events === undefined ? benchCase : withEvents(benchCase, Number(options.events))
}

function minutes(chosen: readonly BenchCase[], times: number): string {
  const seconds = times * chosen.reduce((sum, { aboutS }) => sum + aboutS, 0)
  return `${Math.ceil(seconds / 60)} min`
}

function list(): void {
  const rows = [
    { name: 'targets', shows: 'the targets', of: targetCases },
    ...tablePlans.map(({ name, says: shows, rows: names }) => ({
      name,
      shows,
      of: chooseCases(Object.keys(names)),
    })),
    { name: 'all', shows: 'all of these', of: cases },
  ]
  for (const { name, shows, of } of rows) {
    console.log(
      `${name.padEnd(12)} ${minutes(of, runs).padStart(7)}  ${shows}: ${of.map((each) => each.name).join(' ')}`,
    )
  }
}

/** Ends the process, and with it what it started, when a run hangs: what it waits for can't be told from here. */
async function bounded(benchCase: BenchCase, running: Promise<Figures>): Promise<Figures> {
  const hangs = setTimeout(
    () => {
      console.error(`${benchCase.name} hangs: it should take about ${benchCase.aboutS} s`)
      process.exit(1)
    },
    (HANGS_TIMES * benchCase.aboutS + HANGS_S) * 1000,
  )
  try {
    return await running
  } finally {
    clearTimeout(hangs)
  }
}

/** Of the case that it is compared with, in the same round. */
function figuresBeside({ beside }: BenchCase, run: number): Figures {
  return (beside === undefined ? undefined : results.get(beside)?.[run]?.figures) ?? {}
}

async function runOnce(benchCase: BenchCase, run: number): Promise<RunResult> {
  const calibrationS = options.tiny ? 0 : calibrate()
  const beside = figuresBeside(benchCase, run)
  const startMs = monotonicMs()
  const figures = await bounded(benchCase, runCase(benchCase, tools, beside))
  return {
    case: benchCase.name,
    startedAt,
    run,
    tiny: options.tiny,
    environment: environment(loadOf(benchCase, tools)),
    calibrationS,
    tookS: (monotonicMs() - startMs) / 1000,
    figures: benchCase.beside === undefined ? figures : { ...figures, ...compared(figures, beside) },
  }
}

function verdict({ median }: Summary, target: Target): string {
  if ('atLeast' in target) return median < target.atLeast ? `NOT MET: at least ${target.atLeast}` : 'met'
  const { atMost, wanted } = target
  if (median > atMost) return `NOT MET: at most ${atMost}`
  return wanted === undefined || median <= wanted ? 'met' : `met: at most ${atMost}, wanted ${wanted}`
}

function report(benchCase: BenchCase, of: readonly RunResult[]): void {
  const rows = [...summarise(of)].map(([figure, summary]) => {
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
  console.log(`\n${benchCase.name}, ${of.length} runs`)
  console.table(rows)
}

async function runAll(chosen: readonly BenchCase[]): Promise<void> {
  console.log(
    `${chosen.length} cases, ${runs} times, in about ${minutes(chosen, runs)}; results go to ${options.results}`,
  )
  for (let run = 0; run < runs; run++) {
    for (const benchCase of chosen) {
      try {
        const result = await runOnce(benchCase, run) // oxlint-disable-line no-await-in-loop -- one at a time has the machine
        appendResult(options.results, result)
        results.get(benchCase.name)!.push(result)
        console.log(`${benchCase.name} run ${run + 1}: ${JSON.stringify(result.figures)}`)
      } catch (error) {
        console.error(`${benchCase.name} run ${run + 1} FAILED:`, error)
        process.exitCode = 1
      }
    }
  }
  for (const benchCase of chosen) report(benchCase, results.get(benchCase.name)!)
}

function runnable(benchCase: BenchCase): boolean {
  const reason = whyNot(benchCase)
  if (reason !== null) console.error(`${benchCase.name} is left out: ${reason}`)
  return reason === null
}

const startedAt = new Date().toISOString()
const results = new Map<string, RunResult[]>(cases.map(({ name }) => [name, []]))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.on('exit', () => CollectorProcess.killAll())
try {
  if (options.list) list()
  else await runAll(chooseCases(positionals, options.alone).map(sized).filter(runnable))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
