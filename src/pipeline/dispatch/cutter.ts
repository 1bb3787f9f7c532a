import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex, LogReader, Taken } from '../../journal/log.ts'
import type { Batch, Part } from './batch.ts'
import { Batcher } from './batcher.ts'
import type { BatcherOptions, Room } from './batcher.ts'
import { partOf } from './record-walk.ts'

/** What a sink has no room for waits longer than this: it lags. */
export const LAG_MS = 500

/** What a dispatcher asks of whoever cuts its batches. */
export interface BatchCutter {
  /**
   * The next batch of a lane, if it is full, old enough, or `flush` is set and there is one; else null.
   */
  take(lane: LaneIndex, nowMs: number, flush: boolean, room?: Room): Batch | null
  /** To be called when all was taken that there is room for. True when fast may run ahead from now on. */
  look(nowMs: number): boolean
  /** When time alone next changes something; Infinity if never. */
  nextDueMs(nowMs: number): number
  /** Everything that was committed is in a batch. */
  readonly empty: boolean
  /** Fast is to run ahead. */
  readonly lagging: boolean
  /** What was taken from the log and is in no batch. */
  unbatched(words: Int32Array): Iterable<Part>
  /** What was not cut, in batches that are not going to be sent; null: nothing is left. */
  takeRest(): Batch | null
  /** The oldest of what waits for nothing but a limit of its own, as a batch that is not sent but deferred. */
  takeWaiting?(nowMs: number): Batch | null
}

export type CutterOptions = Omit<BatcherOptions, 'lane' | 'take'> & { readonly reader: LogReader }

/**
 * Cuts the batches of both lanes. While the sink keeps up, all events go through bulk, in whole frames. Fast runs ahead
 * only while the sink lags: it costs frames that are taken apart and events gathered one by one. The lanes come together
 * again when bulk has taken everything.
 */
export class Cutter implements BatchCutter {
  readonly #batchers: readonly [bulk: Batcher, fast: Batcher]
  readonly #reader: LogReader
  /** Since when there was always something left in the log. */
  #behindSinceMs = Infinity
  /** When the frame that bulk took last was committed: what is left in the log is hardly older. */
  #takenUpToMs = -Infinity
  lagging = false

  constructor({ reader, ...options }: CutterOptions) {
    this.#reader = reader
    this.#batchers = [
      new Batcher({ ...options, lane: BULK, take: () => this.#takeBulk() }),
      new Batcher({ ...options, lane: FAST, take: () => (this.lagging ? reader.takeFast() : null) }),
    ]
  }

  take(lane: LaneIndex, nowMs: number, flush: boolean, room?: Room): Batch | null {
    return this.#batchers[lane].take(nowMs, flush, room)
  }

  takeRest(): Batch | null {
    return this.take(BULK, 0, true) ?? this.take(FAST, 0, true)
  }

  look(nowMs: number): boolean {
    const before = this.lagging
    if (this.#reader.caughtUp) this.#behindSinceMs = Infinity
    else if (this.#behindSinceMs === Infinity) this.#behindSinceMs = nowMs
    this.lagging = nowMs >= this.#lagsAtMs
    return this.lagging && !before
  }

  nextDueMs(nowMs: number): number {
    let next = Infinity
    const moments = [this.#batchers[BULK].dueAtMs, this.#batchers[FAST].dueAtMs, this.#lagsAtMs]
    for (const atMs of moments) if (atMs > nowMs && atMs < next) next = atMs
    return next
  }

  *unbatched(words: Int32Array): Generator<Part> {
    for (const batcher of this.#batchers) {
      yield* batcher.parts
      for (const { of, first, end } of batcher.rests()) yield partOf(words, of, first, end)
    }
  }

  get empty(): boolean {
    return this.#batchers[BULK].empty && this.#batchers[FAST].empty && this.#reader.caughtUp
  }

  get #lagsAtMs(): number {
    return Math.max(this.#behindSinceMs, this.#takenUpToMs) + LAG_MS
  }

  #takeBulk(): Taken | null {
    const taken = this.#reader.takeBulk()
    // What was read back had left the memory for want of room: it tells nothing about when it was committed.
    if (taken !== null && !taken.frame.readBack) this.#takenUpToMs = taken.frame.committedAtMs
    return taken
  }
}
