import type { Figures, FloodCase, LatencyCase } from './bench-case.ts'
import { runFlood } from './flood.ts'
import type { Load, LoadPlan } from './load/load.ts'
import { OwnLoad } from './load/own-load.ts'

/**
 * One run: what the collector takes at most, then a steady rate that is a share of it, through a fresh collector. The
 * first by the load given, the second by our own, which knows when each event was due and when it came.
 */
export async function runLatency(
  benchCase: LatencyCase,
  startLoad: (plan: LoadPlan) => Promise<Load>,
): Promise<Figures> {
  const { load, eventsAtMost, share, warmUpS, durationS, source, sink, journal } = benchCase
  const flood: FloodCase = {
    ...benchCase,
    kind: 'flood',
    form: 'ndjson',
    load: { ...load, eventsPerSecond: null },
    events: eventsAtMost,
    source,
    sink,
    journal,
    malformedShare: 0,
    outage: null,
    deadSink: false,
    answers: false,
  }
  const { events_per_s: most = null } = await runFlood(flood, startLoad)
  if (most === null) return { most_events_per_s: null, p50_ms: null, p99_ms: null, p999_ms: null, lost: null }
  const eventsPerSecond = share * most
  const writes = Math.ceil((eventsPerSecond * (warmUpS + durationS)) / load.eventsPerWrite)
  const figures = await runFlood(
    { ...flood, load: { ...load, eventsPerSecond }, events: writes * load.eventsPerWrite },
    (plan) => OwnLoad.start(plan),
  )
  return { ...figures, most_events_per_s: most }
}
