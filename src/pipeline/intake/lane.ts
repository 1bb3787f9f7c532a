import type { Arena } from '../../memory/arena.ts'
import {
  EXTENT_RUNS_MAX,
  FRAME_RECORDS_MAX,
  HEADER_BYTES,
  RECORD_BYTES,
  RUN_BYTES,
  RUN_KIND,
  regionBytes,
} from '../../memory/frame-region.ts'
import type { Stream } from './stream.ts'

/** A slab is closed after so many extents: it bounds the frames that the arena can hold. */
export const EXTENTS_PER_SLAB_MAX = 1024
/** Room in the table for more records than the source's mean record length suggests. */
const TABLE_MARGIN = 1.25
const TABLE_SPARE_RECORDS = 16

/** A piece of one stream in a lane; it ends where the next begins. */
export interface Run {
  readonly from: number
  readonly stream: Stream
  /** RUN_KIND and RUN_FLAGs. */
  kind: number
  state: number
  length: number
}

/**
 * A slab being filled. Bytes grow from its start; the frame regions of the extents cut from it grow down from its end:
 *
 *     start       cutFrom      complete     fill                    regionBottom              end
 *       |  cut extents  |  whole records |tail|        room              | regions of cut extents |
 *
 * A lane is shared by the streams of a source, which put whole records into it (then complete = fill), or owned by one
 * stream, whose unfinished record may stand at its end.
 */
export class Lane {
  readonly slab: number
  readonly #arena: Arena
  readonly end: number
  fill: number
  complete: number
  cutFrom: number
  /** End of the space that the kernel was given to write to; no region may begin below. */
  offered = 0
  #regionBottom: number
  #extents = 0
  runs: Run[] = []
  /** A request has ended in it: don't wait for more. */
  urgent = false
  /** Its oldest bytes have waited for `linger`. */
  due = false

  constructor(arena: Arena, slab: number) {
    this.#arena = arena
    this.slab = slab
    this.fill = this.complete = this.cutFrom = arena.slabStart(slab)
    this.end = this.#regionBottom = this.fill + arena.slabBytes
  }

  /** Whole records not yet handed over, in bytes. */
  get pendingBytes(): number {
    return this.complete - this.cutFrom
  }

  /** Bytes that can be added so that the frame region of what is pending still fits; `runs` more runs may begin. */
  room(meanRecordBytes: number, runs: number): number {
    if (this.#extents >= EXTENTS_PER_SLAB_MAX || this.runs.length + runs > EXTENT_RUNS_MAX) return 0
    const perByte = (RECORD_BYTES * TABLE_MARGIN) / meanRecordBytes
    // Twice: what is pending may be cut while the kernel still writes to the room it was given.
    const fixed =
      2 *
      (HEADER_BYTES + (this.runs.length + runs) * RUN_BYTES + (TABLE_SPARE_RECORDS + 1) * RECORD_BYTES + 8)
    const pending = (this.fill - this.cutFrom) * perByte
    return Math.max(0, Math.floor((this.#regionBottom - this.fill - fixed - pending) / (1 + perByte)))
  }

  /** The bytes of so many records fill a table: cut before. */
  static extentBytesMax(meanRecordBytes: number): number {
    return (FRAME_RECORDS_MAX / TABLE_MARGIN) * meanRecordBytes
  }

  append(bytes: Uint8Array): void {
    this.#arena.bytes.set(bytes, this.fill)
    this.fill += bytes.length
  }

  /** Everything written from now on, or from `from`, belongs to this stream. */
  beginRun(stream: Stream, kind: number, from = this.fill): Run {
    const last = this.runs[this.runs.length - 1]
    if (last !== undefined && last.stream === stream && last.kind === kind && kind === RUN_KIND.LINES)
      return last
    const run = { from, stream, kind, state: 0, length: 0 }
    this.runs.push(run)
    return run
  }

  /** Takes the region for an extent of [cutFrom, complete) from the end of the slab: its offset and its table's size. */
  takeRegion(meanRecordBytes: number, runs: number): { region: number; capacity: number } {
    const wanted = Math.ceil((this.pendingBytes / meanRecordBytes) * TABLE_MARGIN) + TABLE_SPARE_RECORDS
    const bottom = Math.max(this.fill, this.offered)
    const fits = Math.floor((this.#regionBottom - bottom - regionBytes(runs, 0) - 8) / RECORD_BYTES)
    const capacity = Math.max(0, Math.min(wanted, fits, FRAME_RECORDS_MAX))
    const region = (this.#regionBottom - regionBytes(runs, capacity)) & ~7
    this.#regionBottom = region
    this.#extents++
    return { region, capacity }
  }
}
