/**
 * No going back: what Spillway costs beside a relay and a naive design, in the same minutes, against what was recorded.
 *
 *     npm run bench:check -- [--quick] [--rounds N] [--record] [--ratios FILE]
 *
 * Exit code 1 where a ratio is worse than the recorded one by more than its margin, also after as many rounds more.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { LoadPlan } from '../load/load.ts'
import { OwnLoad } from '../load/own-load.ts'
import { host } from '../results.ts'
import type { Summary } from '../results.ts'
import { runPeer, runSpillway } from './contestant.ts'
import type { Mode, WarmUp } from './contestant.ts'
import { naiveNode } from './naive-node/peer.ts'
import { peerCases, withShare } from './peer-case.ts'
import type { PeerCase } from './peer-case.ts'
import type { Peer } from './peer.ts'
import { findPeer } from './program.ts'
import { RATIOS_FILE, judge, ratioOf, readRatios, recordRatios } from './ratios.ts'
import type { Extent, Ratios, Verdict } from './ratios.ts'
import { relay } from './relay/peer.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    record: { type: 'boolean', default: false },
    ratios: { type: 'string', default: RATIOS_FILE },
  },
})

interface Comparison {
  readonly case: string
  readonly modes: readonly Mode[]
  readonly others: readonly Peer[]
}

interface Plan {
  readonly rounds: number
  readonly events: number
  /** What the first of them cost does not count: a fresh process compiles. */
  readonly warmShare: number
  readonly scannedEvents: number
  readonly comparisons: readonly Comparison[]
}

const plans: Readonly<Record<Extent, Plan>> = {
  full: {
    rounds: 3,
    events: 600_000,
    warmShare: 0.3,
    scannedEvents: 50_000,
    comparisons: [
      { case: 'tcp-2', modes: ['memory', 'disk'], others: [relay, naiveNode] },
      { case: 'http-4', modes: ['memory'], others: [relay, naiveNode] },
    ],
  },
  quick: {
    rounds: 2,
    events: 200_000,
    warmShare: 0.5,
    scannedEvents: 20_000,
    comparisons: [{ case: 'tcp-2', modes: ['memory'], others: [naiveNode] }],
  },
}

const SCAN = 'scanner / JSON.parse'
const SCAN_RUNS = '11'

const extent: Extent = options.quick ? 'quick' : 'full'
const plan = plans[extent]
const rounds = Number(options.rounds ?? plan.rounds)
const run = promisify(execFile)
/** Of each ratio all that was measured. */
const measured = new Map<string, number[]>()

const warmUp: WarmUp<OwnLoad> = {
  share: plan.warmShare,
  received: ({ tally }) => tally.counts.unique,
}

function startLoad(loadPlan: LoadPlan): Promise<OwnLoad> {
  return OwnLoad.start(loadPlan)
}

/** CPU-seconds per million events of all of a comparison, in turn; the other way round in every other round. */
async function compare(comparison: Comparison, round: number): Promise<void> {
  const peerCase = { ...peerCases.find(({ name }) => name === comparison.case)!, events: plan.events }
  const costs = new Map<string, number>()
  const runs = [
    ...comparison.modes.map((mode) => () => costOfOurs(mode, withShare(peerCase, 1))),
    ...comparison.others.map((peer) => () => costOfPeer(peer, withShare(peerCase, peer.eventsShare))),
  ]
  for (const each of round % 2 === 0 ? runs : runs.toReversed()) {
    const [name, cost] = await each() // oxlint-disable-line no-await-in-loop -- one at a time has the machine
    costs.set(name, cost)
  }
  for (const mode of comparison.modes) {
    for (const { name } of comparison.others) {
      note(`${comparison.case} ${mode} / ${name}`, costs.get(mode)! / costs.get(name)!)
    }
  }
}

async function costOfOurs(mode: Mode, peerCase: PeerCase): Promise<[string, number]> {
  const figures = await runSpillway(mode, peerCase, startLoad, warmUp)
  if (figures.lost !== 0 || figures.duplicates !== 0 || figures.strange !== 0) {
    throw new Error(`${peerCase.name}, ${mode}: events were lost or doubled: ${JSON.stringify(figures)}`)
  }
  return [mode, figures.cpu_s_per_million!]
}

async function costOfPeer(peer: Peer, peerCase: PeerCase): Promise<[string, number]> {
  const found = await findPeer(peer)
  if (typeof found === 'string') throw new Error(found)
  const { cpu_s_per_million: cost = null } = await runPeer(found, peerCase, startLoad, warmUp)
  if (cost === null) throw new Error(`${peer.name}: nothing came out of it`)
  return [peer.name, cost]
}

/** One thread over the same bytes: the fastest of its passes, for the others were disturbed. */
async function compareScanner(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-check-'))
  const file = join(directory, 'scan.json')
  const program = fileURLToPath(new URL('../scan.ts', import.meta.url))
  await run(process.execPath, [
    program,
    '--only',
    'plain',
    '--count',
    String(plan.scannedEvents),
    '--json',
    file,
  ])
  const { results }: { results: { way: string; gigabytesPerSecond: Summary }[] } = JSON.parse(
    await readFile(file, 'utf8'),
  )
  await rm(directory, { recursive: true })
  const speed = (wanted: string) => results.find(({ way }) => way === wanted)!.gigabytesPerSecond.max
  note(SCAN, speed('JSON.parse + TypeBox') / speed('scanner, soc'))
}

function note(name: string, ratio: number): void {
  const all = measured.get(name) ?? []
  measured.set(name, [...all, ratio])
  console.log(`${name}: ${ratio.toPrecision(3)}`)
}

/** Of what is asked for by the name of a ratio; nothing: all. */
async function measure(firstRound: number, wanted?: ReadonlySet<string>): Promise<void> {
  const isWanted = ({ case: name }: Comparison) =>
    wanted === undefined || [...wanted].some((ratio) => ratio.startsWith(`${name} `))
  /* oxlint-disable no-await-in-loop -- one at a time has the machine */
  for (let round = firstRound; round < firstRound + rounds; round++) {
    for (const comparison of plan.comparisons.filter(isWanted)) await compare(comparison, round)
    if (wanted === undefined || wanted.has(SCAN)) await compareScanner()
  }
  /* oxlint-enable no-await-in-loop */
}

function ratios(): Ratios {
  return Object.fromEntries([...measured].map(([name, values]) => [name, ratioOf(values)]))
}

function worse(): Verdict[] {
  return judge(readRatios(options.ratios, extent), ratios()).filter(({ isWorse }) => isWorse)
}

await measure(0)
if (options.record) recordRatios(options.ratios, extent, host(), ratios())
else {
  const suspects = worse()
  if (suspects.length > 0) {
    console.log(`once more: ${suspects.map(({ name }) => name).join(', ')}`)
    await measure(rounds, new Set(suspects.map(({ name }) => name)))
  }
  console.table(judge(readRatios(options.ratios, extent), ratios()))
  if (worse().length > 0) process.exitCode = 1
}
