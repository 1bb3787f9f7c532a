import assert from 'node:assert'
import type { Arena } from '../../memory/arena.ts'
import {
  DATAGRAM_ADDRESS_BYTES_MAX,
  DATAGRAM_HEAD_BYTES,
  EXTENT_RUNS_MAX,
  FRAME_RECORDS_MAX,
  HEADER_BYTES,
  RECORD_BYTES,
  RUN_BYTES,
  RUN_KIND,
  RUN_KIND_MASK,
  regionBytes,
} from '../../memory/frame-region.ts'
import type { Stream } from './stream.ts'

/** Ends what has no line feed of its own. */
export const LF_BYTES = Uint8Array.of(0x0a)

/** A slab is closed after so many extents: it bounds the frames that the arena can hold. */
export const EXTENTS_PER_SLAB_MAX = 1024
/** No record stands at offset 0 of the arena: where the ring names a record, 0 says none. */
const UNUSED_BYTES = 8
/** Room in the table for more records than the source's mean record length suggests. */
const TABLE_MARGIN = 1.25
const TABLE_SPARE_RECORDS = 16
/** Part of a slab that one table may take; an extent of more and smaller records goes on with a table of the reserve. */
const TABLE_SHARE_MAX = 1 / 4
/**
 * What a region leaves free above the bytes: a read that is under way, and an unfinished line behind it, must find room
 * for regions of their own, however much the table of the extent before them wanted.
 */
const LAST_REGION_RUNS = 4
const LAST_REGION_BYTES = regionBytes(LAST_REGION_RUNS, 1) + regionBytes(1, 1) + 2 * 8

const JOINED_KINDS: ReadonlySet<number> = new Set([
  RUN_KIND.LINES,
  RUN_KIND.OCTETS,
  RUN_KIND.NULS,
  RUN_KIND.DATAGRAMS,
])

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
  readonly #recordsMax: number
  #extents = 0
  runs: Run[] = []
  /** A request has ended in it: don't wait for more. */
  urgent = false
  /** Its oldest bytes have waited for `linger`. */
  due = false

  constructor(arena: Arena, slab: number) {
    this.#arena = arena
    this.slab = slab
    this.fill = this.complete = this.cutFrom = arena.slabStart(slab) + UNUSED_BYTES
    this.end = this.#regionBottom = arena.slabStart(slab) + arena.slabBytes
    this.#recordsMax = Math.min(
      FRAME_RECORDS_MAX,
      Math.floor((arena.slabBytes * TABLE_SHARE_MAX) / RECORD_BYTES),
    )
  }

  /** Whole records not yet handed over, in bytes. */
  get pendingBytes(): number {
    return this.complete - this.cutFrom
  }

  /** No extent was cut from it yet. */
  get fresh(): boolean {
    return this.#extents === 0
  }

  /** Bytes that can be added so that the frame region of what is pending still fits; `runs` more runs may begin. */
  room(meanRecordBytes: number, runs: number): number {
    if (this.#extents >= EXTENTS_PER_SLAB_MAX || this.runs.length + runs > EXTENT_RUNS_MAX) return 0
    const perByte = (RECORD_BYTES * TABLE_MARGIN) / meanRecordBytes
    // Twice: what is pending may be cut while the kernel still writes to the room it was given.
    const fixed =
      2 *
      (HEADER_BYTES + (this.runs.length + runs) * RUN_BYTES + (TABLE_SPARE_RECORDS + 1) * RECORD_BYTES + 8)
    const free = this.#regionBottom - this.fill - fixed - LAST_REGION_BYTES
    const withTableByMean = (free - (this.fill - this.cutFrom) * perByte) / (1 + perByte)
    const withLargestTable = free - this.#recordsMax * RECORD_BYTES
    return Math.max(0, Math.floor(Math.max(withTableByMean, withLargestTable)))
  }

  /** The bytes of so many records fill a table: cut before. */
  extentBytesMax(meanRecordBytes: number): number {
    return (this.#recordsMax / TABLE_MARGIN) * meanRecordBytes
  }

  append(bytes: Uint8Array): void {
    const from = this.fill
    this.fill += bytes.length
    assert(this.fill <= this.#regionBottom, 'bytes stay below the regions')
    // `fill` copies with memcpy; `set` into shared memory goes word by word, at a fifth of the speed.
    if (bytes.length > 0) this.#arena.nodeBuffer.fill(bytes, from, this.fill)
  }

  /** A datagram with its sender, as a run of DATAGRAMS holds it; it is whole. */
  appendDatagram(payload: Uint8Array, address: string, port: number): void {
    const { bytes } = this.#arena
    const at = this.fill
    const addressFrom = at + DATAGRAM_HEAD_BYTES
    const addressBytes = Math.min(address.length, DATAGRAM_ADDRESS_BYTES_MAX)
    for (let i = 0; i < addressBytes; i++) bytes[addressFrom + i] = address.charCodeAt(i)
    bytes[at] = payload.length & 0x7f
    bytes[at + 1] = (payload.length >> 7) & 0x7f
    bytes[at + 2] = payload.length >> 14
    bytes[at + 3] = port & 0x7f
    bytes[at + 4] = (port >> 7) & 0x7f
    bytes[at + 5] = port >> 14
    bytes[at + 6] = addressBytes
    bytes.set(payload, addressFrom + addressBytes)
    this.fill = this.complete = addressFrom + addressBytes + payload.length
    assert(this.fill <= this.#regionBottom, 'bytes stay below the regions')
  }

  /** Everything written from now on, or from `from`, belongs to this stream. */
  beginRun(stream: Stream, kind: number, from = this.fill): Run {
    const last = this.runs[this.runs.length - 1]
    if (last !== undefined && last.stream === stream && joins(kind, last.kind)) return last
    const run = { from, stream, kind, state: 0, length: 0 }
    this.runs.push(run)
    return run
  }

  /** Takes the region for an extent of [cutFrom, complete) from the end of the slab: its offset and its table's size. */
  takeRegion(meanRecordBytes: number, runs: number): { region: number; capacity: number } {
    const wanted = Math.ceil((this.pendingBytes / meanRecordBytes) * TABLE_MARGIN) + TABLE_SPARE_RECORDS
    const bottom = Math.max(this.fill, this.offered)
    const spare = this.#regionBottom - bottom - regionBytes(runs, 0) - 8
    const fits = Math.floor(Math.max(spare - LAST_REGION_BYTES, Math.min(spare, RECORD_BYTES)) / RECORD_BYTES)
    const capacity = Math.max(0, Math.min(wanted, fits, this.#recordsMax))
    const region = (this.#regionBottom - regionBytes(runs, capacity)) & ~7
    assert(region >= bottom, 'a region lies above the bytes')
    this.#regionBottom = region
    this.#extents++
    return { region, capacity }
  }
}

/** Whole records of one stream that follow each other are one run. */
function joins(kind: number, before: number): boolean {
  return kind === (before & RUN_KIND_MASK) && JOINED_KINDS.has(kind)
}
