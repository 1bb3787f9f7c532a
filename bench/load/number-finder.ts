import { NUMBER_DIGITS } from './tally.ts'

/** Its last letter is rare in events: the native search for one byte leaps from one to the next. */
const NAME = Buffer.from('"seq')
const LAST = NAME[3]!
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const DIGIT_0 = 0x30
const NUMBERS_FIRST = 4096

/** The longest that a name, what stands between, and its number can be: so much of a piece may have to wait for the next one. */
export const WAITING_BYTES = 32

/**
 * Finds the numbers of the events of a body that comes in pieces, whatever their form: an event that is the text of
 * another one has its quotes escaped.
 */
export class NumberFinder {
  /** The first `count` of them are those of this body. */
  numbers = new Int32Array(NUMBERS_FIRST)
  count = 0
  readonly #waiting = Buffer.alloc(WAITING_BYTES)
  #waitingBytes = 0

  /** A new body. */
  begin(): void {
    this.count = 0
    this.#waitingBytes = 0
  }

  /** The next piece of it. The WAITING_BYTES before `from` are overwritten. */
  take(bytes: Buffer, from: number, to: number): void {
    const start = from - this.#waitingBytes
    for (let i = 0; i < this.#waitingBytes; i++) bytes[start + i] = this.#waiting[i]!
    const searched = this.#search(bytes, start, Math.max(start, to - WAITING_BYTES), to)
    this.#waitingBytes = to - searched
    for (let i = 0; i < this.#waitingBytes; i++) this.#waiting[i] = bytes[searched + i]!
  }

  /** No more pieces. */
  end(): void {
    this.#search(this.#waiting, 0, this.#waitingBytes, this.#waitingBytes)
    this.#waitingBytes = 0
  }

  /** Takes the names that begin before `last`; returns where to go on. */
  #search(bytes: Buffer, from: number, last: number, to: number): number {
    const ahead = NAME.length - 1
    let next = from
    for (;;) {
      const at = bytes.indexOf(LAST, next + ahead)
      if (at === -1 || at >= Math.min(last + ahead, to)) return Math.min(Math.max(next, last), to)
      const isName = bytes[at - 1] === NAME[2] && bytes[at - 2] === NAME[1] && bytes[at - 3] === NAME[0]
      next = isName ? this.#read(bytes, at + 1, to) : at + 1 - ahead
    }
  }

  /** Returns the end of the number; what is cut off, or has other letters, is none. */
  #read(bytes: Buffer, from: number, to: number): number {
    let at = from
    while (bytes[at] === QUOTE || bytes[at] === BACKSLASH || bytes[at] === COLON) at++
    const end = at + NUMBER_DIGITS
    if (end > to) return to
    let number = 0
    for (; at < end; at++) {
      const digit = bytes[at]! - DIGIT_0
      if (digit < 0 || digit > 9) return from
      number = (number * 10 + digit) | 0
    }
    if (this.count === this.numbers.length) {
      const more = new Int32Array(2 * this.count)
      more.set(this.numbers)
      this.numbers = more
    }
    this.numbers[this.count++] = number
    return end
  }
}
