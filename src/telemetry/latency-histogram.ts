import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { exportedBuckets } from './exported-buckets.ts'

const NAME = 'spillway_event_latency_seconds'
const HELP = 'Age of events, from received to delivered'
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]

type Lane = 'bulk' | 'fast'

interface Series {
  /** Events by bucket, each on its own; the last one is for everything slower. */
  readonly counts: Float64Array
  sumS: number
}

/** Events by age when they were delivered, for each sink and lane. Many are observed at once, each of them counts. */
export class LatencyHistogram extends Histogram<'sink' | 'lane' | 'le'> {
  readonly #series: Record<Lane, Map<string, Series>> = { bulk: new Map(), fast: new Map() }

  constructor(registry: Registry) {
    super({
      name: NAME,
      help: HELP,
      labelNames: ['sink', 'lane'],
      buckets: BUCKETS_S,
      registers: [registry],
    })
  }

  observeEvents(sink: string, lane: Lane, events: number, ageMs: number): void {
    if (events === 0) return
    let series = this.#series[lane].get(sink)
    if (series === undefined) {
      series = { counts: new Float64Array(BUCKETS_S.length + 1), sumS: 0 }
      this.#series[lane].set(sink, series)
    }
    const ageS = ageMs / 1000
    let bucket = 0
    while (bucket < BUCKETS_S.length && ageS > BUCKETS_S[bucket]!) bucket++
    series.counts[bucket]! += events
    series.sumS += ageS * events
  }

  /** What prom-client asks a histogram for; its own would answer with what `observe` counted, one at a time. */
  getForPromString() {
    const values = Object.entries(this.#series).flatMap(([lane, sinks]) =>
      [...sinks].flatMap(([sink, series]) =>
        exportedBuckets(NAME, { sink, lane }, { bounds: BUCKETS_S, counts: series.counts, sum: series.sumS }),
      ),
    )
    return { name: NAME, help: HELP, type: 'histogram', aggregator: 'sum', values }
  }
}
