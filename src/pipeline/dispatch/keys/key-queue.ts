import type { Frame } from '../../../journal/frame.ts'
import type { LaneIndex, RecordRange, Taken } from '../../../journal/log.ts'
import { Batch } from '../batch.ts'
import type { Part } from '../batch.ts'
import type { Cost } from '../limits/limiter.ts'
import { JSON_ARRAY_EXTRA_BYTES, partOf, pickPart } from '../record-walk.ts'
import type { RecordWalk } from '../record-walk.ts'
import { Fifo } from './fifo.ts'
import type { Sleeper } from './wake-times.ts'

/** What batches of a key are cut to. */
export interface BatchShape {
  readonly walk: RecordWalk
  readonly words: Int32Array
  readonly asArray: boolean
  readonly maxEvents: number
  /** What the destination is known to take may be less than what was configured. */
  maxBytes: number
  readonly maxAgeMs: number
}

/** What a frame, or some records of it, has for one key and is in no batch. */
interface Portion {
  readonly of: Taken
  /** Null: all records of `ranges` that are meant. */
  readonly pick: Uint16Array | null
  readonly ranges: readonly RecordRange[]
  range: number
  /** The next: a record of that range, or a place in the pick. */
  next: number
  /** Events that are left; behind the last one the frame may be gone. */
  left: number
  fastLeft: number
}

/**
 * What waits for one key, in order; its front is the next batch, filled as far as it goes. `events` and `bytes` are what a
 * request with it would cost.
 */
export class KeyQueue implements Sleeper, Cost {
  readonly key: string
  readonly lane: LaneIndex
  readonly #shape: BatchShape
  readonly #portions = new Fifo<Portion>()
  #parts: Part[] = []
  #runs = 0
  events = 0
  bytes = 0
  full = false

  // What follows is kept by KeyLane.
  state: 'idle' | 'ready' | 'asleep' | 'barred' = 'idle'
  /** Asleep until its batch is old enough, or until a limit lets it go. */
  sleepsFor: 'age' | 'limit' = 'age'
  wakeAtMs = 0
  heapPlace = -1
  /** It lets the other lane of its key pass until then. */
  notBeforeMs = -Infinity
  /** Batches since the other lane of its key had one. */
  inARow = 0

  constructor(key: string, lane: LaneIndex, shape: BatchShape) {
    this.key = key
    this.lane = lane
    this.#shape = shape
  }

  /** More for this key, behind the rest: all that is meant of a frame, or the records picked. */
  push(of: Taken, pick: Uint16Array | null): void {
    const { events, fast } = pick === null ? of : pickPart(this.#shape.words, of, pick)!
    const { ranges } = of
    const next = pick === null ? ranges[0]!.first : 0
    this.#portions.push({ of, pick, ranges, range: 0, next, left: events, fastLeft: fast })
    this.#fill()
  }

  /** When the next batch goes though it is not full. */
  get dueAtMs(): number {
    const oldest = this.#parts[0]!.of.frame
    // What was read back has waited already, and the slabs that it is read back to are few.
    return oldest.readBack ? -Infinity : oldest.committedAtMs + this.#shape.maxAgeMs
  }

  /** The oldest frame that it waits with; null when it is empty. */
  get oldest(): Frame | null {
    return this.#parts[0]?.of.frame ?? null
  }

  /** Pieces of frames that wait. */
  get portions(): number {
    return this.#portions.length + this.#parts.length
  }

  /** The next batch. */
  cut(): Batch {
    const batch = new Batch(this.lane, this.#parts, this.bytes, this.#runs, this.key)
    this.#refill()
    return batch
  }

  /** Takes out what waits of one frame, which is the oldest in it. */
  withdraw(of: Taken): Part[] {
    const all = [...this.unbatched()]
    this.#portions.replace(all.filter((part) => part.of !== of).map((part) => this.#portionOf(part)))
    this.#refill()
    return all.filter((part) => part.of === of)
  }

  /** Everything in it, in order. */
  *unbatched(): Generator<Part> {
    yield* this.#parts
    for (const portion of this.#portions.toArray()) yield* this.#rest(portion)
  }

  *#rest({ of, pick, ranges, range, next, left, fastLeft }: Portion): Generator<Part> {
    if (pick !== null) {
      const first = pick[next]!
      const count = pick.at(-1)! + 1 - first
      yield { of, first, count, pick: next === 0 ? pick : pick.slice(next), events: left, fast: fastLeft }
      return
    }
    for (let index = range; index < ranges.length; index++) {
      const { first, end } = ranges[index]!
      const part = partOf(this.#shape.words, of, index === range ? next : first, end)
      if (part.events > 0) yield part
    }
  }

  #portionOf({ of, first, count, pick, events, fast }: Part): Portion {
    const ranges = [{ first, end: first + count }]
    const next = pick === null ? first : 0
    return { of, pick, ranges, range: 0, next, left: events, fastLeft: fast }
  }

  #refill(): void {
    this.#parts = []
    this.events = this.bytes = this.#runs = 0
    this.full = false
    this.#fill()
  }

  #fill(): void {
    while (!this.full) {
      const portion = this.#portions.first
      if (portion === undefined) return
      if (portion.pick === null) this.#takeRange(portion)
      else this.#takePicked(portion, portion.pick)
      if (portion.left === 0) this.#portions.shift()
    }
  }

  #takePicked(portion: Portion, pick: Uint16Array): void {
    const { walk } = this.#shape
    const { of, next } = portion
    const used = this.#usedBytes()
    walk.measurePick(of, pick, next, this.#room(used))
    const taken = walk.next - next === pick.length ? pick : pick.slice(next, walk.next)
    portion.next = walk.next
    if (taken.length > 0) {
      const first = taken[0]!
      const count = taken.at(-1)! + 1 - first
      // Neighbours without a gap are told by where they begin: that costs no copy for the worker.
      const isRun = count === taken.length
      this.#add(portion, {
        of,
        first,
        count,
        pick: isRun ? null : taken,
        events: taken.length,
        fast: walk.fast,
      })
    }
    this.#measured(used, portion.left === 0)
  }

  #takeRange(portion: Portion): void {
    const { walk, maxEvents, maxBytes } = this.#shape
    const { of, next } = portion
    const range = portion.ranges[portion.range]!
    const used = this.#usedBytes()
    walk.measure(of, next, range.end, this.#room(used))
    const isWhole = walk.next === range.end
    const isHalfFull = this.events * 2 >= maxEvents || this.bytes * 2 >= maxBytes
    if (!isWhole && next === range.first && isHalfFull) {
      // As in Batcher: it ends where a frame ends.
      this.full = true
      return
    }
    const { events, fast } = walk
    portion.next = walk.next
    if (events > 0) this.#add(portion, { of, first: next, count: walk.next - next, pick: null, events, fast })
    this.#measured(used, isWhole)
    if (isWhole && portion.left > 0) portion.next = portion.ranges[++portion.range]!.first
  }

  #room(usedBytes: number): { events: number; bytes: number; evenOversize: boolean } {
    const { maxEvents, maxBytes } = this.#shape
    return {
      events: maxEvents - this.events,
      bytes: maxBytes - usedBytes,
      evenOversize: this.events === 0,
    }
  }

  #usedBytes(): number {
    return this.bytes === 0 && this.#shape.asArray ? JSON_ARRAY_EXTRA_BYTES : this.bytes
  }

  #add(portion: Portion, part: Part): void {
    portion.left -= part.events
    portion.fastLeft -= part.fast
    this.#parts.push(part)
  }

  /** Adds up what the walk found. */
  #measured(usedBytes: number, isWhole: boolean): void {
    const { walk, maxEvents, maxBytes } = this.#shape
    if (walk.events > 0) {
      this.events += walk.events
      this.bytes = usedBytes + walk.bytes
      this.#runs += walk.runs
    }
    this.full = !isWhole || this.events >= maxEvents || this.bytes >= maxBytes
  }
}
