/** One run of one program: what it took for what came out of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../../src/base/units.ts'
import type { Figures } from '../bench-case.ts'
import { CollectorProcess } from '../collector-process.ts'
import { NEARLY_ALL } from '../load/load.ts'
import type { Load, LoadPlan, LoadReport } from '../load/load.ts'
import type { StreamPlan } from '../load/stream.ts'
import { BulkFront } from './bulk-front.ts'
import type { GroupUsage } from './group-usage.ts'
import { EVENTS_PER_WRITE, withShare } from './peer-case.ts'
import type { PeerCase } from './peer-case.ts'
import { PeerProcess } from './program.ts'
import type { FoundPeer } from './program.ts'

/** What has not come after so long without anything new is lost. */
const GIVE_UP_MS = 30_000
/** What a fresh process has to do before it is at rest. */
const SETTLE_MS = 500
const POLL_MS = 10

/** Where the journal of Spillway is. */
export type Mode = 'memory' | 'disk'

/** Something that takes events on a port. */
interface Contestant {
  readonly port: number
  usage(): GroupUsage
  stop(): Promise<unknown>
}

export type StartLoad<L extends Load> = (plan: LoadPlan) => Promise<L>

/** A part of the events goes first and does not count: a fresh process compiles. */
export interface WarmUp<L extends Load> {
  readonly share: number
  /** How many have come. */
  readonly received: (load: L) => number
}

/** No collector, and no peer, outlives this process when it is ended. */
export function leaveNothingBehind(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  process.on('exit', () => {
    CollectorProcess.killAll()
    PeerProcess.killAll()
  })
}

/** A fresh collector with the shipped defaults. */
export function runSpillway<L extends Load>(
  mode: Mode,
  peerCase: PeerCase,
  startLoad: StartLoad<L>,
  warmUp?: WarmUp<L>,
): Promise<Figures> {
  const { way } = peerCase
  return runContestant(
    async (url) => {
      const collector = await CollectorProcess.start({
        journal: { mode },
        sources: { in: { type: way, listen: '127.0.0.1:0' } },
        sinks: { out: { type: 'http', url } },
      })
      return { port: collector.port('in'), usage: () => collector.usage(), stop: () => collector.stop() }
    },
    peerCase,
    startLoad,
    warmUp,
  )
}

export function runPeer<L extends Load>(
  found: FoundPeer,
  peerCase: PeerCase,
  startLoad: StartLoad<L>,
  warmUp?: WarmUp<L>,
): Promise<Figures> {
  return runContestant(
    async (url) => {
      if (found.peer.bulk !== true) return PeerProcess.start(found, peerCase.way, url)
      const front = await BulkFront.listen(url)
      const peer = await PeerProcess.start(found, peerCase.way, front.url)
      const stop = async () => {
        await peer.stop()
        front.close()
      }
      return { port: peer.port, usage: () => peer.usage(), stop }
    },
    peerCase,
    startLoad,
    warmUp,
  )
}

async function runContestant<L extends Load>(
  start: (url: string) => Promise<Contestant>,
  peerCase: PeerCase,
  startLoad: StartLoad<L>,
  warmUp: WarmUp<L> | undefined,
): Promise<Figures> {
  const { way, form, connections, malformedShare, events } = peerCase
  const load = await startLoad({ events, malformedShare, form, served: null, outage: null, dead: false })
  let contestant: Contestant | null = null
  try {
    contestant = await start(load.url)
    await sleep(SETTLE_MS)
    const mode = way === 'http' ? 'http' : 'tcp'
    const stream = { mode, connections, eventsPerWrite: EVENTS_PER_WRITE, firstIndex: 0, events } as const
    const toIt = { ...stream, port: contestant.port, eventsPerSecond: null }
    let before = { cpuS: contestant.usage().cpuS, received: 0 }
    let report: LoadReport
    if (warmUp === undefined) report = await load.send([toIt], GIVE_UP_MS)
    else {
      const first = withShare(peerCase, warmUp.share).events
      await warm(load, { ...toIt, events: first }, warmUp)
      before = { cpuS: contestant.usage().cpuS, received: first }
      await load.feed({ ...toIt, firstIndex: first, events: events - first })
      report = await load.drain(GIVE_UP_MS)
    }
    return figures(before, contestant.usage(), report)
  } finally {
    await contestant?.stop()
    await load.stop()
  }
}

/**
 * Resolves when all of them have come: what is still in a program when the measurement begins has cost it something
 * already, and Spillway holds more events than a short run has.
 */
async function warm<L extends Load>(load: L, stream: StreamPlan, { received }: WarmUp<L>): Promise<void> {
  await load.feed(stream)
  const giveUpAtMs = performance.now() + GIVE_UP_MS
  // oxlint-disable-next-line no-await-in-loop -- it waits for others
  while (received(load) < stream.events && performance.now() < giveUpAtMs) await sleep(POLL_MS)
}

/** Of what came: a peer that loses some has a cost all the same, beside how many it lost. */
function figures(before: { cpuS: number; received: number }, after: GroupUsage, report: LoadReport): Figures {
  const { sent, malformed, unique, duplicates, strange, firstSentAtMs, nearlyAllAtMs } = report
  const counted = unique - before.received
  return {
    cpu_s_per_million: counted > 0 ? ((after.cpuS - before.cpuS) / counted) * 1e6 : null,
    events_per_s:
      nearlyAllAtMs === null ? null : (NEARLY_ALL * sent * 1000) / (nearlyAllAtMs - firstSentAtMs),
    peak_rss_mib: after.peakRssBytes / MIB,
    lost: sent - malformed - unique,
    duplicates,
    strange,
  }
}
