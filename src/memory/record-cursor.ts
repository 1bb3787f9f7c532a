import { RECORD_BREAK, isMeant, recordWord } from './frame-region.ts'

/** Which records of a frame's table are chosen, and where it is. */
export interface RecordChoice {
  readonly region: number
  readonly runs: number
  /** First record and how many follow, of which those are chosen that are meant by route bit and lanes (`isMeant`). */
  readonly first: number
  readonly count: number
  /** Where set, exactly these: indexes in the table, ascending. */
  readonly pick: Uint16Array | null
  readonly routeBit: number
  readonly lanes: number
}

/** Goes from one chosen record to the next. Stands before the first at first; what it says holds after `next` was true. */
export class RecordCursor {
  /** Index in the table. */
  record = -2
  /** Where its words begin. */
  word = 0
  /** It follows the chosen record before, and what lies between the two can be sent. */
  joins = false

  readonly #words: Int32Array
  readonly #table: number
  readonly #pick: Uint16Array | null
  readonly #routeBit: number
  readonly #lanes: number
  /** Of the records to look at: an index in the table, or a place in the pick. */
  #next: number
  readonly #end: number

  constructor(words: Int32Array, { region, runs, first, count, pick, routeBit, lanes }: RecordChoice) {
    this.#words = words
    this.#table = recordWord(region, runs, 0)
    this.#pick = pick
    this.#routeBit = routeBit
    this.#lanes = lanes
    this.#next = pick === null ? first : 0
    this.#end = pick === null ? first + count : pick.length
  }

  next(): boolean {
    const words = this.#words
    const pick = this.#pick
    while (this.#next < this.#end) {
      const next = this.#next++
      const record = pick === null ? next : pick[next]!
      const word = this.#table + 4 * record
      if (pick === null && !isMeant(words, word, this.#routeBit, this.#lanes)) continue
      this.joins = record === this.record + 1 && (words[word]! & RECORD_BREAK) === 0
      this.record = record
      this.word = word
      return true
    }
    return false
  }
}
