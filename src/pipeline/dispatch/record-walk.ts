/**
 * Walks over record tables: which records of a taken frame are meant, how many of them a batch can take, and where their
 * bytes lie. Reads the words of the table only, never an event's bytes.
 */
import type { Frame } from '../../journal/frame.ts'
import type { Taken } from '../../journal/log.ts'
import {
  LANES_BOTH,
  LANES_FAST,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  isMeant,
  recordLength,
  recordOffset,
  recordWord,
} from '../../memory/frame-region.ts'
import { RecordCursor } from '../../memory/record-cursor.ts'
import type { RecordChoice } from '../../memory/record-cursor.ts'
import type { Part } from './batch.ts'

/** `]` and `[` less the comma that no event follows. */
export const JSON_ARRAY_EXTRA_BYTES = 1

export interface Room {
  readonly events: number
  readonly bytes: number
  /** The first record is taken even if it is longer than `bytes`. */
  readonly evenOversize: boolean
}

/**
 * Measures how much of a frame fits into a batch. The result is in the fields until the next call: a frame can have
 * 16,384 records and this runs for all of them, so nothing is allocated.
 *
 * A run is a stretch of the arena that can be sent as it is: it breaks at RECORD_BREAK, at a record that is
 * left out and at the frame's border. Between the records of a run lie blanks and one line feed.
 */
export class RecordWalk {
  readonly #words: Int32Array
  readonly #asLines: boolean
  readonly #overheadBytes: number

  /** First record not taken, or the end when all fit; of a pick, the place in it. */
  next = 0
  events = 0
  fast = 0
  bytes = 0
  runs = 0

  /**
   * @param asLines count bytes as NDJSON sends them, blanks between records included; else a record and its comma.
   * @param overheadBytes what each event is sent with beside its own bytes, at most.
   */
  constructor(words: Int32Array, asLines: boolean, overheadBytes = 0) {
    this.#words = words
    this.#asLines = asLines
    this.#overheadBytes = overheadBytes
  }

  /** Those meant of records `first` to `end`, which lie within one range: as many as there is room for. */
  measure(taken: Taken, first: number, end: number, room: Room): void {
    if (isOneRun(taken) && first < end) this.#measureOneRun(taken.frame, first, end, room)
    else this.#measureEach(taken, null, first, end, room)
  }

  /** Records of a pick, all of which are meant, from its place `from` on: as many as there is room for. */
  measurePick(taken: Taken, pick: Uint16Array, from: number, room: Room): void {
    this.#measureEach(taken, pick, from, pick.length, room)
  }

  /** All of a part. */
  measurePart({ of, first, count, pick }: Part): void {
    if (pick === null) this.measure(of, first, first + count, WHOLE)
    else this.measurePick(of, pick, 0, WHOLE)
  }

  /** Nothing to leave out and no gap: record ends ascend, so where the batch is full is found by bisection. */
  #measureOneRun(frame: Frame, first: number, end: number, room: Room): void {
    const words = this.#words
    const overheadBytes = this.#overheadBytes
    const table = recordWord(frame.region, frame.runs, 0)
    const from = recordOffset(words[table + 4 * first]!)
    const bytesTo = (record: number) =>
      recordEnd(words, table + 4 * record) - from + 1 + (record + 1 - first) * overheadBytes
    let fits = first
    let next = Math.min(end, first + room.events)
    if (next > first && bytesTo(next - 1) <= room.bytes) fits = next
    while (fits < next) {
      const middle = (fits + next) >> 1
      if (bytesTo(middle) <= room.bytes) fits = middle + 1
      else next = middle
    }
    if (fits === first && room.evenOversize) fits = Math.min(end, first + 1)
    this.next = fits
    this.events = fits - first
    this.bytes = fits > first ? bytesTo(fits - 1) : 0
    this.runs = fits > first ? 1 : 0
    this.fast = fits - first === frame.records ? frame.fast : this.#countFast(frame, first, fits)
  }

  #countFast(frame: Frame, first: number, end: number): number {
    if (frame.fast === 0) return 0
    if (frame.fast === frame.records) return end - first
    let fast = 0
    const table = recordWord(frame.region, frame.runs, 0)
    for (let record = first; record < end; record++)
      if ((this.#words[table + 4 * record]! & RECORD_FAST) !== 0) fast++
    return fast
  }

  /** `from` and `to` are places in the pick, or without one in the table. */
  #measureEach(
    { frame, routeBit, lanes }: Taken,
    pick: Uint16Array | null,
    from: number,
    to: number,
    room: Room,
  ): void {
    const words = this.#words
    const asLines = this.#asLines
    const overheadBytes = this.#overheadBytes
    const table = recordWord(frame.region, frame.runs, 0)
    const maxEvents = room.events
    const maxBytes = room.bytes
    let events = 0
    let fast = 0
    let bytes = 0
    let runs = 0
    let runEnd = 0
    let before = NO_RECORD
    let place = from
    for (; place < to; place++) {
      const record = pick === null ? place : pick[place]!
      const word = table + 4 * record
      if (pick === null && !isMeant(words, word, routeBit, lanes)) continue
      const word0 = words[word]!
      const offset = recordOffset(word0)
      const length = recordLength(words[word + 1]!)
      const joins = record === before + 1 && (word0 & RECORD_BREAK) === 0
      // The line feed behind a run is counted with its last record, so a joined record pays from there on.
      const cost = overheadBytes + (joins && asLines ? offset + length - runEnd : length + 1)
      if (events === maxEvents) break
      if (bytes + cost > maxBytes && !(room.evenOversize && events === 0)) break
      if (!joins) runs++
      events++
      if ((word0 & RECORD_FAST) !== 0) fast++
      bytes += cost
      runEnd = offset + length
      before = record
    }
    this.next = place
    this.events = events
    this.fast = fast
    this.bytes = bytes
    this.runs = runs
  }
}

/** No record follows it. */
const NO_RECORD = -2

/** All records are meant, and nothing lies between them that can't be sent. */
function isOneRun({ frame, lanes, routeBit }: Taken): boolean {
  if (routeBit !== 0 || frame.breaks !== 0) return false
  if (lanes === LANES_BOTH) return true
  return frame.fast === (lanes === LANES_FAST ? frame.records : 0)
}

function recordEnd(words: Int32Array, word: number): number {
  return recordOffset(words[word]!) + recordLength(words[word + 1]!)
}

const WHOLE: Room = { events: Infinity, bytes: Infinity, evenOversize: true }

/** The records `first` to `end` of what was taken, within one range, as a part of a batch. */
export function partOf(words: Int32Array, of: Taken, first: number, end: number): Part {
  const walk = new RecordWalk(words, true)
  walk.measure(of, first, end, WHOLE)
  return { of, first, count: end - first, pick: null, events: walk.events, fast: walk.fast }
}

/** Single records of what was taken, all of them meant, as a part of a batch that keeps the pick; null for none. */
export function pickPart(words: Int32Array, of: Taken, pick: Uint16Array): Part | null {
  if (pick.length === 0) return null
  const { frame } = of
  const first = pick[0]!
  const count = pick.at(-1)! + 1 - first
  let fast = frame.fast === frame.records ? pick.length : 0
  if (frame.fast > 0 && fast === 0) {
    const table = recordWord(frame.region, frame.runs, 0)
    for (const record of pick) if ((words[table + 4 * record]! & RECORD_FAST) !== 0) fast++
  }
  return { of, first, count, pick, events: pick.length, fast }
}

/** A part up to a record of the table, and what is left of it. */
export function splitPart(words: Int32Array, part: Part, record: number): [done: Part, left: Part[]] {
  const { of, first, count, pick } = part
  if (pick === null) return [partOf(words, of, first, record), [partOf(words, of, record, first + count)]]
  let place = 0
  while (place < pick.length && pick[place]! < record) place++
  const left = pickPart(words, of, pick.slice(place))
  const done = pickPart(words, of, pick.slice(0, place)) ?? partOf(words, of, first, first)
  return [done, left === null ? [] : [left]]
}

/** Where a part's records are, for whoever walks over them. */
export function choiceOf({ of, first, count, pick }: Part): RecordChoice {
  const { region, runs } = of.frame
  return { region, runs, first, count, pick, routeBit: of.routeBit, lanes: of.lanes }
}

/** The records of a part that are meant, as indexes in the table, in order: a pick of all of it. */
export function recordsOf(words: Int32Array, part: Part): Uint16Array {
  if (part.pick !== null) return part.pick.slice()
  const records = new Uint16Array(part.events)
  const cursor = new RecordCursor(words, choiceOf(part))
  for (let place = 0; cursor.next(); place++) records[place] = cursor.record
  return records
}

/**
 * What a batch of these parts is: bytes as sent without compression, or a little more, and runs.
 *
 * @param asLines as NDJSON, else as an array.
 * @param overheadBytes what each event is sent with beside its own bytes, at most.
 */
export function measureParts(
  words: Int32Array,
  parts: readonly Part[],
  asLines: boolean,
  overheadBytes = 0,
): { bytes: number; runs: number } {
  const walk = new RecordWalk(words, asLines, overheadBytes)
  let bytes = asLines ? 0 : JSON_ARRAY_EXTRA_BYTES
  let runs = 0
  for (const part of parts) {
    walk.measurePart(part)
    bytes += walk.bytes
    runs += walk.runs
  }
  return { bytes, runs }
}

/**
 * Puts the runs of a part before `visit`: absolute offsets of the first byte and of the end, and whether the byte at the
 * end is the line feed that belongs to it.
 */
export function forEachRun(
  words: Int32Array,
  part: Part,
  visit: (from: number, to: number, lineFeed: boolean) => void,
): void {
  const { frame, routeBit, lanes } = part.of
  const { first, count, pick } = part
  const table = recordWord(frame.region, frame.runs, 0)
  if (pick === null && isOneRun(part.of)) {
    const last = table + 4 * (first + count - 1)
    const from = recordOffset(words[table + 4 * first]!)
    const hasLineFeed = (words[last]! & RECORD_LF) !== 0
    visit(frame.bytesFrom + from, frame.bytesFrom + recordEnd(words, last), hasLineFeed)
    return
  }
  let from = -1
  let to = -1
  let lineFeed = false
  let before = NO_RECORD
  const places = pick === null ? count : pick.length
  for (let place = 0; place < places; place++) {
    const record = pick === null ? first + place : pick[place]!
    const word = table + 4 * record
    if (pick === null && !isMeant(words, word, routeBit, lanes)) continue
    const word0 = words[word]!
    const offset = frame.bytesFrom + recordOffset(word0)
    if (record !== before + 1 || (word0 & RECORD_BREAK) !== 0) {
      if (from !== -1) visit(from, to, lineFeed)
      from = offset
    }
    to = offset + recordLength(words[word + 1]!)
    lineFeed = (word0 & RECORD_LF) !== 0
    before = record
  }
  if (from !== -1) visit(from, to, lineFeed)
}
