/**
 * Where the time of a case goes: the collector is sampled while the load runs, main thread and workers, and the stacks are
 * written as a page for a browser, `results/flame-CASE.html`. What took most by itself is printed.
 *
 *     npm run bench:flame -- CASE [--seconds 10] [--events N] [--allocations | --perf]
 *
 * `--allocations`: bytes allocated instead of time, also of what was collected since. `--perf`: samples of all threads with
 * the frames of the kernel and of native code, by perf of Linux. With SPILLWAY_TOOLS the load comes from programs, as in run.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BenchCase, Figures } from './bench-case.ts'
import { cases, tiny, withEvents } from './cases.ts'
import { CollectorProcess } from './collector-process.ts'
import { flamePage, amount } from './flame/html.ts'
import { Inspector } from './flame/inspector.ts'
import type { Isolate } from './flame/inspector.ts'
import { PERF_OPTIONS, perfStacks } from './flame/perf.ts'
import { Frame, addCpuProfile, addHeapProfile } from './flame/stacks.ts'
import type { CpuProfile, HeapProfile } from './flame/stacks.ts'
import { runCase } from './run-case.ts'

const RESULTS = fileURLToPath(new URL('./results', import.meta.url))
/** By then the load runs and what is hot is compiled. */
const WARM_UP_S = 3
const SAMPLING_US = 500
const ALLOCATION_SAMPLING_BYTES = 16_384
const SHOWN = 25
/** While nothing is to be done. */
const IDLE = '(idle)'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: String(WARM_UP_S) },
    events: { type: 'string' },
    tiny: { type: 'boolean', default: false },
    allocations: { type: 'boolean', default: false },
    perf: { type: 'boolean', default: false },
    out: { type: 'string', default: RESULTS },
  },
})
const seconds = Number(options.seconds)

type Trees = Map<string, Frame>

function chosenCase(): BenchCase {
  const name = positionals[0]
  const benchCase = cases.find((one) => one.name === name)
  if (benchCase === undefined || (benchCase.kind !== 'flood' && benchCase.kind !== 'trickle')) {
    const known = cases.filter(({ kind }) => kind === 'flood' || kind === 'trickle').map((one) => one.name)
    throw new Error(`one of these cases: ${known.join(', ')}`)
  }
  const chosen = options.tiny ? tiny(benchCase) : benchCase
  return options.events === undefined ? chosen : withEvents(chosen, Number(options.events))
}

/** Runs the case and samples its collector meanwhile. */
async function sampledRun(benchCase: BenchCase): Promise<{ trees: Trees; figures: Figures }> {
  let sampling: Promise<Trees> = Promise.resolve(new Map<string, Frame>())
  const startCollector = async (config: object) => {
    const nodeOptions = options.perf ? PERF_OPTIONS : ['--inspect-port=0']
    const collector = await CollectorProcess.start(config, nodeOptions)
    sampling = sample(collector)
    // Whoever runs the case awaits its end first.
    sampling.catch(() => {})
    return collector
  }
  const figures = await runCase(benchCase, process.env.SPILLWAY_TOOLS, {}, startCollector)
  return { trees: await sampling, figures }
}

async function sample(collector: CollectorProcess): Promise<Trees> {
  await sleep(Number(options['warm-up']) * 1000)
  if (options.perf) return perfStacks(collector.pid, seconds, tmpdir())
  const inspector = await Inspector.connect(await collector.inspectorUrl())
  const { isolates } = inspector
  const profiles = await Promise.all(isolates.map(options.allocations ? allocations : cpuTime))
  inspector.close()
  const trees: Trees = new Map()
  for (const [index, { name }] of isolates.entries()) {
    const root = trees.get(name) ?? new Frame(name)
    trees.set(name, root)
    profiles[index]!(root)
  }
  return trees
}

async function cpuTime(isolate: Isolate): Promise<(root: Frame) => void> {
  await isolate.send('Profiler.enable')
  await isolate.send('Profiler.setSamplingInterval', { interval: SAMPLING_US })
  await isolate.send('Profiler.start')
  await sleep(seconds * 1000)
  const { profile } = await isolate.send('Profiler.stop')
  return (root) => addCpuProfile(root, profile as CpuProfile) // oxlint-disable-line typescript/no-unsafe-type-assertion -- as the protocol says
}

async function allocations(isolate: Isolate): Promise<(root: Frame) => void> {
  await isolate.send('HeapProfiler.startSampling', {
    samplingInterval: ALLOCATION_SAMPLING_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  await sleep(seconds * 1000)
  const { profile } = await isolate.send('HeapProfiler.stopSampling')
  return (root) => addHeapProfile(root, profile as HeapProfile) // oxlint-disable-line typescript/no-unsafe-type-assertion -- as the protocol says
}

function report(name: string, root: Frame, unit: string): void {
  const idle = root.callees.get(IDLE)
  root.callees.delete(IDLE)
  const busy = root.total()
  const aside = idle === undefined ? '' : `, idle ${amount(idle.self, unit)}`
  console.log(`\n${name}: ${amount(busy, unit)}${aside}`)
  for (const [what, self] of root.selfByName().slice(0, SHOWN)) {
    console.log(`${((100 * self) / busy).toFixed(1).padStart(6)} %  ${what}`)
  }
}

const benchCase = chosenCase()
const { trees, figures } = await sampledRun(benchCase)
const kind = options.allocations ? 'allocations' : options.perf ? 'perf' : 'time'
const unit = { allocations: 'bytes', perf: 'samples', time: 'µs' }[kind]
for (const [name, root] of trees) report(name, root, unit)
mkdirSync(options.out, { recursive: true })
const file = `${options.out}/flame-${benchCase.name}${kind === 'time' ? '' : `-${kind}`}.html`
writeFileSync(file, flamePage(`${benchCase.name}: ${kind}, ${seconds} s`, unit, trees))
console.log(`\n${JSON.stringify(figures)}\n${file}`)
