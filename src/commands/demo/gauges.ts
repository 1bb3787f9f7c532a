import type { Collector } from '../../app/collector.ts'
import { REJECT_CATEGORIES } from '../../memory/extent-ring.ts'
import { RateMeter } from '../terminal/rate-meter.ts'
import { parseBuckets, since, withinMs } from './latency.ts'
import type { Buckets } from './latency.ts'

const RATE_WINDOW_MS = 800
const LATENCY_WINDOW_MS = 3000

/** What the running collector shows of itself at one moment: its ledger, its arena, its metrics. */
export interface Reading {
  readonly received: number
  readonly receivedPerSecond: number
  readonly accepted: number
  readonly rejected: number
  readonly rejectedByCategory: Readonly<Record<string, number>>
  readonly delivered: number
  readonly deliveredPerSecond: number
  readonly held: number
  readonly deadLettered: number
  readonly arenaBytes: number
  readonly arenaUsedShare: number
  /** A source is not read now, for want of room. */
  readonly heldBack: boolean
  /** How long that was so, for the source that it was so longest for. */
  readonly heldBackS: number
  /** How much longer the SIEM has asked to be left alone (Retry-After). */
  readonly siemPauseMs: number
  /** Of the last seconds, from received to delivered: half, and 99 %, took no longer. NaN where nothing was delivered. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly residentBytes: number
  readonly residentBytesPeak: number
  readonly imbalances: readonly { readonly where: string; readonly left: number; readonly right: number }[]
}

/** Reads a collector again and again. */
export class Gauges {
  readonly #collector: Collector
  readonly #received = new RateMeter(RATE_WINDOW_MS)
  readonly #delivered = new RateMeter(RATE_WINDOW_MS)
  readonly #buckets: { readonly atMs: number; readonly buckets: Buckets }[] = []
  #residentBytesPeak = 0

  constructor(collector: Collector) {
    this.#collector = collector
  }

  async read(): Promise<Reading> {
    const { registry } = this.#collector
    const [latency, pauses] = await Promise.all([
      registry.getSingleMetricAsString('spillway_event_latency_seconds'),
      registry.getSingleMetricAsString('spillway_backpressure_seconds_total'),
    ])
    const pausesS = [...pauses.matchAll(/^\w+\{[^}]*\} ([\d.e+-]+)$/gm)].map(([, seconds]) => Number(seconds))
    const recent = this.#recent(parseBuckets(latency))
    return {
      ...this.#counts(),
      heldBackS: Math.max(0, ...pausesS),
      p50Ms: withinMs(recent, 0.5),
      p99Ms: withinMs(recent, 0.99),
    }
  }

  /** The same of all that was delivered. */
  async latencyOverall(): Promise<{ p50Ms: number; p99Ms: number }> {
    const text = await this.#collector.registry.getSingleMetricAsString('spillway_event_latency_seconds')
    const buckets = parseBuckets(text)
    return { p50Ms: withinMs(buckets, 0.5), p99Ms: withinMs(buckets, 0.99) }
  }

  #recent(buckets: Buckets): Buckets {
    const nowMs = performance.now()
    const samples = this.#buckets
    samples.push({ atMs: nowMs, buckets })
    while (samples.length > 2 && samples[1]!.atMs <= nowMs - LATENCY_WINDOW_MS) samples.shift()
    return samples.length === 1 ? buckets : since(buckets, samples[0]!.buckets)
  }

  #counts() {
    const { ledger, topology } = this.#collector
    const nowMs = performance.now()
    const received = total(ledger.sources.map((source) => source.received))
    const delivered = total(ledger.sinks.flatMap((sink) => sink.delivered))
    const { slabCount, slabBytes } = topology.arena
    const residentBytes = process.memoryUsage.rss()
    this.#residentBytesPeak = Math.max(this.#residentBytesPeak, residentBytes)
    return {
      received,
      receivedPerSecond: this.#received.perSecond(nowMs, received),
      accepted: total(ledger.sources.map((source) => source.accepted)),
      rejected: total(ledger.sources.map((source) => source.rejectedTotal)),
      rejectedByCategory: Object.fromEntries(
        REJECT_CATEGORIES.map((category, index) => {
          return [category, total(ledger.sources.map((source) => source.rejected[index]!))] as const
        }).filter(([, count]) => count > 0),
      ),
      delivered,
      deliveredPerSecond: this.#delivered.perSecond(nowMs, delivered),
      held: ledger.heldEvents(),
      deadLettered: total(ledger.sinks.flatMap((sink) => [...sink.deadLettered.values()])),
      arenaBytes: slabCount * slabBytes,
      arenaUsedShare: (slabCount - topology.pool.freeCount) / slabCount,
      siemPauseMs: Math.max(...topology.sinks.map(({ dispatcher }) => dispatcher.status().pausedForMs)),
      heldBack: topology.sources.some(({ intake }) => intake.full),
      residentBytes,
      residentBytesPeak: this.#residentBytesPeak,
      imbalances: ledger.imbalances(),
    }
  }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
