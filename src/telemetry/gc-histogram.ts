import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { GC_BUCKETS_S } from '../memory/gc-pauses.ts'
import type { GcPauses } from '../memory/gc-pauses.ts'
import { exportedBuckets } from './exported-buckets.ts'

const NAME = 'spillway_gc_pause_seconds'
const HELP = 'Pauses for garbage collection, each of one thread: it stands still meanwhile, the others do not'

/** What all threads have counted, at every scrape. */
export class GcHistogram extends Histogram<'thread' | 'kind' | 'le'> {
  readonly #pauses: GcPauses

  constructor(registry: Registry, pauses: GcPauses) {
    super({
      name: NAME,
      help: HELP,
      labelNames: ['thread', 'kind'],
      buckets: [...GC_BUCKETS_S],
      registers: [registry],
    })
    this.#pauses = pauses
  }

  /** What prom-client asks a histogram for. */
  getForPromString() {
    const values = this.#pauses
      .series()
      .flatMap(({ thread, kind, counts, sumS }) =>
        exportedBuckets(NAME, { thread, kind }, { bounds: GC_BUCKETS_S, counts, sum: sumS }),
      )
    return { name: NAME, help: HELP, type: 'histogram', aggregator: 'sum', values }
  }
}
