import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../src/base/units.ts'
import type { Figures, SurgeCase } from './bench-case.ts'
import { CollectorProcess } from './collector-process.ts'
import { RUNTIME_BYTES, accounts } from './flood.ts'
import { OwnLoad } from './load/own-load.ts'
import type { StreamPlan } from './load/stream.ts'
import { Watch } from './watch.ts'

const SETTLE_MS = 300
/** Longer than the receiver is gone and the longest wait before the next try. */
const GIVE_UP_MS = 120_000
/** Latencies are told by when events were due, so many milliseconds together. */
const SLOT_MS = 250
/** Of the time before it surges, not counted. */
const WARM_UP_SHARE = 0.2
/** All is as before when no event of so many slots in a row takes longer than so many times the longest before. */
const QUIET_SLOTS = 8
const QUIET_TIMES = 2

/** One run of a steady rate with something in the middle of it; load of our own only, for the times of each event. */
export async function runSurge(benchCase: SurgeCase): Promise<Figures> {
  const { beforeS, surgeS, afterS, times, load: push, isReceiverGone } = benchCase
  const untilS = beforeS + surgeS
  const steadyS = beforeS + surgeS * times + afterS
  const writes = Math.ceil((steadyS * push.eventsPerSecond) / push.eventsPerWrite)
  const events = writes * push.eventsPerWrite
  const outage = isReceiverGone ? { status: null, fromS: beforeS, toS: untilS } : null
  const load = await OwnLoad.start({
    events,
    malformedShare: 0,
    form: 'ndjson',
    served: null,
    outage,
    dead: false,
  })
  let collector: CollectorProcess | null = null
  let watch: Watch | null = null
  try {
    collector = await CollectorProcess.start({
      journal: { mode: benchCase.journal },
      sources: { in: { ...benchCase.source, listen: '127.0.0.1:0' } },
      sinks: { out: { type: 'http', url: load.url, ...benchCase.sink } },
      ...benchCase.collector,
    })
    await sleep(SETTLE_MS)
    watch = await Watch.start(collector)
    const before = collector.usage()
    const surge = { fromS: beforeS, toS: untilS, times }
    const stream: StreamPlan = { ...push, port: collector.port('in'), firstIndex: 0, events, surge }
    const report = await load.send([stream], GIVE_UP_MS)
    const after = collector.usage()
    const watched = await watch.figures()
    const worst = load.tally.worstBySlotMs(report.firstSentAtMs, SLOT_MS)
    return {
      cpu_s_per_million: ((after.cpuS - before.cpuS) / events) * 1e6,
      ...onTheWay(worst, beforeS, untilS),
      ...watched,
      peak_rss_mib: after.peakRssBytes / MIB,
      rss_percent: (100 * after.peakRssBytes) / (collector.started.memory_limit_bytes + RUNTIME_BYTES),
      ...(await accounts(collector, report)),
    }
  } finally {
    await watch?.stop()
    await collector?.stop()
    await load.stop()
  }
}

/** The longest that an event was on its way, before and at worst, and how long after the surge it was as before again. */
function onTheWay(worst: Float64Array, beforeS: number, untilS: number): Figures {
  const quiet = worst.subarray(slotAt(beforeS * WARM_UP_SHARE), slotAt(beforeS))
  const quietMs = quiet.reduce((most, ms) => Math.max(most, ms), 0)
  const worstMs = worst.reduce((most, ms) => Math.max(most, ms), 0)
  return {
    quiet_max_ms: quietMs,
    worst_ms: worstMs,
    back_after_s: backAfterS(worst, slotAt(untilS), quietMs),
  }
}

function slotAt(seconds: number): number {
  return Math.floor((seconds * 1000) / SLOT_MS)
}

/** null: it was not as before when the load ended. */
export function backAfterS(worst: Float64Array, endSlot: number, quietMs: number): number | null {
  let quietSlots = 0
  for (let at = endSlot; at < worst.length; at++) {
    quietSlots = worst[at]! <= QUIET_TIMES * quietMs ? quietSlots + 1 : 0
    if (quietSlots === QUIET_SLOTS) return ((at + 1 - QUIET_SLOTS - endSlot) * SLOT_MS) / 1000
  }
  return null
}
