/**
 * The last step of an extent: its bytes become those of a frame. Between neighbouring accepted records there is then
 * nothing but blanks and one line feed, so that they can be sent as one run; where something else lies, a record says so
 * with RECORD_BREAK. Raw line breaks inside a record become blanks. Bytes at or behind CONSUMED are not touched.
 *
 * This destroys what the framing was (a comma becomes a line feed), so it must not begin before all answers stand, and
 * an extent whose worker died in the middle of it can't be framed anew. Therefore everything here works from shared
 * memory alone, and doing it again, from any point where it broke off, ends with the same bytes.
 */
import type { Arena } from '../memory/arena.ts'
import { ENTRY, REJECT_CATEGORIES, SEVERITIES, STATE } from '../memory/extent-ring.ts'
import type { ExtentRing } from '../memory/extent-ring.ts'
import { bodyChecksum } from '../memory/frame-checksum.ts'
import {
  FRAME_KIND,
  FRAME_MAGIC,
  FRAME_VERSION,
  HEADER,
  HEADER_BYTES,
  MARK_RAW_BREAKS,
  MARK_STRUCTURAL,
  RECORD_BREAK,
  RECORD_LF,
  RUN,
  recordLength,
  recordOffset,
  recordWord,
  runWord,
} from '../memory/frame-region.ts'

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const OFFSET_BITS = 0xffffff

/**
 * The frame's header, from what was answered in the ring entry; also of a part without accepted records, for its counts.
 * What it says of the frame's place in the log is the main thread's.
 */
export function writeHeader(arena: Arena, ring: ExtentRing, entry: number, source: number): void {
  const { words, doubles } = arena
  const answer = ring.base(entry)
  const header = ring.words[answer + ENTRY.REGION]! >> 2
  words.fill(0, header, header + HEADER_BYTES / 4)
  words[header + HEADER.MAGIC] = FRAME_MAGIC
  words[header + HEADER.VERSION] = FRAME_VERSION
  words[header + HEADER.KIND] = FRAME_KIND.EVENTS
  words[header + HEADER.SOURCE] = source
  words[header + HEADER.RECORDS] = ring.words[answer + ENTRY.ACCEPTED]!
  words[header + HEADER.FAST] = ring.words[answer + ENTRY.FAST]!
  words[header + HEADER.BREAKS] = ring.words[answer + ENTRY.BREAKS]!
  const decodedFrom = ring.words[answer + ENTRY.DECODE_FROM]!
  const from = ring.words[answer + ENTRY.FROM]!
  words[header + HEADER.BYTES_FROM] = decodedFrom === 0 ? from : decodedFrom
  words[header + HEADER.RECEIVED_BYTES] =
    ring.words[answer + ENTRY.CONSUMED]! - from - ring.words[answer + ENTRY.HEAD_BYTES]!
  for (let i = 0; i < REJECT_CATEGORIES.length; i++)
    words[header + HEADER.REJECTED_BY + i] = ring.words[answer + ENTRY.REJECTED_BY + i]!
  for (let i = 0; i < SEVERITIES; i++)
    words[header + HEADER.SHED_BY + i] = ring.words[answer + ENTRY.SHED_BY + i]!
  words[header + HEADER.RUNS] = ring.words[answer + ENTRY.RUNS]!
  doubles[(header + HEADER.FIRST_TIME) >> 1] = ring.doubles[(answer + ENTRY.FIRST_TIME) >> 1]!
  doubles[(header + HEADER.LAST_TIME) >> 1] = ring.doubles[(answer + ENTRY.LAST_TIME) >> 1]!
  doubles[(header + HEADER.RECEIVED_AT) >> 1] = ring.doubles[(answer + ENTRY.RECEIVED_AT) >> 1]!
}

/** Tidies the frame of an entry that is SEALING, which is then DONE. On any thread, and again where one broke off. */
export function finishSeal(arena: Arena, ring: ExtentRing, entry: number): void {
  tidy(arena, ring, entry)
  closeFrame(arena, ring, entry)
}

/** The last words of a frame whose bytes are as they will be; its entry is DONE. */
export function closeFrame(arena: Arena, ring: ExtentRing, entry: number): void {
  const word = ring.base(entry)
  const region = ring.words[word + ENTRY.REGION]!
  const header = region >> 2
  arena.words[header + HEADER.BYTES] = bytesOfRecords(arena, region)
  if (ring.words[word + ENTRY.CHECKSUM] === 1) {
    const bytesFrom = arena.words[header + HEADER.BYTES_FROM]!
    arena.words[header + HEADER.BODY_CRC] = bodyChecksum(arena, region, bytesFrom)
  }
  ring.setState(entry, STATE.DONE)
}

/** Up to the last record and its line feed: what was refused behind it is no part of the frame. */
function bytesOfRecords({ words }: Arena, region: number): number {
  const header = region >> 2
  const records = words[header + HEADER.RECORDS]!
  if (records === 0) return 0
  const last = recordWord(region, words[header + HEADER.RUNS]!, records - 1)
  const end = recordOffset(words[last]!) + recordLength(words[last + 1]!)
  return (words[last]! & RECORD_LF) === 0 ? end : end + 1
}

function tidy(arena: Arena, ring: ExtentRing, entry: number): void {
  const word = ring.base(entry)
  const frame = {
    region: ring.words[word + ENTRY.REGION]!,
    runs: ring.words[word + ENTRY.RUNS]!,
    records: ring.words[word + ENTRY.ACCEPTED]!,
    from: ring.words[word + ENTRY.FROM]!,
    to: ring.words[word + ENTRY.CONSUMED]!,
  }
  tidyRecords(arena, frame)
  // A frame is never smaller than its records, so gaps come from what was left out, or from a client's blanks.
  if (ring.words[word + ENTRY.RECORDS]! > frame.records && gapsPrevail(arena, frame)) {
    ring.words[word + ENTRY.BREAKS] = compact(arena, frame)
  }
}

interface SealedFrame {
  readonly region: number
  readonly runs: number
  readonly records: number
  /** Absolute, of the bytes that the frame is made of. */
  readonly from: number
  readonly to: number
}

/** Does what the records are marked for, and takes the marks off. */
function tidyRecords(arena: Arena, { region, runs, records, from, to }: SealedFrame): void {
  const { words, bytes } = arena
  for (let i = 0; i < records; i++) {
    const word = recordWord(region, runs, i)
    const marks = words[word + 1]! & ~OFFSET_BITS
    const next = word + 4
    const isLast = i + 1 === records
    if (marks === 0 && (isLast || (words[next + 1]! & MARK_STRUCTURAL) === 0)) continue
    const start = from + recordOffset(words[word]!)
    const end = start + recordLength(words[word + 1]!)
    if ((marks & MARK_RAW_BREAKS) !== 0) blankLineBreaks(bytes, start, end)
    const gapEnd = isLast ? to : from + recordOffset(words[next]!)
    // No byte lies between `{}{}`: such neighbours are not sent as one.
    if (end < gapEnd) {
      bytes[end] = LF
      words[word]! |= RECORD_LF
      if (!isLast && (words[next]! & RECORD_BREAK) === 0) bytes.fill(SPACE, end + 1, gapEnd)
    }
    words[word + 1]! &= OFFSET_BITS
  }
}

function blankLineBreaks(bytes: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    if (bytes[at] === LF || bytes[at] === CR) bytes[at] = SPACE
  }
}

function gapsPrevail(arena: Arena, { region, runs, records, from, to }: SealedFrame): boolean {
  let recordBytes = 0
  for (let i = 0; i < records; i++) recordBytes += recordLength(arena.words[recordWord(region, runs, i) + 1]!)
  return records > 0 && recordBytes * 2 < to - from
}

/**
 * Moves records together. One that would overlap its old place stays where it is, so that a move can be done again: the
 * gap before it is then smaller than the record, and the gaps are still less than half of what is left. Returns the
 * count of breaks.
 */
function compact(arena: Arena, { region, runs, records, from, to: frameEnd }: SealedFrame): number {
  const { words, bytes } = arena
  let to = from
  let run = 0
  let breaks = 0
  for (let i = 0; i < records; i++) {
    const word = recordWord(region, runs, i)
    const start = from + recordOffset(words[word]!)
    const length = recordLength(words[word + 1]!)
    const moves = start - to > length
    const target = moves ? to : start
    // The peer of a record is that of the last run at or before it: the runs move with their records.
    for (; run < runs && runFrom(words, region, run) <= start; run++) {
      words[runWord(region, run) + RUN.FROM] = Math.min(target, runFrom(words, region, run))
    }
    if (moves) {
      bytes.copyWithin(target, start, start + length)
      words[word] = (words[word]! & ~OFFSET_BITS) | (target - from)
    }
    const end = target + length
    const gapEnd = i + 1 === records ? frameEnd : from + recordOffset(words[word + 4]!)
    const hasRoom = end < gapEnd
    if (hasRoom) bytes[end] = LF
    const joined = i > 0 && target === to && bytes[to - 1] === LF
    if (i > 0 && !joined) breaks++
    words[word] =
      (words[word]! & ~(RECORD_BREAK | RECORD_LF)) |
      (i > 0 && !joined ? RECORD_BREAK : 0) |
      (hasRoom ? RECORD_LF : 0)
    to = hasRoom ? end + 1 : end
  }
  words[(region >> 2) + HEADER.BREAKS] = breaks
  return breaks
}

function runFrom(words: Int32Array, region: number, run: number): number {
  return words[runWord(region, run) + RUN.FROM]!
}
