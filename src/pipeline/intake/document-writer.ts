import assert from 'node:assert'
import { KIB } from '../../base/units.ts'
import { RUN_BEGIN, RUN_END, RUN_KIND, RUN_OUTCOME } from '../../memory/frame-region.ts'
import { LF_BYTES } from './lane.ts'
import type { Lane } from './lane.ts'
import type { Stream, StreamWriter } from './stream.ts'

/** A body up to this size is collected and handed over whole. */
const SMALL_BODY_BYTES = 64 * KIB
const SMALL_BODY_CHUNKS_MAX = 64
const EXTENT_BYTES_MIN = 64 * KIB

/**
 * Structural framing on the main thread: only a worker can say where a document ends. A small body goes into the shared
 * lane as a whole; a larger one gets a lane of its own, of which one extent at a time is with a worker, who says how far
 * it got and with what framing state to go on.
 */
export class DocumentWriter implements StreamWriter {
  readonly #stream: Stream
  #kind: number
  #body: Uint8Array[] = []
  #bodyBytes = 0
  #lane: Lane | null = null
  #begun = false
  #state = 0
  #inFlight = false
  #ended = false
  /** The extent that is out holds the stream's end. */
  #endCut = false

  constructor(stream: Stream, auto: boolean) {
    this.#stream = stream
    this.#kind = auto ? RUN_KIND.AUTO : RUN_KIND.DOCUMENTS
  }

  take(chunk: Uint8Array): Uint8Array | null {
    if (this.#lane === null) {
      if (this.#bodyBytes + chunk.length <= SMALL_BODY_BYTES) {
        this.#collect(chunk)
        return null
      }
      this.#lane = this.#stream.intake.openLane(this.#stream)
      if (this.#lane === null) return chunk
      for (const piece of this.#body) this.#append(piece)
      this.#forgetBody()
    }
    const rest = this.#append(chunk)
    this.#cut()
    return rest
  }

  /** A body that comes in tiny chunks must not cost an object for each. */
  #collect(chunk: Uint8Array): void {
    this.#body.push(this.#stream.toKeep(chunk))
    this.#bodyBytes += chunk.length
    this.#stream.intake.heldByStreams += chunk.length
    if (this.#body.length === SMALL_BODY_CHUNKS_MAX) this.#body = [Buffer.concat(this.#body)]
  }

  #forgetBody(): void {
    this.#stream.intake.heldByStreams -= this.#bodyBytes
    this.#body = []
    this.#bodyBytes = 0
  }

  /** Writes what fits; a full lane waits for its extent, then moves on to another slab. */
  #append(chunk: Uint8Array): Uint8Array | null {
    const { intake } = this.#stream
    let rest = chunk
    for (;;) {
      const lane = this.#lane!
      const room = Math.max(0, lane.room(intake.meanRecordBytes, 1) - LF_BYTES.length)
      const piece = rest.subarray(0, Math.min(room, rest.length))
      lane.append(piece)
      rest = rest.subarray(piece.length)
      if (rest.length === 0) return null
      if (this.#inFlight || this.#unseen(lane)) return rest
      // What stands there is a piece of a document that a worker has seen: it moves to a slab with room behind it. (It
      // is shorter than half of one; the tables of what was cut before took the rest.)
      assert(!lane.fresh, 'an unfinished document leaves room in a slab')
      lane.complete = lane.cutFrom
      const next = intake.rotate(this.#stream, lane)
      if (next === null) return rest
      this.#lane = next
      this.#seenTo = next.fill
    }
  }

  /** Absolute offset up to which a worker has seen the lane. */
  #seenTo = 0

  #unseen(lane: Lane): boolean {
    return lane.fill > Math.max(this.#seenTo, lane.cutFrom)
  }

  /** Hands over what is there, when no extent is out and it is worth it. */
  #cut(): void {
    const lane = this.#lane
    if (lane === null || this.#inFlight || !this.#unseen(lane)) return
    const { intake } = this.#stream
    const full = lane.room(intake.meanRecordBytes, 1) <= LF_BYTES.length
    if (!this.#ended && !full && lane.fill - Math.max(this.#seenTo, lane.cutFrom) < EXTENT_BYTES_MIN) return
    lane.complete = lane.fill
    lane.runs = []
    const run = lane.beginRun(this.#stream, this.#flags(), lane.cutFrom)
    run.state = this.#state
    this.#inFlight = intake.cut(lane, true)
    if (this.#inFlight) {
      this.#seenTo = lane.fill
      this.#endCut = this.#ended
    } else {
      lane.runs = []
      lane.complete = lane.cutFrom
      intake.waitForRoom(this.#stream)
    }
  }

  #flags(): number {
    return this.#kind | (this.#begun ? 0 : RUN_BEGIN) | (this.#ended ? RUN_END : 0)
  }

  finish(): boolean {
    const { intake } = this.#stream
    if (this.#lane === null) {
      if (this.#bodyBytes === 0) return true
      const placed = intake.place(this.#stream, this.#kind | RUN_BEGIN | RUN_END, [...this.#body, LF_BYTES])
      if (placed) this.#forgetBody()
      return placed
    }
    if (!this.#ended) {
      this.#ended = true
      this.#lane.append(LF_BYTES)
      this.#seenTo = Math.min(this.#seenTo, this.#lane.fill - 1)
    }
    this.#cut()
    return this.#lane === null
  }

  extentDone(consumed: number, outcome: number, state: number): void {
    const lane = this.#lane!
    this.#inFlight = false
    this.#begun ||= outcome !== RUN_OUTCOME.OK
    this.#state = state
    lane.cutFrom = lane.complete = consumed
    if (outcome === RUN_OUTCOME.BAD_FRAMING) {
      this.#drop(lane)
      this.#stream.loseFraming()
      return
    }
    if (outcome === RUN_OUTCOME.LINES) {
      this.#lane = null
      // What had come behind the stream's end, if it was in the extent, is framed already.
      if (this.#endCut) this.#drop(lane)
      else this.#stream.becomeLines(lane)
      return
    }
    if (outcome === RUN_OUTCOME.DOCUMENTS) this.#kind = RUN_KIND.DOCUMENTS
    if (this.#endCut) this.#drop(lane)
    else {
      this.#cut()
      this.#stream.resumeLater()
    }
  }

  #drop(lane: Lane): void {
    this.#stream.intake.dropLane(lane)
    this.#lane = null
    this.#stream.resumeLater()
  }

  close(): void {
    if (this.#lane !== null) this.#stream.intake.dropLane(this.#lane)
    this.#lane = null
    this.#forgetBody()
  }
}
