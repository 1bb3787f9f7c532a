/**
 * No going back: what Spillway costs beside a relay and a naive design, in the same minutes, against what was recorded.
 *
 *     npm run bench:check -- [RATIO...] [--quick] [--rounds N] [--record] [--ratios FILE]
 *
 * RATIO is the name of one in the file, as "tcp-2 memory / relay"; nothing: all. Exit code 1 where a ratio is worse than the recorded one by more than its margin, also after as many rounds more.
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
import { leaveNothingBehind, runPeer, runSpillway } from './contestant.ts'
import type { Mode, WarmUp } from './contestant.ts'
import { naiveNode } from './naive-node/peer.ts'
import { peerCases, withShare } from './peer-case.ts'
import type { PeerCase } from './peer-case.ts'
import type { Peer } from './peer.ts'
import { findPeer } from './program.ts'
import { RATIOS_FILE, judge, readRatios, recordRatios } from './ratios.ts'
import type { Extent, Ratios, Verdict } from './ratios.ts'
import { relay } from './relay/peer.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
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
  /** More of them for what is cheap, so that all take about as long. */
  readonly eventsShares: Readonly<Record<string, number>>
  readonly scannedEvents: number
  readonly comparisons: readonly Comparison[]
}

const plans: Readonly<Record<Extent, Plan>> = {
  full: {
    rounds: 3,
    events: 600_000,
    warmShare: 0.3,
    eventsShares: { relay: 2, 'naive-node': 0.5 },
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
    eventsShares: { 'naive-node': 0.5 },
    scannedEvents: 20_000,
    comparisons: [{ case: 'tcp-2', modes: ['memory'], others: [naiveNode] }],
  },
}

const SCAN = { ratio: 'scanner / JSON.parse', own: 'scanner', other: 'JSON.parse' } as const
const SCAN_RUNS = '11'

const extent: Extent = options.quick ? 'quick' : 'full'
const plan = plans[extent]
const rounds = Number(options.rounds ?? plan.rounds)
const run = promisify(execFile)
/** By case and program what the cheapest of its runs cost. */
const costs = new Map<string, number>()

const warmUp: WarmUp<OwnLoad> = {
  share: plan.warmShare,
  received: ({ tally }) => tally.counts.unique,
}

function startLoad(loadPlan: LoadPlan): Promise<OwnLoad> {
  return OwnLoad.start(loadPlan)
}

/** One of ours behind each of the others, so that those that are compared are neighbours; backwards in every other round. */
async function compare(comparison: Comparison, round: number): Promise<void> {
  const peerCase = { ...peerCases.find(({ name }) => name === comparison.case)!, events: plan.events }
  const others = comparison.others.map(
    (peer) => () => costOfPeer(peer, withShare(peerCase, plan.eventsShares[peer.name] ?? 1)),
  )
  const ours = comparison.modes.map((mode) => () => costOfOurs(mode, withShare(peerCase, 1)))
  const runs = others.flatMap((other, index) => (index in ours ? [other, ours[index]!] : [other]))
  for (const each of round % 2 === 0 ? runs : runs.toReversed()) {
    const [name, cost] = await each() // oxlint-disable-line no-await-in-loop -- one at a time has the machine
    note(`${comparison.case} ${name}`, cost)
  }
}

/** Of each of ours to each of the others. */
function pairsOf({ case: name, modes, others }: Comparison): { ratio: string; own: string; other: string }[] {
  return modes.flatMap((mode) =>
    others.map((other) => ({
      ratio: `${name} ${mode} / ${other.name}`,
      own: `${name} ${mode}`,
      other: `${name} ${other.name}`,
    })),
  )
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

/** One thread over the same bytes, in nanoseconds a byte, by the fastest pass. */
async function compareScanner(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'spillway-check-'))
  const file = join(directory, 'scan.json')
  const program = fileURLToPath(new URL('../scan.ts', import.meta.url))
  await run(process.execPath, [
    program,
    '--only',
    'plain',
    '--runs',
    SCAN_RUNS,
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
  note(SCAN.own, 1 / speed('scanner, soc'))
  note(SCAN.other, 1 / speed('JSON.parse + TypeBox'))
}

function note(program: string, cost: number): void {
  costs.set(program, Math.min(cost, costs.get(program) ?? Infinity))
  console.log(`${program}: ${cost.toPrecision(3)}`)
}

/** Of these ratios, and of those that the same runs tell. */
async function measure(firstRound: number, isWanted: (ratio: string) => boolean): Promise<void> {
  const comparisons = plan.comparisons.filter((each) => pairsOf(each).some(({ ratio }) => isWanted(ratio)))
  /* oxlint-disable no-await-in-loop -- one at a time has the machine */
  for (let round = firstRound; round < firstRound + rounds; round++) {
    for (const comparison of comparisons) await compare(comparison, round)
    if (isWanted(SCAN.ratio)) await compareScanner()
  }
  /* oxlint-enable no-await-in-loop */
}

const pairs = [...plan.comparisons.flatMap(pairsOf), SCAN]

/** Of what was measured. */
function ratios(): Ratios {
  const measured = pairs.filter(({ own }) => costs.has(own))
  return Object.fromEntries(
    measured.map(({ ratio, own, other }) => [
      ratio,
      Number((costs.get(own)! / costs.get(other)!).toPrecision(3)),
    ]),
  )
}

function isAskedFor(ratio: string): boolean {
  return positionals.length === 0 || positionals.includes(ratio)
}

function verdicts(): Verdict[] {
  const recorded = readRatios(options.ratios, extent)
  return judge(recorded, ratios(), isAskedFor)
}

const known = pairs.map(({ ratio }) => ratio)
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`no such ratio: ${unknown.join(', ')}; there are ${known.join(', ')}`)
leaveNothingBehind()
await measure(0, isAskedFor)
if (options.record) recordRatios(options.ratios, extent, host(), ratios(), positionals.length > 0)
else {
  const suspects = new Set(
    verdicts()
      .filter(({ isWorse }) => isWorse)
      .map(({ name }) => name),
  )
  if (suspects.size > 0) {
    console.log(`once more: ${[...suspects].join(', ')}`)
    await measure(rounds, (ratio) => suspects.has(ratio))
  }
  const final = verdicts()
  console.table(final)
  if (final.some(({ isWorse }) => isWorse)) process.exitCode = 1
}
