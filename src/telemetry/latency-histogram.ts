import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'

const NAME = 'spillway_event_latency_seconds'
const HELP = 'Age of events, from received to delivered'
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]

interface Series {
  /** Events by bucket, each on its own; the last one is for everything slower. */
  readonly counts: Float64Array
  sumS: number
}

/** Events by age when they were delivered, for each sink. Many events are observed at once, each of them counts. */
export class LatencyHistogram extends Histogram<'sink' | 'le'> {
  readonly #series = new Map<string, Series>()

  constructor(registry: Registry) {
    super({
      name: NAME,
      help: HELP,
      labelNames: ['sink'],
      buckets: BUCKETS_S,
      registers: [registry],
    })
  }

  observeEvents(sink: string, events: number, ageMs: number): void {
    let series = this.#series.get(sink)
    if (series === undefined) {
      series = { counts: new Float64Array(BUCKETS_S.length + 1), sumS: 0 }
      this.#series.set(sink, series)
    }
    const ageS = ageMs / 1000
    let bucket = 0
    while (bucket < BUCKETS_S.length && ageS > BUCKETS_S[bucket]!) bucket++
    series.counts[bucket]! += events
    series.sumS += ageS * events
  }

  /** What prom-client asks a histogram for; its own would answer with what `observe` counted, one at a time. */
  getForPromString() {
    const values = [...this.#series].flatMap(([sink, series]) => exported(sink, series))
    return { name: NAME, help: HELP, type: 'histogram', aggregator: 'sum', values }
  }
}

/** As Prometheus has it: each bucket holds the faster ones too. */
function exported(sink: string, { counts, sumS }: Series) {
  let count = 0
  const buckets = [...counts].map((events, index) => {
    count += events
    const le = BUCKETS_S[index] ?? '+Inf'
    return { metricName: `${NAME}_bucket`, labels: { sink, le }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels: { sink }, value: sumS },
    { metricName: `${NAME}_count`, labels: { sink }, value: count },
  ]
}
