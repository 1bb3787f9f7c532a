import { crc32 } from 'node:zlib'
import { REJECT_CATEGORIES, SEVERITIES } from '../memory/extent-ring.ts'
import {
  EXTENT_RUNS_MAX,
  FRAME_KIND,
  FRAME_MAGIC,
  FRAME_RECORDS_MAX,
  FRAME_VERSION,
  HEADER,
  HEADER_BYTES,
  frameBytes,
  regionBytes,
} from '../memory/frame-region.ts'
import { readMeantFor } from '../memory/meant-for.ts'
import { readEpoch, readU64, writeEpoch, writeU64 } from '../memory/wide-words.ts'
import { parseCheckpoint } from './checkpoint-schema.ts'
import type { Checkpoint } from './checkpoint.ts'

/** Offsets of records have 24 bits. */
export const FRAME_BODY_BYTES_MAX = 1 << 24
/** Most bytes of a frame in a file. */
export const FRAME_BYTES_MAX = frameBytes(EXTENT_RUNS_MAX, FRAME_RECORDS_MAX, FRAME_BODY_BYTES_MAX)

const HEAD_CRC_BYTES = HEADER.HEAD_CRC * 4

export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND]
const KINDS: readonly FrameKind[] = Object.values(FRAME_KIND)

/** Memory with frames in it, seen in three ways; an Arena is one. Offsets are in bytes, those of frames multiples of 8. */
export interface FrameMemory {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly doubles: Float64Array
}

/** What a frame's header says (src/memory/frame-region.ts), once its checksum was found right. */
export interface FrameHead {
  readonly kind: FrameKind
  readonly sequence: number
  /** Index in the checkpoint of the frame's segment. */
  readonly source: number
  readonly records: number
  readonly fast: number
  readonly breaks: number
  /** Where its first byte was in the arena that it was made in: the runs' offsets are told by their distance to it. */
  readonly bytesFrom: number
  readonly bytes: number
  readonly runs: number
  readonly segment: number
  /** 16 hexadecimal digits. */
  readonly epoch: string
  readonly firstTimeMs: number
  readonly lastTimeMs: number
  readonly receivedAtMs: number
  readonly receivedBytes: number
  /** Of a DEFERRED frame: index in the checkpoint. */
  readonly sink: number
  /** By index of REJECT_CATEGORIES. */
  readonly rejected: readonly number[]
  /** By severity. */
  readonly shed: readonly number[]
  /** Of a DEFERRED frame. */
  readonly originEpoch: string
  readonly originSequence: number
  readonly acceptedBefore: number
  /** Sinks that it names; null: it is for all that read its source. */
  readonly meantFor: readonly number[] | null
  /** What the frame takes in the file, padding included. */
  readonly frameBytes: number
}

/** A buffer for frames, from offset 0. */
export function newFrameMemory(length: number): FrameMemory {
  const buffer = new ArrayBuffer((length + 7) & ~7)
  return {
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
  }
}

/** Puts HEAD_CRC into a header whose other words all stand. Rewriting a word (SEGMENT) takes sealing again. */
export function sealHead(bytes: Uint8Array, at: number): void {
  const crc = crc32(bytes.subarray(at, at + HEAD_CRC_BYTES))
  for (let i = 0; i < 4; i++) bytes[at + HEAD_CRC_BYTES + i] = crc >>> (8 * i)
}

/** BODY_CRC of views that together are runs, table and bytes; `before` is that of what stands before them. */
export function bodyCrc(views: readonly Uint8Array[], before = 0): number {
  let crc = before
  for (const view of views) crc = crc32(view, crc)
  return crc
}

/** The header at `at`, all of which is in memory; null where magic, version, checksum or bounds are wrong. */
export function readHead(
  words: Int32Array,
  doubles: Float64Array,
  bytes: Uint8Array,
  at: number,
): FrameHead | null {
  const w = at >> 2
  if (words[w + HEADER.MAGIC] !== FRAME_MAGIC || words[w + HEADER.VERSION] !== FRAME_VERSION) return null
  const crc = crc32(bytes.subarray(at, at + HEAD_CRC_BYTES))
  const kind = KINDS.find((known) => known === words[w + HEADER.KIND])
  if (words[w + HEADER.HEAD_CRC]! >>> 0 !== crc || kind === undefined) return null
  const head: FrameHead = {
    kind,
    sequence: readU64(words, w + HEADER.SEQUENCE),
    source: words[w + HEADER.SOURCE]!,
    records: words[w + HEADER.RECORDS]!,
    fast: words[w + HEADER.FAST]!,
    breaks: words[w + HEADER.BREAKS]!,
    bytesFrom: words[w + HEADER.BYTES_FROM]!,
    bytes: words[w + HEADER.BYTES]!,
    runs: words[w + HEADER.RUNS]!,
    segment: words[w + HEADER.SEGMENT]! >>> 0,
    epoch: readEpoch(words, w + HEADER.EPOCH),
    firstTimeMs: doubles[(w + HEADER.FIRST_TIME) >> 1]!,
    lastTimeMs: doubles[(w + HEADER.LAST_TIME) >> 1]!,
    receivedAtMs: doubles[(w + HEADER.RECEIVED_AT) >> 1]!,
    receivedBytes: words[w + HEADER.RECEIVED_BYTES]! >>> 0,
    sink: words[w + HEADER.SINK]!,
    rejected: [...words.subarray(w + HEADER.REJECTED_BY, w + HEADER.REJECTED_BY + REJECT_CATEGORIES.length)],
    shed: [...words.subarray(w + HEADER.SHED_BY, w + HEADER.SHED_BY + SEVERITIES)],
    originEpoch: readEpoch(words, w + HEADER.ORIGIN_EPOCH),
    originSequence: readU64(words, w + HEADER.ORIGIN_SEQUENCE),
    acceptedBefore: doubles[(w + HEADER.ACCEPTED_BEFORE) >> 1]!,
    meantFor: readMeantFor(words, w),
    frameBytes: frameBytes(words[w + HEADER.RUNS]!, words[w + HEADER.RECORDS]!, words[w + HEADER.BYTES]!),
  }
  return withinBounds(head) ? head : null
}

/** A checksum that fits by chance, or by malice, must not lead beyond memory. */
function withinBounds(head: FrameHead): boolean {
  return (
    Number.isSafeInteger(head.sequence) &&
    Number.isSafeInteger(head.originSequence) &&
    between(head.records, FRAME_RECORDS_MAX) &&
    between(head.runs, EXTENT_RUNS_MAX) &&
    between(head.bytes, FRAME_BODY_BYTES_MAX) &&
    between(head.fast, head.records) &&
    between(head.breaks, head.records) &&
    Number.isSafeInteger(head.acceptedBefore) &&
    head.acceptedBefore >= 0 &&
    head.rejected.every((count) => count >= 0) &&
    head.shed.every((count) => count >= 0)
  )
}

function between(count: number, max: number): boolean {
  return count >= 0 && count <= max
}

/** Runs, table and bytes of the frame at `at`, all of which is in memory: does BODY_CRC fit? */
export function bodyIsWhole(bytes: Uint8Array, at: number, head: FrameHead): boolean {
  const body = bytes.subarray(at + HEADER_BYTES, at + frameBodyEnd(head))
  return crc32(body) === storedBodyCrc(bytes, at)
}

/** Distance from a frame's begin to the end of its bytes, without the padding. */
export function frameBodyEnd(head: FrameHead): number {
  return regionBytes(head.runs, head.records) + head.bytes
}

/** What the header at `at` says that the CRC of the body is. */
export function storedBodyCrc(bytes: Uint8Array, at: number): number {
  let crc = 0
  for (let i = 3; i >= 0; i--) crc = crc * 256 + bytes[at + HEADER.BODY_CRC * 4 + i]!
  return crc
}

/** A segment's first frame, complete with its checksums. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const json = Buffer.from(JSON.stringify(checkpoint))
  const { bytes, words, doubles } = newFrameMemory(frameBytes(0, 0, json.length))
  words[HEADER.MAGIC] = FRAME_MAGIC
  words[HEADER.VERSION] = FRAME_VERSION
  words[HEADER.KIND] = FRAME_KIND.CHECKPOINT
  words[HEADER.BYTES] = json.length
  words[HEADER.SEGMENT] = checkpoint.segment
  writeU64(words, HEADER.SEQUENCE, checkpoint.sequence)
  writeEpoch(words, HEADER.EPOCH, checkpoint.epoch)
  doubles[HEADER.RECEIVED_AT >> 1] = Date.parse(checkpoint.createdAt)
  bytes.set(json, HEADER_BYTES)
  words[HEADER.BODY_CRC] = bodyCrc([json])
  sealHead(bytes, 0)
  return bytes
}

/** The checkpoint in a frame whose body is whole; null where it is none of this version, or not of its frame. */
export function decodeCheckpoint(bytes: Uint8Array, at: number, head: FrameHead): Checkpoint | null {
  if (head.kind !== FRAME_KIND.CHECKPOINT) return null
  // A copy: text decoders refuse shared memory.
  const json = Buffer.from(bytes.slice(at + HEADER_BYTES, at + frameBodyEnd(head))).toString()
  const checkpoint = parseCheckpoint(json)
  if (checkpoint === null || checkpoint.segment !== head.segment) return null
  return checkpoint.sequence === head.sequence && checkpoint.epoch === head.epoch ? checkpoint : null
}
