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
import type { Part } from './batch.ts'

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

  /** First record not taken, or the end when all fit. */
  next = 0
  events = 0
  fast = 0
  bytes = 0
  runs = 0

  /**
   * @param asLines count bytes as NDJSON sends them, blanks between records included; else a record and its comma.
   */
  constructor(words: Int32Array, asLines: boolean) {
    this.#words = words
    this.#asLines = asLines
  }

  /** Those meant of records `first` to `end`, which lie within one range: as many as there is room for. */
  measure(taken: Taken, first: number, end: number, room: Room): void {
    if (isOneRun(taken) && first < end) this.#measureOneRun(taken.frame, first, end, room)
    else this.#measureEach(taken, first, end, room)
  }

  /** Nothing to leave out and no gap: record ends ascend, so where the batch is full is found by bisection. */
  #measureOneRun(frame: Frame, first: number, end: number, room: Room): void {
    const words = this.#words
    const table = recordWord(frame.region, frame.runs, 0)
    const from = recordOffset(words[table + 4 * first]!)
    const bytesTo = (record: number) => recordEnd(words, table + 4 * record) - from + 1
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

  #measureEach({ frame, routeBit, lanes }: Taken, first: number, end: number, room: Room): void {
    const words = this.#words
    const asLines = this.#asLines
    const maxEvents = room.events
    const maxBytes = room.bytes
    let events = 0
    let fast = 0
    let bytes = 0
    let runs = 0
    let runEnd = -1
    let record = first
    let word = recordWord(frame.region, frame.runs, first)
    for (; record < end; record++, word += 4) {
      if (!isMeant(words, word, routeBit, lanes)) {
        runEnd = -1
        continue
      }
      const word0 = words[word]!
      const offset = recordOffset(word0)
      const length = recordLength(words[word + 1]!)
      const joins = runEnd !== -1 && (word0 & RECORD_BREAK) === 0
      // The line feed behind a run is counted with its last record, so a joined record pays from there on.
      const cost = joins && asLines ? offset + length - runEnd : length + 1
      if (events === maxEvents) break
      if (bytes + cost > maxBytes && !(room.evenOversize && events === 0)) break
      if (!joins) runs++
      events++
      if ((word0 & RECORD_FAST) !== 0) fast++
      bytes += cost
      runEnd = offset + length
    }
    this.next = record
    this.events = events
    this.fast = fast
    this.bytes = bytes
    this.runs = runs
  }
}

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

/** A part up to a record of the table, and what is left of it. */
export function splitPart(words: Int32Array, part: Part, record: number): [done: Part, left: Part[]] {
  const { of, first, count } = part
  return [partOf(words, of, first, record), [partOf(words, of, record, first + count)]]
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
  if (isOneRun(part.of)) {
    const table = recordWord(frame.region, frame.runs, 0)
    const last = table + 4 * (part.first + part.count - 1)
    const from = recordOffset(words[table + 4 * part.first]!)
    const hasLineFeed = (words[last]! & RECORD_LF) !== 0
    visit(frame.bytesFrom + from, frame.bytesFrom + recordEnd(words, last), hasLineFeed)
    return
  }
  let from = -1
  let to = -1
  let lineFeed = false
  let word = recordWord(frame.region, frame.runs, part.first)
  for (let record = part.first; record < part.first + part.count; record++, word += 4) {
    const word0 = words[word]!
    const meant = isMeant(words, word, routeBit, lanes)
    if (from !== -1 && (!meant || (word0 & RECORD_BREAK) !== 0)) {
      visit(from, to, lineFeed)
      from = -1
    }
    if (!meant) continue
    const offset = frame.bytesFrom + recordOffset(word0)
    if (from === -1) from = offset
    to = offset + recordLength(words[word + 1]!)
    lineFeed = (word0 & RECORD_LF) !== 0
  }
  if (from !== -1) visit(from, to, lineFeed)
}
