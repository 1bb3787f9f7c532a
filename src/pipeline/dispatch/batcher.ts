import type { LaneIndex, Taken } from '../../journal/log.ts'
import { Batch } from './batch.ts'
import type { Part } from './batch.ts'
import type { PayloadForm } from './payload-builder.ts'
import { JSON_ARRAY_EXTRA_BYTES } from './record-walk.ts'
import type { RecordWalk } from './record-walk.ts'

/** While its turn has not come, a batch may grow so long beyond `batch.max_age`. */
export const GROWTH_MAX_MS = 30_000

/** How the next batch may be, beyond what was configured. */
export interface Room {
  /** When its turn comes at the limiter: until then it may grow, if it is not full, though not for ever. */
  readonly turnAtMs: number
  /** What the destination is known to take. */
  readonly maxBytes: number
}

const UNLIMITED: Room = { turnAtMs: -Infinity, maxBytes: Infinity }

export interface BatcherOptions {
  readonly lane: LaneIndex
  /** Takes the next frame from the log, or what is meant of it; null when there is none. */
  readonly take: () => Taken | null
  readonly walk: RecordWalk
  readonly encoding: PayloadForm['encoding']
  /** The smaller of what the user set and what the rate limit ever lets through at once. */
  readonly maxBytes: number
  readonly maxEvents: number
  readonly maxAgeMs: number
}

/** Records of one range that no batch has, not counted yet. */
interface Rest {
  readonly of: Taken
  readonly first: number
  readonly end: number
}

/**
 * Cuts what is taken from the log into batches, in order. The batch being filled takes frames as soon as they come and stops
 * when it is full, so at most one batch is cut ahead; all else stays in the log.
 *
 * A batch ends where a frame ends, if it is half full by then and the next frame doesn't fit: few frames are held by
 * two batches, and few batches consist of more runs than they must.
 */
export class Batcher {
  readonly #options: BatcherOptions
  /** The frame that the batch being filled takes from, and its first record not in a batch. */
  #current: Taken | null = null
  #range = 0
  #nextRecord = 0
  /** Events of it that are in no batch: without one, nothing keeps the frame where it is. */
  #left = 0
  #parts: Part[] = []
  #events = 0
  #bytes = 0
  #runs = 0
  #full = false
  #room = UNLIMITED

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  /**
   * The next batch, if it is full, old enough, or `flush` is set and there is one; else null.
   */
  take(nowMs: number, flush: boolean, room = UNLIMITED): Batch | null {
    this.#room = room
    this.#fill()
    if (this.#events === 0) return null
    if (!this.#full && !flush && nowMs < this.dueAtMs) return null
    const batch = new Batch(this.#options.lane, this.#parts, this.#bytes, this.#runs)
    this.#parts = []
    this.#events = 0
    this.#bytes = 0
    this.#runs = 0
    this.#full = false
    return batch
  }

  /** When the batch being filled goes out though it is not full; Infinity when there is none. */
  get dueAtMs(): number {
    const oldest = this.#parts[0]?.of.frame
    if (oldest === undefined) return Infinity
    // What was read back has waited already, and the slabs that it is read back to are few.
    if (oldest.readBack) return -Infinity
    const { maxAgeMs } = this.#options
    const dueAtMs = oldest.committedAtMs + maxAgeMs
    return Math.min(Math.max(dueAtMs, this.#room.turnAtMs), dueAtMs + GROWTH_MAX_MS)
  }

  get empty(): boolean {
    return this.#events === 0 && this.#current === null
  }

  /** What was taken from the log and is in no batch yet: the parts of the batch being filled ... */
  get parts(): readonly Part[] {
    return this.#parts
  }

  /** ... and the rest of the frame that it takes from, range by range. */
  *rests(): Generator<Rest> {
    const of = this.#current
    if (of === null) return
    for (let index = this.#range; index < of.ranges.length; index++) {
      const { first, end } = of.ranges[index]!
      const from = index === this.#range ? this.#nextRecord : first
      yield { of, first: from, end }
    }
  }

  #fill(): void {
    while (!this.#full) {
      this.#current ??= this.#takeFrame()
      if (this.#current === null) return
      this.#takeRecords(this.#current)
    }
  }

  #takeFrame(): Taken | null {
    const taken = this.#options.take()
    if (taken === null) return null
    this.#left = taken.events
    this.#beginRange(taken, 0)
    return taken
  }

  #beginRange(taken: Taken, range: number): void {
    this.#range = range
    this.#nextRecord = taken.ranges[range]!.first
  }

  #takeRecords(taken: Taken): void {
    const { walk, maxEvents, encoding } = this.#options
    const maxBytes = Math.min(this.#options.maxBytes, this.#room.maxBytes)
    const range = taken.ranges[this.#range]!
    const first = this.#nextRecord
    const used = this.#bytes === 0 && encoding === 'json' ? JSON_ARRAY_EXTRA_BYTES : this.#bytes
    walk.measure(taken, first, range.end, {
      events: maxEvents - this.#events,
      bytes: maxBytes - used,
      evenOversize: this.#events === 0,
    })
    const { next, events, fast } = walk
    const whole = next === range.end
    const halfFull = this.#events * 2 >= maxEvents || this.#bytes * 2 >= maxBytes
    if (!whole && first === range.first && halfFull) {
      this.#full = true
      return
    }
    if (events > 0) {
      this.#parts.push({ of: taken, first, count: next - first, pick: null, events, fast })
      this.#events += events
      this.#bytes = used + walk.bytes
      this.#runs += walk.runs
      this.#left -= events
    }
    this.#nextRecord = next
    this.#full = !whole || this.#events >= maxEvents || this.#bytes >= maxBytes
    if (this.#left === 0) this.#current = null
    else if (whole) this.#beginRange(taken, this.#range + 1)
  }
}
