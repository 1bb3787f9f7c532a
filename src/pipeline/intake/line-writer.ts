import assert from 'node:assert'
import { KIB } from '../../base/units.ts'
import { DEAD_LETTER_RECORD_BYTES_MAX } from '../../encode/dead-letter.ts'
import { RUN_BEGIN, RUN_COUNTED, RUN_KIND, RUN_KIND_MASK } from '../../memory/frame-region.ts'
import { UNFINISHED_BLOCK_BYTES } from '../limits.ts'
import { LF_BYTES } from './lane.ts'
import type { Lane } from './lane.ts'
import type { RecordEnds } from './record-ends.ts'
import type { Stream, StreamWriter } from './stream.ts'

/** A kernel read is offered at least so much room, else the lane is full. */
const HOT_READ_BYTES_MIN = 16 * KIB

/**
 * Records whose ends the main thread can see, lines above all: whole ones go into the source's shared lane, the
 * unfinished one waits in a block of a fixed pool. A line that outgrows its block, and a hot connection, get a lane of
 * their own. "Line" stands for any record that `RecordEnds` tells apart.
 */
export class LineWriter implements StreamWriter {
  readonly #stream: Stream
  readonly #ends: RecordEnds
  #block: Uint8Array | null = null
  #blockLength = 0
  lane: Lane | null
  /** A line was handed over; where the first begins the worker looks for a BOM. */
  #begun: boolean
  /** Length so far of a line that is too long; its beginning stands in the lane. */
  #oversize = 0

  constructor(stream: Stream, ends: RecordEnds, lane: Lane | null) {
    this.#stream = stream
    this.#ends = ends
    this.lane = lane
    this.#begun = lane !== null
    if (lane === null) return
    lane.beginRun(stream, ends.kind, lane.cutFrom)
    this.#noteLines(lane, lane.cutFrom)
  }

  take(chunk: Uint8Array): Uint8Array | null {
    if (this.lane !== null) return this.#takeIntoLane(chunk)
    const ends = this.#ends
    ends.save()
    const lineEnd = Math.max(0, ends.lastEnd(chunk, 0, chunk.length))
    if (lineEnd > 0) {
      const { intake } = this.#stream
      const pieces =
        this.#blockLength > 0
          ? [this.#unfinished(), chunk.subarray(0, lineEnd)]
          : [chunk.subarray(0, lineEnd)]
      if (!intake.place(this.#stream, this.#lines, pieces)) {
        ends.rewind()
        return chunk
      }
      this.#begun = true
      this.#setBlockLength(0)
    }
    const tail = lineEnd > 0 ? chunk.subarray(lineEnd) : chunk
    if (this.#keep(tail)) return null
    // It will be shown to `ends` again, wherever it goes.
    if (lineEnd > 0) ends.restart()
    else ends.rewind()
    return this.openLane() ? this.#takeIntoLane(tail) : tail
  }

  get #lines(): number {
    return this.#begun ? this.#ends.kind : this.#ends.kind | RUN_BEGIN
  }

  /** Keeps the beginning of a line, if a block has room for it. */
  #keep(tail: Uint8Array): boolean {
    if (tail.length === 0) {
      this.#freeBlock()
      return true
    }
    if (this.#blockLength + tail.length > UNFINISHED_BLOCK_BYTES) return false
    this.#block ??= this.#stream.intake.blocks.take()
    if (this.#block === null) return false
    this.#block.set(tail, this.#blockLength)
    this.#setBlockLength(this.#blockLength + tail.length)
    return true
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
    const { intake } = this.#stream
    const room = Math.min(lane.room(intake.meanRecordBytes, 1), intake.readBytesMax)
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
    const ends = this.#ends
    let start = from
    if (this.#oversize > 0) {
      const behind = ends.firstEnd(bytes, from, lane.fill)
      if (behind === -1) {
        this.#oversize += lane.fill - from
        lane.fill = from
        return
      }
      this.#endOversize(lane, from, behind)
      start = lane.complete
    }
    const end = ends.lastEnd(bytes, start, lane.fill)
    if (end !== -1) {
      this.#nameRun(lane)
      lane.complete = end
      this.#begun = true
    }
    const tail = lane.fill - lane.complete
    if (tail > this.#stream.intake.maxRecordBytes + ends.headBytesMax) {
      this.#oversize = tail
      lane.fill = lane.complete + Math.min(tail, DEAD_LETTER_RECORD_BYTES_MAX + ends.headBytesMax)
    }
  }

  /** What the first run is about may have been unknown when it began. */
  #nameRun(lane: Lane): void {
    const run = lane.runs[lane.runs.length - 1]!
    run.kind = (run.kind & ~RUN_KIND_MASK) | this.#ends.kind
  }

  /** The line that is too long ended before `behind`: its kept beginning becomes a run, what follows moves up behind it. */
  #endOversize(lane: Lane, from: number, behind: number): void {
    const { arena } = this.#stream.intake
    const { terminator } = this.#ends
    const keptFrom = lane.complete
    if (keptFrom === lane.runs[lane.runs.length - 1]?.from) lane.runs.pop()
    const end = terminator !== null && arena.bytes[behind - 1] === terminator[0] ? behind - 1 : behind
    const counted = this.#ends.kind === RUN_KIND.OCTETS ? RUN_COUNTED : 0
    lane.beginRun(this.#stream, RUN_KIND.OVERSIZE | counted, keptFrom).length = this.#oversize + (end - from)
    arena.bytes.copyWithin(from, behind, lane.fill)
    lane.fill -= behind - from
    lane.complete = from
    this.#oversize = 0
    this.#begun = true
    lane.beginRun(this.#stream, this.#ends.kind, from)
  }

  finish(clean: boolean): boolean {
    const { intake } = this.#stream
    const { lane } = this
    const terminator = clean ? this.#ends.terminator : null
    if (lane === null) {
      if (this.#blockLength === 0) return true
      const pieces = terminator === null ? [this.#unfinished()] : [this.#unfinished(), terminator]
      const kind = terminator === null ? RUN_KIND.BROKEN : this.#lines
      if (!intake.place(this.#stream, kind, pieces)) return false
      this.#freeBlock()
      return true
    }
    if (this.#oversize > 0) {
      lane.append(LF_BYTES)
      this.#endOversize(lane, lane.fill - LF_BYTES.length, lane.fill)
    } else if (lane.fill > lane.complete) {
      this.#ensureRun(lane)
      if (terminator !== null) lane.append(terminator)
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
