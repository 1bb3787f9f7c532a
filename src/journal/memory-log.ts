import assert from 'node:assert'
import type { Frame } from './frame.ts'

/** A sink's view of the log: committed frames of its inputs, in commit order. */
export interface FrameReader {
  /** Takes the oldest frame not yet taken, or null. */
  next(): Frame | null
  /** Frames committed but not yet taken by this reader. */
  readonly waiting: number
  /** All records of a taken frame that were offered to this sink are settled. */
  settle(frame: Frame): void
  /** Puts what was taken and not settled, and what waits, before `visit`; for counting what is held. */
  forEachWaiting(visit: (frame: Frame) => void): void
}

/**
 * The log of committed frames in memory mode: one queue a sink, over frames that stay in the arena until every sink
 * has settled them. Bounded by the arena: a frame in it holds its slab, and a slab holds at most
 * `EXTENTS_PER_SLAB_MAX` frames.
 */
export class MemoryLog {
  readonly #readers: MemoryReader[] = []
  #sequence = 0

  /** A reader of the frames of some sources; `onFrame` is called after a frame for it was committed. */
  addReader(takes: (source: number) => boolean, onFrame: () => void): FrameReader {
    const reader = new MemoryReader(takes, onFrame)
    this.#readers.push(reader)
    return reader
  }

  /** The sequence number that the next appended frame must carry. */
  nextSequence(): number {
    return ++this.#sequence
  }

  append(frame: Frame): void {
    frame.holders = 0
    for (const reader of this.#readers) if (reader.takes(frame.source)) frame.holders++
    if (frame.holders === 0) {
      frame.release()
      return
    }
    for (const reader of this.#readers) if (reader.takes(frame.source)) reader.push(frame)
  }
}

class MemoryReader implements FrameReader {
  readonly takes: (source: number) => boolean
  readonly #onFrame: () => void
  #queue: Frame[] = []
  #head = 0

  constructor(takes: (source: number) => boolean, onFrame: () => void) {
    this.takes = takes
    this.#onFrame = onFrame
  }

  push(frame: Frame): void {
    this.#queue.push(frame)
    this.#onFrame()
  }

  next(): Frame | null {
    if (this.#head === this.#queue.length) return null
    const frame = this.#queue[this.#head++]!
    if (this.#head >= 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return frame
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
