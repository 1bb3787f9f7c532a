import assert from 'node:assert'
import { KIB } from '../../base/units.ts'
import { DEAD_LETTER_RECORD_BYTES_MAX } from '../../encode/dead-letter.ts'
import { RUN_BEGIN, RUN_KIND } from '../../memory/frame-region.ts'
import { UNFINISHED_BLOCK_BYTES } from '../limits.ts'
import { LF_BYTES } from './lane.ts'
import type { Lane } from './lane.ts'
import type { Stream, StreamWriter } from './stream.ts'

const LF = 0x0a
/** A kernel read is offered at least so much room, else the lane is full. */
const HOT_READ_BYTES_MIN = 16 * KIB

/**
 * Newline framing on the main thread: whole lines go into the source's shared lane, the unfinished one waits in a block
 * of a fixed pool. A line that outgrows its block, and a hot connection, get a lane of their own.
 */
export class LineWriter implements StreamWriter {
  readonly #stream: Stream
  #block: Uint8Array | null = null
  #blockLength = 0
  lane: Lane | null
  /** A line was handed over; where the first begins the worker looks for a BOM. */
  #begun: boolean
  /** Length so far of a line that is too long; its beginning stands in the lane. */
  #oversize = 0

  constructor(stream: Stream, lane: Lane | null) {
    this.#stream = stream
    this.lane = lane
    this.#begun = lane !== null
    if (lane === null) return
    lane.beginRun(stream, RUN_KIND.LINES, lane.cutFrom)
    this.#noteLines(lane, lane.cutFrom)
  }

  take(chunk: Uint8Array): Uint8Array | null {
    if (this.lane !== null) return this.#takeIntoLane(chunk)
    const lineEnd = chunk.lastIndexOf(LF) + 1
    if (lineEnd > 0) {
      const { intake } = this.#stream
      const pieces =
        this.#blockLength > 0
          ? [this.#unfinished(), chunk.subarray(0, lineEnd)]
          : [chunk.subarray(0, lineEnd)]
      if (!intake.place(this.#stream, this.#lines, pieces)) return chunk
      this.#begun = true
      this.#setBlockLength(0)
    }
    return this.#keep(lineEnd > 0 ? chunk.subarray(lineEnd) : chunk)
  }

  get #lines(): number {
    return this.#begun ? RUN_KIND.LINES : RUN_KIND.LINES | RUN_BEGIN
  }

  /** Keeps the beginning of a line. */
  #keep(tail: Uint8Array): Uint8Array | null {
    if (tail.length === 0) {
      this.#freeBlock()
      return null
    }
    if (this.#blockLength + tail.length <= UNFINISHED_BLOCK_BYTES) {
      this.#block ??= this.#stream.intake.blocks.take()
      if (this.#block !== null) {
        this.#block.set(tail, this.#blockLength)
        this.#setBlockLength(this.#blockLength + tail.length)
        return null
      }
    }
    return this.openLane() ? this.#takeIntoLane(tail) : tail
  }

  #unfinished(): Uint8Array {
    return this.#block!.subarray(0, this.#blockLength)
  }

  #freeBlock(): void {
    if (this.#block !== null) this.#stream.intake.blocks.give(this.#block)
    this.#block = null
    this.#setBlockLength(0)
  }

  #setBlockLength(bytes: number): void {
    this.#stream.intake.heldByStreams += bytes - this.#blockLength
    this.#blockLength = bytes
  }

  /** Moves the stream, with its unfinished line, into a lane of its own. False: none to be had, the stream waits in line. */
  openLane(): boolean {
    const lane = this.#stream.intake.openLane(this.#stream)
    if (lane === null) return false
    this.lane = lane
    this.#ensureRun(lane)
    if (this.#blockLength > 0) lane.append(this.#unfinished())
    this.#freeBlock()
    return true
  }

  /** Gives the lane back, if the unfinished line fits a block. */
  closeLane(): boolean {
    const { lane } = this
    if (lane === null) return true
    const tailBytes = lane.fill - lane.complete
    if (this.#oversize > 0 || tailBytes > UNFINISHED_BLOCK_BYTES) return false
    const { intake } = this.#stream
    const block = tailBytes > 0 ? intake.blocks.take() : null
    if (tailBytes > 0) {
      if (block === null) return false
      block.set(intake.arena.bytes.subarray(lane.complete, lane.fill))
    }
    if (!intake.closeLane(lane)) {
      if (block !== null) intake.blocks.give(block)
      return false
    }
    this.#block = block
    this.#setBlockLength(tailBytes)
    this.lane = null
    return true
  }

  /** Length so far of the line that has begun. */
  get unfinishedBytes(): number {
    return this.lane === null ? this.#blockLength : this.#oversize + this.lane.fill - this.lane.complete
  }

  /** Where the kernel may write next; null: no room, the stream waits (`Stream.resume` is called). */
  space(): Uint8Array | null {
    const lane = this.#laneWithRoom()
    if (lane === null) return null
    const room = lane.room(this.#stream.intake.meanRecordBytes, 1)
    lane.offered = lane.fill + room
    return this.#stream.intake.arena.bytes.subarray(lane.fill, lane.fill + room)
  }

  /** The kernel wrote `length` bytes there. */
  wrote(length: number): void {
    const lane = this.lane!
    const from = lane.fill
    this.#ensureRun(lane)
    lane.fill += length
    this.#noteLines(lane, from)
    this.#stream.intake.poke(lane)
  }

  #laneWithRoom(): Lane | null {
    const { intake } = this.#stream
    let lane = this.lane!
    if (!intake.accepting) {
      intake.waitForRoom(this.#stream)
      return null
    }
    if (lane.room(intake.meanRecordBytes, 1) < HOT_READ_BYTES_MIN) {
      const next = intake.rotate(this.#stream, lane)
      if (next === null) return null
      this.lane = lane = next
      assert(lane.room(intake.meanRecordBytes, 1) > 0, 'an unfinished line leaves room in a slab')
    }
    return lane
  }

  /** What is not yet cut belongs to this stream; a run that has begun goes on. */
  #ensureRun(lane: Lane): void {
    if (lane.runs.length > 0) return
    lane.beginRun(this.#stream, this.#lines, lane.complete)
  }

  #takeIntoLane(chunk: Uint8Array): Uint8Array | null {
    const { intake } = this.#stream
    let rest = chunk
    while (rest.length > 0) {
      const lane = this.#laneWithRoom()
      if (lane === null) return rest
      const piece = rest.subarray(0, Math.min(rest.length, lane.room(intake.meanRecordBytes, 1)))
      const from = lane.fill
      this.#ensureRun(lane)
      lane.append(piece)
      this.#noteLines(lane, from)
      intake.poke(lane)
      rest = rest.subarray(piece.length)
    }
    return null
  }

  /** Finds the last line's end in what was written from `from` on, and minds lines that are too long. */
  #noteLines(lane: Lane, from: number): void {
    const { bytes } = this.#stream.intake.arena
    let start = from
    if (this.#oversize > 0) {
      const at = bytes.subarray(from, lane.fill).indexOf(LF)
      if (at === -1) {
        this.#oversize += lane.fill - from
        lane.fill = from
        return
      }
      this.#endOversize(lane, from, from + at)
      start = lane.complete
    }
    let at = lane.fill - 1
    while (at >= start && bytes[at] !== LF) at--
    if (at >= start) {
      lane.complete = at + 1
      this.#begun = true
    }
    const tail = lane.fill - lane.complete
    if (tail > this.#stream.intake.maxRecordBytes) {
      this.#oversize = tail
      lane.fill = lane.complete + Math.min(tail, DEAD_LETTER_RECORD_BYTES_MAX)
    }
  }

  /** The line that is too long ended at `end`: its kept beginning becomes a run, what follows moves up behind it. */
  #endOversize(lane: Lane, from: number, end: number): void {
    const { arena } = this.#stream.intake
    const keptFrom = lane.complete
    if (keptFrom === lane.runs[lane.runs.length - 1]?.from) lane.runs.pop()
    lane.beginRun(this.#stream, RUN_KIND.OVERSIZE, keptFrom).length = this.#oversize + (end - from)
    arena.bytes.copyWithin(from, end + 1, lane.fill)
    lane.fill -= end + 1 - from
    lane.complete = from
    this.#oversize = 0
    this.#begun = true
    lane.beginRun(this.#stream, RUN_KIND.LINES, from)
  }

  finish(clean: boolean): boolean {
    const { intake } = this.#stream
    const { lane } = this
    if (lane === null) {
      if (this.#blockLength === 0) return true
      const pieces = clean ? [this.#unfinished(), LF_BYTES] : [this.#unfinished()]
      const kind = clean ? this.#lines : RUN_KIND.BROKEN
      if (!intake.place(this.#stream, kind, pieces)) return false
      this.#freeBlock()
      return true
    }
    if (this.#oversize > 0) {
      lane.append(LF_BYTES)
      this.#endOversize(lane, lane.fill - 1, lane.fill - 1)
    } else if (lane.fill > lane.complete) {
      this.#ensureRun(lane)
      if (clean) lane.append(LF_BYTES)
      else {
        if (lane.complete === lane.runs[lane.runs.length - 1]?.from) lane.runs.pop()
        lane.beginRun(this.#stream, RUN_KIND.BROKEN, lane.complete)
      }
      lane.complete = lane.fill
    }
    if (!intake.closeLane(lane)) {
      intake.waitForRoom(this.#stream)
      return false
    }
    this.lane = null
    return true
  }

  extentDone(): void {}

  close(): void {
    this.#freeBlock()
  }
}
