/**
 * What flags of V8's heap bring: the same cases with other young generations, other limits of the workers, other threads of the
 * collector, which take turns. Results are appended; the table is of all that the file holds.
 *
 *     npm run bench:heap -- [case...] [--variant NAME]... [--runs 3] [--events 1000000] [--results FILE]
 *
 * What is chosen stands in src/spillway.js (main thread) and src/pipeline/limits.ts (workers), with the reason.
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BenchCase, Figures } from './bench-case.ts'
import { cases, withEvents } from './cases.ts'
import { CollectorProcess } from './collector-process.ts'
import { runCase } from './run-case.ts'

const RESULTS_FILE = fileURLToPath(new URL('./results/heap-flags.jsonl', import.meta.url))
const WORKER_LIMITS = new URL('./heap-flags/worker-limits.ts', import.meta.url).href

/** Flags of Node by variant; the launcher adds its own young generation where none is given. */
const variants: Readonly<Record<string, readonly string[]>> = {
  shipped: [],
  'semi-1': ['--max-semi-space-size=1'],
  'semi-2': ['--max-semi-space-size=2'],
  'semi-4': ['--max-semi-space-size=4'],
  'semi-8': ['--max-semi-space-size=8'],
  'semi-16': ['--max-semi-space-size=16'],
  'semi-16-at-once': ['--max-semi-space-size=16', '--min-semi-space-size=16'],
  'worker-young-3': workerLimits({ maxYoungGenerationSizeMb: 3 }),
  'worker-young-6': workerLimits({ maxYoungGenerationSizeMb: 6 }),
  'worker-young-48': workerLimits({ maxYoungGenerationSizeMb: 48 }),
  'worker-old-32': workerLimits({ maxOldGenerationSizeMb: 32 }),
  'single-threaded-gc': ['--single-threaded-gc'],
  'no-concurrent-marking': ['--no-concurrent-marking'],
  'no-parallel-scavenge': ['--no-parallel-scavenge'],
  'max-lazy': ['--max-lazy'],
  'lite-feedback': ['--lazy-feedback-allocation'],
}

function workerLimits(limits: Readonly<Record<string, number>>): string[] {
  const query = Object.entries(limits).map(([name, value]) => `${name}=${value}`)
  return ['--import', `${WORKER_LIMITS}?${query.join('&')}`]
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    variant: {
      type: 'string',
      multiple: true,
      default: ['shipped', 'semi-1', 'semi-2', 'semi-8', 'semi-16'],
    },
    runs: { type: 'string', default: '3' },
    events: { type: 'string', default: '1000000' },
    results: { type: 'string', default: RESULTS_FILE },
  },
})
const names = positionals.length > 0 ? positionals : ['tcp-2', 'http-4', 'trickle']
const TRICKLE = { warmUpS: 2, durationS: 6 }

interface Line {
  readonly case: string
  readonly variant: string
  readonly figures: Figures
}

function shortened(name: string): BenchCase {
  const benchCase = cases.find((one) => one.name === name)
  if (benchCase?.kind === 'trickle') return { ...benchCase, ...TRICKLE }
  if (benchCase?.kind === 'flood') return withEvents(benchCase, Number(options.events))
  throw new Error(`${name} is neither a flood nor a trickle`)
}

/** Its figures, and how many collections there were in all threads: that does not depend on what else the machine does. */
async function runWith(flags: readonly string[], benchCase: BenchCase): Promise<Figures> {
  let collector: CollectorProcess | null = null
  const startCollector = async (config: object) =>
    (collector = await CollectorProcess.start(config, ['--trace-gc', ...flags]))
  const figures = await runCase(benchCase, process.env.SPILLWAY_TOOLS, {}, startCollector)
  const pauses = await collector!.stop()
  return { ...figures, collections: pauses.length }
}

function median(lines: readonly Line[], figure: string): string {
  const values = lines.map(({ figures }) => figures[figure]).filter((value) => typeof value === 'number')
  const sorted = values.toSorted((a, b) => a - b)
  const [least, middle] = [sorted[0], sorted[sorted.length >> 1]]
  return least === undefined ? '-' : `${middle!.toPrecision(3)} (${least.toPrecision(3)})`
}

mkdirSync(dirname(options.results), { recursive: true })
for (let run = 0; run < Number(options.runs); run++) {
  for (const name of names) {
    const benchCase = shortened(name)
    for (const variant of options.variant) {
      const figures = await runWith(variants[variant]!, benchCase) // oxlint-disable-line no-await-in-loop -- one at a time
      const line: Line = { case: name, variant, figures }
      appendFileSync(options.results, `${JSON.stringify(line)}\n`)
      console.error(`${name} ${variant}: ${JSON.stringify(figures)}`)
    }
  }
}

const lines = readFileSync(options.results, 'utf8')
  .trim()
  .split('\n')
  .map((line): Line => JSON.parse(line))
console.log('median (least)')
console.table(
  [...Map.groupBy(lines, (line) => `${line.case} ${line.variant}`)].map(([what, runs]) => ({
    what,
    runs: runs.length,
    cpu_s_per_million: median(runs, 'cpu_s_per_million'),
    cpu_percent: median(runs, 'cpu_percent'),
    gc_percent: median(runs, 'gc_percent'),
    collections: median(runs, 'collections'),
    peak_rss_mib: median(runs, 'peak_rss_mib'),
    p99_ms: median(runs, 'p99_ms'),
    lost: median(runs, 'lost'),
  })),
)
