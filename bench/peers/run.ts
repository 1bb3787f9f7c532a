/**
 * Other programs on the same work, each run of one between two of Spillway: one durable, one in memory.
 *
 *     npm run bench:peers -- [case...] [--rounds 5] [--peers NAME,...] [--events N] [--tiny] [--continue] [--results FILE]
 *
 * With --continue these rounds are further ones of the last start, as where only some minutes at a time can be had.
 * With SPILLWAY_TOOLS the load comes from the programs `gen` and `sink` of that folder (see ../load/c-tools.ts).
 */
import { parseArgs } from 'node:util'
import type { Figures } from '../bench-case.ts'
import { CTools } from '../load/c-tools.ts'
import type { Load, LoadPlan } from '../load/load.ts'
import { OwnLoad } from '../load/own-load.ts'
import { environment } from '../results.ts'
import { leaveNothingBehind, runPeer, runSpillway } from './contestant.ts'
import type { Mode } from './contestant.ts'
import { peerCases, withShare } from './peer-case.ts'
import type { PeerCase } from './peer-case.ts'
import { peers } from './peers.ts'
import { findPeer } from './program.ts'
import type { FoundPeer } from './program.ts'
import { PEERS_FILE, appendPeerResult, ratios, readPeerResults, spillwayName } from './results.ts'
import { peersTable } from './table.ts'
import type { OwnRun, PeerResult } from './results.ts'

const TINY_EVENTS = 2000

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string' },
    events: { type: 'string' },
    tiny: { type: 'boolean', default: false },
    continue: { type: 'boolean', default: false },
    results: { type: 'string', default: PEERS_FILE },
  },
})

const tools = process.env.SPILLWAY_TOOLS
const last = options.continue ? readPeerResults(options.results).at(-1)?.startedAt : undefined
const startedAt = last ?? new Date().toISOString()
const measured: PeerResult[] = []
const started = environment(tools === undefined ? 'own threads' : 'C tools')

function startLoad(plan: LoadPlan): Promise<Load> {
  return tools === undefined ? OwnLoad.start(plan) : CTools.start(plan, tools)
}

function chosen<T extends { name: string }>(all: readonly T[], names: readonly string[], what: string): T[] {
  const unknown = names.filter((wanted) => all.every(({ name }) => name !== wanted))
  if (unknown.length > 0) {
    throw new Error(
      `no such ${what}: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`,
    )
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name))
}

function chosenCases(): PeerCase[] {
  const events = options.tiny ? TINY_EVENTS : options.events === undefined ? null : Number(options.events)
  const cases = chosen(peerCases, positionals, 'case')
  return events === null ? cases : cases.map((peerCase) => withShare({ ...peerCase, events }, 1))
}

async function foundPeers(): Promise<FoundPeer[]> {
  const wanted = chosen(peers, options.peers?.split(',') ?? [], 'peer')
  const tried = await Promise.all(wanted.map(findPeer))
  return tried.filter((found, index) => {
    const { name } = wanted[index]!
    console.log(
      typeof found === 'string' ? `${name}: not on this machine: ${found}` : `${name}: ${found.version}`,
    )
    return typeof found !== 'string'
  })
}

function keep(
  { name }: PeerCase,
  round: number,
  program: string,
  version: string,
  outcome: { figures: Figures; error?: string },
): void {
  const { tiny } = options
  const base = { case: name, startedAt, round, tiny, program, version, environment: started }
  const result: PeerResult = { ...base, ...outcome }
  measured.push(result)
  appendPeerResult(options.results, result)
  console.log(`${name} round ${round + 1}: ${program}: ${outcome.error ?? JSON.stringify(outcome.figures)}`)
}

/** They take turns, so that what else the machine does meets them alike. */
async function runRound(peerCase: PeerCase, round: number, found: readonly FoundPeer[]): Promise<void> {
  let turn = round
  const own = async (): Promise<OwnRun> => {
    const mode: Mode = turn++ % 2 === 0 ? 'disk' : 'memory'
    const figures = await runSpillway(mode, peerCase, startLoad)
    keep(peerCase, round, spillwayName(mode), started.commit, { figures })
    return { mode, figures }
  }
  let before = await own()
  /* oxlint-disable no-await-in-loop -- one at a time has the machine */
  for (const peer of found) {
    const { name, eventsShare } = peer.peer
    const outcome = await runPeer(peer, withShare(peerCase, eventsShare), startLoad).catch(
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    const after = await own()
    if (typeof outcome === 'string') {
      keep(peerCase, round, name, peer.version, { figures: {}, error: outcome })
    } else {
      const figures = { ...outcome, ...ratios(outcome, [before, after]) }
      keep(peerCase, round, name, peer.version, { figures })
    }
    before = after
  }
  /* oxlint-enable no-await-in-loop */
}

leaveNothingBehind()
const found = await foundPeers()
const cases = chosenCases()
for (let round = 0; round < Number(options.rounds); round++) {
  for (const peerCase of cases) {
    const able = found.filter(({ peer }) => peerCase.way in peer.ways)
    await runRound(peerCase, round, able) // oxlint-disable-line no-await-in-loop
  }
}
console.log(`\n${peersTable(measured)}`)
