/**
 * Finds the end of a JSON value by its nesting alone: strings are passed over, brackets are counted, nothing else is
 * looked at. In constant memory for a value of any length and depth, over as many pieces as it comes in; for a value
 * that is too long or too deep to be a record, so its grammar doesn't matter any more.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What a byte means outside of strings. */
const PLAIN = 0
/** Ends a number or a name. */
const SEPARATES = 1
const STRING = 2
const OPENS = 3
const CLOSES = 4

const MEANING = new Uint8Array(256)
for (const [characters, meaning] of [
  ['"', STRING],
  ['[{', OPENS],
  [']}', CLOSES],
  [' \t\r\n,:', SEPARATES],
] as const) {
  for (const character of characters) MEANING[character.charCodeAt(0)] = meaning
}

const MARKS_STRING = new Uint8Array(256)
MARKS_STRING[QUOTE] = 1
MARKS_STRING[BACKSLASH] = 1

/** More open containers can't be kept between two pieces. */
const DEPTH_MAX = (1 << 21) - 1
const DEPTH_SHIFT = 2
const IN_STRING = 1
const ESCAPED = 2

export const UNENDED = -1

export class Nesting {
  #depth = 0
  #inString = false
  /** The byte before, in a string, was a backslash. */
  #escaped = false

  /** Begins a value, whose first byte comes next; or goes on within so many open containers. */
  begin(depth = 0): void {
    this.#depth = depth
    this.#inString = false
    this.#escaped = false
  }

  /** What must be kept until the next piece, 23 bits, never 0 within a string or container; -1: too deep to be kept. */
  get state(): number {
    if (this.#depth > DEPTH_MAX) return -1
    return (this.#depth << DEPTH_SHIFT) | (this.#inString ? IN_STRING : 0) | (this.#escaped ? ESCAPED : 0)
  }

  /** Goes on in a value, from a state. */
  restore(state: number): void {
    this.#depth = state >>> DEPTH_SHIFT
    this.#inString = (state & IN_STRING) !== 0
    this.#escaped = (state & ESCAPED) !== 0
  }

  /** Offset just behind the value that goes on at `at`, or UNENDED: it runs on at `to`. */
  pass(bytes: Uint8Array, at: number, to: number): number {
    for (;;) {
      if (this.#inString) {
        at = this.#passString(bytes, at, to)
        if (at === UNENDED || this.#depth === 0) return at
      }
      if (this.#depth > 0) while (at < to && MEANING[bytes[at]!]! <= SEPARATES) at++
      else while (at < to && MEANING[bytes[at]!] === PLAIN) at++
      if (at >= to) return UNENDED
      switch (MEANING[bytes[at]!]) {
        case STRING:
          this.#inString = true
          break
        case OPENS:
          this.#depth++
          break
        case CLOSES:
          // Behind a number: what closes is not its own.
          if (this.#depth === 0) return at
          if (--this.#depth === 0) return at + 1
          break
        default:
          return at
      }
      at++
    }
  }

  /** Offset behind the closing quote, or UNENDED. */
  #passString(bytes: Uint8Array, at: number, to: number): number {
    if (this.#escaped && at < to) {
      this.#escaped = false
      at++
    }
    for (;;) {
      while (at < to && MARKS_STRING[bytes[at]!] === 0) at++
      if (at >= to) return UNENDED
      if (bytes[at] === QUOTE) {
        this.#inString = false
        return at + 1
      }
      at += 2
      if (at > to) {
        this.#escaped = true
        return UNENDED
      }
    }
  }
}
