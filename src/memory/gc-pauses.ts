/**
 * Pauses for garbage collection. Every thread has an isolate of its own, which stands still by itself: each counts its
 * pauses here, the main thread into rows of its own, all workers into theirs.
 *
 *     row (thread * KINDS + kind), of 128 bytes:
 *     word 0..8   pauses, by the bucket of GC_BUCKETS_S; the last one is for everything longer
 *     word 9      nanoseconds of all of them
 *
 * A word has 64 bits: at a tenth of all time, the nanoseconds last for 5,000 years.
 */
import { PerformanceObserver, constants } from 'node:perf_hooks'

/** Upper ends. */
export const GC_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5] as const
export const GC_THREADS = ['main', 'worker'] as const
export const GC_KINDS = ['minor', 'major', 'incremental', 'weak'] as const

export type GcThread = (typeof GC_THREADS)[number]
export type GcKind = (typeof GC_KINDS)[number]

const KIND_OF_NODE: ReadonlyMap<number, GcKind> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak'],
])

const ROW_WORDS = 16
const ROW_BYTES = ROW_WORDS * BigUint64Array.BYTES_PER_ELEMENT
const NANOSECONDS = GC_BUCKETS_S.length + 1

export interface GcSeries {
  readonly thread: GcThread
  readonly kind: GcKind
  /** By bucket, each on its own; one more than there are buckets. */
  readonly counts: readonly number[]
  readonly sumS: number
}

export class GcPauses {
  readonly buffer: SharedArrayBuffer
  readonly #words: BigUint64Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new BigUint64Array(buffer)
  }

  static create(): GcPauses {
    return new GcPauses(new SharedArrayBuffer(GC_THREADS.length * GC_KINDS.length * ROW_BYTES))
  }

  /** Any thread. */
  count(thread: GcThread, kind: GcKind, pauseMs: number): void {
    const row = rowOf(thread, kind)
    const bucket = GC_BUCKETS_S.findIndex((endS) => pauseMs <= endS * 1000)
    Atomics.add(this.#words, row + (bucket === -1 ? GC_BUCKETS_S.length : bucket), 1n)
    Atomics.add(this.#words, row + NANOSECONDS, BigInt(Math.round(pauseMs * 1e6)))
  }

  /** Those that there were. */
  series(): GcSeries[] {
    return GC_THREADS.flatMap((thread) => GC_KINDS.map((kind) => this.#seriesOf(thread, kind))).filter(
      ({ counts }) => counts.some((count) => count > 0),
    )
  }

  #seriesOf(thread: GcThread, kind: GcKind): GcSeries {
    const row = rowOf(thread, kind)
    const word = (index: number) => Number(Atomics.load(this.#words, row + index))
    return {
      thread,
      kind,
      counts: Array.from({ length: GC_BUCKETS_S.length + 1 }, (_, bucket) => word(bucket)),
      sumS: word(NANOSECONDS) / 1e9,
    }
  }
}

function rowOf(thread: GcThread, kind: GcKind): number {
  return (GC_THREADS.indexOf(thread) * GC_KINDS.length + GC_KINDS.indexOf(kind)) * ROW_WORDS
}

/** Counts the pauses of the thread that calls, from now on until what it returns is called. Node tells of them a little later. */
export function observeGc(pauses: GcPauses, thread: GcThread): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = KIND_OF_NODE.get(kindOf(entry))
      if (kind !== undefined) pauses.count(thread, kind, entry.duration)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** The types of Node don't know that an entry of type gc has details. */
function kindOf(entry: object): number {
  const detail = 'detail' in entry ? entry.detail : undefined
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : 0
}
