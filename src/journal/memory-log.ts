import assert from 'node:assert'
import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import type { Frame } from './frame.ts'

/**
 * Called with each frame of a reader's sources in the step that commits it, before the reader can take it: the place to
 * count what it brings. False says that nothing in the frame is for this reader, which then never sees it.
 */
export type OnFrame = (frame: Frame) => boolean | void

/** A sink's view of the log: committed frames of its inputs, in commit order. */
export interface FrameReader {
  /** Takes the oldest frame not yet taken, or null. */
  next(): Frame | null
  /** When the frame that `next` returned last was committed, by the log's clock in milliseconds. */
  readonly committedAtMs: number
  /** Frames committed but not yet taken by this reader. */
  readonly waiting: number
  /** All records of a taken frame that were offered to this sink are settled. */
  settle(frame: Frame): void
  /** Puts every frame not yet taken before `visit`, oldest first; for counting what is held. */
  forEachWaiting(visit: (frame: Frame) => void): void
}

/**
 * The log of committed frames in memory mode: one queue a sink, over frames that stay in the arena until every sink
 * has settled them. Bounded by the arena: a frame in it holds its slab, and a slab holds at most
 * `EXTENTS_PER_SLAB_MAX` frames.
 */
export class MemoryLog {
  readonly #clock: Clock
  readonly #readers: MemoryReader[] = []
  #sequence = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** A reader of the frames of some sources. Readers are added before the first frame is. */
  addReader(takes: (source: number) => boolean, onFrame: OnFrame): FrameReader {
    const reader = new MemoryReader(takes, onFrame)
    this.#readers.push(reader)
    return reader
  }

  /** The sequence number that the next appended frame must carry. */
  nextSequence(): number {
    return ++this.#sequence
  }

  append(frame: Frame): void {
    const nowMs = this.#clock.now()
    // The log itself is a holder meanwhile: a reader that settles at once must not end the frame for the others.
    frame.holders = 1
    for (const reader of this.#readers) if (reader.takes(frame.source)) reader.offer(frame, nowMs)
    if (--frame.holders === 0) frame.release()
  }
}

class MemoryReader implements FrameReader {
  readonly takes: (source: number) => boolean
  readonly #onFrame: OnFrame
  #queue: Frame[] = []
  /** When each frame of the queue was committed. */
  #timesMs: number[] = []
  #head = 0
  #committedAtMs = 0

  constructor(takes: (source: number) => boolean, onFrame: OnFrame) {
    this.takes = takes
    this.#onFrame = onFrame
  }

  offer(frame: Frame, nowMs: number): void {
    if (this.#onFrame(frame) === false) return
    frame.holders++
    this.#queue.push(frame)
    this.#timesMs.push(nowMs)
  }

  next(): Frame | null {
    if (this.#head === this.#queue.length) return null
    this.#committedAtMs = this.#timesMs[this.#head]!
    const frame = this.#queue[this.#head++]!
    if (this.#head >= 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#timesMs = this.#timesMs.slice(this.#head)
      this.#head = 0
    }
    return frame
  }

  get committedAtMs(): number {
    return this.#committedAtMs
  }

  get waiting(): number {
    return this.#queue.length - this.#head
  }

  settle(frame: Frame): void {
    frame.holders--
    assert(frame.holders >= 0, 'a sink settles a frame once')
    if (frame.holders === 0) frame.release()
  }

  forEachWaiting(visit: (frame: Frame) => void): void {
    for (let i = this.#head; i < this.#queue.length; i++) visit(this.#queue[i]!)
  }
}
