import { DIGIT, KIND } from './characters.ts'

export const NONE = -1
/** More digits of a fraction are cut off. */
const FRACTION_DIGITS_MAX = 9

/** The value of `count` digits at `at`, or -1 where one of them is none or lies behind `to`. */
export function digits(bytes: Uint8Array, at: number, to: number, count: number): number {
  if (to - at < count) return NONE
  let value = 0
  for (let index = 0; index < count; index++) {
    const digit = bytes[at + index]! - 0x30
    if (digit >>> 0 > 9) return NONE
    value = value * 10 + digit
  }
  return value
}

/** The value of the two digits at `at`, or -1 where one of them is none. */
export function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30
  const ones = bytes[at + 1]! - 0x30
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? NONE : tens * 10 + ones
}

/**
 *     clock-time = 1*2DIGIT ":" 2DIGIT ":" 2DIGIT [ ( "." / "," ) 1*DIGIT ]
 *                / 1*2DIGIT ":" 2DIGIT ":" 2DIGIT SP ( "AM" / "PM" ) [ "." 1*DIGIT ]
 *
 * The second form is Cisco Unified Communications Manager's.
 */
export class ClockTime {
  minuteOfDay = 0
  /** Its hour was one of twelve. */
  isHalfDay = false
  /** 60 of a leap second. */
  second = 0
  /** Digits of the fraction as they stand in the message, nine at most; empty without one. */
  fractionFrom = 0
  fractionTo = 0
  /** The fraction, cut to whole milliseconds. */
  fractionMs = 0

  /** The offset behind the time that begins at `at`, or NONE. */
  read(bytes: Uint8Array, at: number, to: number): number {
    const hourDigits = at + 1 < to && bytes[at + 1] === 0x3a ? 1 : 2
    if (to - at < hourDigits + 6) return NONE
    let hour = hourDigits === 1 ? digits(bytes, at, to, 1) : twoDigits(bytes, at)
    at += hourDigits
    if (hour < 0 || hour > 23 || bytes[at] !== 0x3a || bytes[at + 3] !== 0x3a) return NONE
    const minute = twoDigits(bytes, at + 1)
    const second = twoDigits(bytes, at + 4)
    if (minute < 0 || minute > 59 || second < 0 || second > 60) return NONE
    at += 6
    const half = halfOfDay(bytes, at, to)
    this.isHalfDay = half !== 0
    if (this.isHalfDay) {
      if (hour < 1 || hour > 12) return NONE
      hour = (hour % 12) + (half === 0x50 ? 12 : 0)
      at += 3
    }
    this.minuteOfDay = hour * 60 + minute
    this.second = second
    return this.#fraction(bytes, at, to)
  }

  /** Only the second at `at`, with its fraction; NONE also where AM or PM follows. */
  readSecond(bytes: Uint8Array, at: number, to: number): number {
    if (to - at < 2) return NONE
    const second = twoDigits(bytes, at)
    if (second < 0 || second > 60 || halfOfDay(bytes, at + 2, to) !== 0) return NONE
    this.second = second
    return this.#fraction(bytes, at + 2, to)
  }

  /** At `at` stands no fraction. */
  noFraction(at: number): void {
    this.fractionFrom = this.fractionTo = at
    this.fractionMs = 0
  }

  #fraction(bytes: Uint8Array, at: number, to: number): number {
    this.noFraction(at)
    if (at >= to) return at
    const mark = bytes[at]!
    if ((KIND[mark]! & DIGIT) !== 0) return NONE
    if (mark !== 0x2e && mark !== 0x2c) return at
    return this.fraction(bytes, at + 1, to)
  }

  /** Takes the digits from `at` on; NONE where there is none. */
  fraction(bytes: Uint8Array, at: number, to: number): number {
    const from = at
    let unit = 100
    let fractionMs = 0
    while (at < to && (KIND[bytes[at]!]! & DIGIT) !== 0) {
      fractionMs += (bytes[at]! - 0x30) * unit
      unit = (unit / 10) | 0
      at++
    }
    if (at === from) return NONE
    this.fractionFrom = from
    this.fractionTo = Math.min(at, from + FRACTION_DIGITS_MAX)
    this.fractionMs = fractionMs
    return at
  }
}

/** `A` or `P` of a ` AM` or ` PM` at `at`, else 0. */
function halfOfDay(bytes: Uint8Array, at: number, to: number): number {
  if (to - at < 3 || bytes[at] !== 0x20 || bytes[at + 2] !== 0x4d) return 0
  const half = bytes[at + 1]!
  const next = at + 3 < to ? bytes[at + 3]! : 0x20
  return (half === 0x41 || half === 0x50) && (next === 0x20 || next === 0x2e || next === 0x3a) ? half : 0
}
