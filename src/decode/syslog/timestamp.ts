import { NO_DAY, dayNumber, yearOf } from './calendar.ts'
import { BLANK, DIGIT, KIND, LETTER, isWordEnd, skipBlanks } from './characters.ts'
import { ClockTime, NONE, digits, twoDigits } from './clock-time.ts'
import { KnownMinute } from './known-minute.ts'
import { ZoneSuffix } from './zone-suffix.ts'
import type { Zone } from './zone.ts'

const DAY_MS = 86_400_000
const MINUTES_PER_DAY = 1440
const NO_YEAR = -1
const FIRST_DAY = dayNumber(0, 1, 1)
const LAST_DAY = dayNumber(9999, 12, 31)
/** A 29 February is at most this many years from the nearest one. */
const YEARS_TO_LEAP_DAY_MAX = 8
const EPOCH_SECOND_DIGITS = 10
const COLON = 0x3a
/** Of `2026-10-11T22:14`, and of `Oct 11 22:14`. */
const ISO_MINUTE_BYTES = 16
const BSD_MINUTE_BYTES = 12

/** Three letters as one number, whatever their case. */
function packed(a: number, b: number, c: number): number {
  return ((a & 0x1f) << 10) | ((b & 0x1f) << 5) | (c & 0x1f)
}

/** By `packed`: the name's number, from 1 on; 0 for what is none. */
function numbersOf(text: string): Uint8Array {
  const numbers = new Uint8Array(1 << 15)
  for (const [index, name] of text.split(' ').entries()) {
    numbers[packed(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2))] = index + 1
  }
  return numbers
}

const MONTHS = numbersOf('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec')
const WEEKDAYS = numbersOf('Mon Tue Wed Thu Fri Sat Sun')

/**
 * Finds the time with which a header begins, in any of the forms that devices send:
 *
 *     iso   = 4DIGIT sep 2DIGIT sep 2DIGIT ("T" / 1*SP / "-") clock-time [zone]
 *     sep   = "-" / "/" / ":"                            ; Sophos UTM: 2026:10:11-22:14:15
 *     bsd   = ["*" / "."] [weekday] month 1*SP 1*2DIGIT SP [year SP] clock-time [zone] [SP year] [zone]
 *           / year SP month 1*SP 1*2DIGIT SP clock-time [zone]
 *     day   = [weekday [","] SP] 1*2DIGIT gap month gap [year (SP / ":")] clock-time [zone]
 *     gap   = SP / "-" / "/"                             ; 11-Oct-2026 22:14:15, 11/Oct/2026:22:14:15 +0200
 *     epoch = 10DIGIT ["." 1*DIGIT] / 13DIGIT / 16DIGIT / 19DIGIT        ; seconds, or with its fraction
 *     us    = 2DIGIT "/" 2DIGIT "/" 4DIGIT ":" clock-time [zone]         ; Citrix NetScaler
 *
 * RFC 5424's TIMESTAMP is an `iso`, RFC 3164's a `bsd` with neither year nor zone. The year that is left out is the one
 * that brings the time nearest to that of arrival; the zone that is left out is the decoder's. What reads like a time but
 * can't be one, such as 31 September, is none. Second 60 is a leap second, so only at 23:59 UTC.
 */
export class Timestamp {
  readonly clock = new ClockTime()
  /** Where the last time that was looked for begins. */
  from = 0
  /** Minutes since 1970-01-01T00:00Z. */
  minuteUtc = 0
  readonly #bytes: Uint8Array
  readonly #zone: Zone
  readonly #suffix = new ZoneSuffix()
  #receivedDay = 0
  readonly #isoMinute: KnownMinute
  readonly #bsdMinute: KnownMinute
  /** By month * 32 + day: the day number nearest to the day of arrival, Infinity where not looked for yet. */
  readonly #nearest = new Float64Array(13 * 32).fill(Number.POSITIVE_INFINITY)

  constructor(bytes: Uint8Array, zone: Zone) {
    this.#bytes = bytes
    this.#zone = zone
    this.#isoMinute = new KnownMinute(bytes, ISO_MINUTE_BYTES)
    this.#bsdMinute = new KnownMinute(bytes, BSD_MINUTE_BYTES)
  }

  begin(receivedAtMs: number): void {
    const day = Math.floor(receivedAtMs / DAY_MS)
    if (day === this.#receivedDay) return
    this.#receivedDay = day
    this.#nearest.fill(Number.POSITIVE_INFINITY)
    this.#bsdMinute.forget()
  }

  get timeMs(): number {
    return this.minuteUtc * 60_000 + this.clock.second * 1000 + this.clock.fractionMs
  }

  /** Whether it is worth looking for a time at `at`: a month, or the year of an ISO time, stands there. */
  mayBegin(at: number, to: number): boolean {
    const bytes = this.#bytes
    if (to - at < 15) return false
    if ((KIND[bytes[at]!]! & DIGIT) !== 0) return bytes[at + 4] === 0x2d && bytes[at + 7] === 0x2d
    return bytes[at + 3] === 0x20 && MONTHS[packed(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!)] !== 0
  }

  /** The offset behind the time that begins at `at`, or NONE, which leaves the time of before undone. */
  read(at: number, to: number): number {
    const bytes = this.#bytes
    this.from = at
    if (to - at < EPOCH_SECOND_DIGITS) return NONE
    const first = bytes[at]!
    if ((KIND[first]! & DIGIT) === 0) {
      return first === 0x2a || first === 0x2e ? this.#bsd(at + 1, to) : this.#bsd(at, to)
    }
    const fifth = bytes[at + 4]!
    if (fifth === 0x2d || ((fifth === 0x2f || fifth === COLON) && bytes[at + 7] === fifth)) {
      return this.#iso(at, to)
    }
    const gapAt = (KIND[bytes[at + 1]!]! & DIGIT) === 0 ? at + 1 : at + 2
    if (isGap(bytes[gapAt]!) && (KIND[bytes[gapAt + 1]!]! & LETTER) !== 0)
      return this.#dayFirst(at, gapAt, to)
    if (fifth === 0x20) return this.#yearFirst(at, to)
    return bytes[at + 2] === 0x2f ? this.#slashed(at, to) : this.#epoch(at, to)
  }

  #iso(at: number, to: number): number {
    const bytes = this.#bytes
    if (to - at < 19 || bytes[at + 4] !== bytes[at + 7]) return NONE
    if (this.#isoMinute.isAt(at) && bytes[at + 16] === COLON) {
      const secondEnd = this.clock.readSecond(bytes, at + 17, to)
      if (secondEnd >= 0) {
        return this.#finishIso(this.#isoMinute.minute, this.#suffix.adjacent(bytes, secondEnd, to), to)
      }
    }
    const from = at
    const year = digits(bytes, at, to, 4)
    const month = twoDigits(bytes, at + 5)
    const day = twoDigits(bytes, at + 8)
    if (year < 0 || month < 0 || day < 0) return NONE
    at += 10
    const isSpaced = bytes[at] === 0x20
    if (!isSpaced && (bytes[at]! | 0x20) !== 0x74 && bytes[at] !== 0x2d) return NONE
    at = this.clock.read(bytes, isSpaced ? skipBlanks(bytes, at, to) : at + 1, to)
    if (at < 0) return NONE
    const minute = this.#minuteOf(dayNumber(year, month, day))
    if (isSpaced) return this.#finishIso(minute, this.#suffix.read(bytes, at, to), to)
    if (bytes[from + 13] === COLON && !this.clock.isHalfDay) this.#isoMinute.set(from, minute)
    return this.#finishIso(minute, this.#suffix.adjacent(bytes, at, to), to)
  }

  #finishIso(minute: number, at: number, to: number): number {
    return isWordEnd(this.#bytes, at, to) || this.#bytes[at] === COLON ? this.#finish(minute, at) : NONE
  }

  /** Of the day and the time of day, NaN where the day is none. */
  #minuteOf(day: number): number {
    return day * MINUTES_PER_DAY + this.clock.minuteOfDay
  }

  #yearFirst(at: number, to: number): number {
    const year = plausibleYear(this.#bytes, at, to)
    if (year < 0) return NONE
    return this.#monthDayTime(skipBlanks(this.#bytes, at + 4, to), to, year)
  }

  #bsd(at: number, to: number): number {
    const bytes = this.#bytes
    if (to - at < 14) return NONE
    const behind = bytes[at + 3] === 0x2c ? at + 4 : at + 3
    if (WEEKDAYS[packed(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!)] !== 0 && bytes[behind] === 0x20) {
      at = skipBlanks(bytes, behind, to)
      if (at < to && (KIND[bytes[at]!]! & DIGIT) !== 0) {
        return this.#dayFirst(at, (KIND[bytes[at + 1]!]! & DIGIT) === 0 ? at + 1 : at + 2, to)
      }
    }
    return this.#monthDayTime(at, to, NO_YEAR)
  }

  /** The day at `at`, with the gap behind it at `gapAt`. */
  #dayFirst(at: number, gapAt: number, to: number): number {
    const bytes = this.#bytes
    const gap = bytes[gapAt]!
    const day = digits(bytes, at, to, gapAt - at)
    at = gapAt + 1
    if (to - at < 12 || day < 1 || !isGap(gap) || bytes[at + 3] !== gap) return NONE
    const month = this.#month(at)
    at += 4
    let year = digits(bytes, at, to, 4)
    if (year >= 1970 && year <= 2099 && (bytes[at + 4] === 0x20 || bytes[at + 4] === COLON)) at += 5
    else year = NO_YEAR
    at = this.clock.read(bytes, at, to)
    if (at < 0 || month === 0 || day > 31) return NONE
    at = this.#suffix.read(bytes, at, to)
    return this.#finish(
      this.#minuteOf(year < 0 ? this.#nearestDay(month, day) : dayNumber(year, month, day)),
      at,
    )
  }

  /** 1 to 12 for the three letters at `at`, else 0. */
  #month(at: number): number {
    const bytes = this.#bytes
    if ((KIND[bytes[at]!]! & KIND[bytes[at + 1]!]! & KIND[bytes[at + 2]!]! & LETTER) === 0) return 0
    return MONTHS[packed(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!)]!
  }

  #monthDayTime(at: number, to: number, yearBefore: number): number {
    const bytes = this.#bytes
    let year = yearBefore
    if (to - at < 13 || (KIND[bytes[at + 3]!]! & BLANK) === 0) return NONE
    if (year < 0 && this.#bsdMinute.isAt(at) && bytes[at + 12] === COLON) {
      const end = this.#knownBsd(at + 13, to)
      if (end >= 0) return end
    }
    const from = at
    const month = this.#month(at)
    at = skipBlanks(bytes, at + 3, to)
    const dayDigits = at + 1 < to && (KIND[bytes[at + 1]!]! & DIGIT) !== 0 ? 2 : 1
    const day = digits(bytes, at, to, dayDigits)
    at += dayDigits
    if (month === 0 || day < 1 || day > 31 || at >= to || (KIND[bytes[at]!]! & BLANK) === 0) return NONE
    at = skipBlanks(bytes, at, to)
    const yearBetween = plausibleYear(bytes, at, to)
    if (yearBetween >= 0) {
      year = yearBetween
      at = skipBlanks(bytes, at + 4, to)
    }
    at = this.clock.read(bytes, at, to)
    if (at < 0) return NONE
    at = this.#suffix.read(bytes, at, to)
    if (year < 0 && at < to && bytes[at] === 0x20) {
      year = plausibleYear(bytes, at + 1, to)
      if (year >= 0) {
        at += 5
        if (Number.isNaN(this.#suffix.minutes)) at = this.#suffix.read(bytes, at, to)
      }
    }
    if (year >= 0) return this.#finish(this.#minuteOf(dayNumber(year, month, day)), at)
    const minute = this.#minuteOf(this.#nearestDay(month, day))
    if (bytes[from + 9] === COLON && !this.clock.isHalfDay) {
      this.#bsdMinute.set(from, minute)
    }
    return this.#finish(minute, at)
  }

  /** The second and what follows it, in the minute of the `bsd` before. NONE where it has to be read as a whole. */
  #knownBsd(at: number, to: number): number {
    const bytes = this.#bytes
    at = this.clock.readSecond(bytes, at, to)
    if (at < 0) return NONE
    at = this.#suffix.read(bytes, at, to)
    const mayHaveYear = at < to && bytes[at] === 0x20 && plausibleYear(bytes, at + 1, to) >= 0
    return mayHaveYear ? NONE : this.#finish(this.#bsdMinute.minute, at)
  }

  /** The month stands first on most systems. Where both readings are dates, the nearer one is meant. */
  #slashed(at: number, to: number): number {
    const bytes = this.#bytes
    if (to - at < 19 || bytes[at + 5] !== 0x2f || bytes[at + 10] !== 0x3a) return NONE
    const first = digits(bytes, at, to, 2)
    const second = digits(bytes, at + 3, to, 2)
    const year = digits(bytes, at + 6, to, 4)
    if (first < 0 || second < 0 || year < 0) return NONE
    at = this.clock.read(bytes, at + 11, to)
    if (at < 0) return NONE
    at = this.#suffix.read(bytes, at, to)
    const monthFirst = dayNumber(year, first, second)
    const dayFirst = dayNumber(year, second, first)
    const isDayFirst =
      Number.isNaN(monthFirst) ||
      Math.abs(dayFirst - this.#receivedDay) < Math.abs(monthFirst - this.#receivedDay)
    return this.#finish(this.#minuteOf(isDayFirst ? dayFirst : monthFirst), at)
  }

  /** From 2001 to 2033: other numbers of ten digits are more likely to be something else. */
  #epoch(at: number, to: number): number {
    const bytes = this.#bytes
    const seconds = digits(bytes, at, to, EPOCH_SECOND_DIGITS)
    if (seconds < 0 || bytes[at] !== 0x31) return NONE
    let end = at + EPOCH_SECOND_DIGITS
    this.clock.noFraction(end)
    if (end < to && !isWordEnd(bytes, end, to)) {
      const isPoint = bytes[end] === 0x2e
      const fractionAt = isPoint ? end + 1 : end
      end = this.clock.fraction(bytes, fractionAt, to)
      if (end < 0 || !isWordEnd(bytes, end, to)) return NONE
      const count = end - fractionAt
      if (!isPoint && count !== 3 && count !== 6 && count !== 9) return NONE
    }
    this.minuteUtc = Math.floor(seconds / 60)
    this.clock.second = seconds % 60
    return end
  }

  #finish(localMinute: number, end: number): number {
    if (Number.isNaN(localMinute)) return NONE
    const said = this.#suffix.minutes
    const offset = Number.isNaN(said) ? this.#zone.offsetMinutes(localMinute * 60_000) : said
    const minute = localMinute - offset
    if (minute < FIRST_DAY * MINUTES_PER_DAY || minute >= (LAST_DAY + 1) * MINUTES_PER_DAY) return NONE
    if (this.clock.second === 60 && (minute + 1) % MINUTES_PER_DAY !== 0) return NONE
    this.minuteUtc = minute
    return end
  }

  #nearestDay(month: number, day: number): number {
    const slot = month * 32 + day
    const known = this.#nearest[slot]!
    if (known !== Number.POSITIVE_INFINITY) return known
    const year = yearOf(this.#receivedDay)
    let nearest = NO_DAY
    for (let distance = 0; distance <= YEARS_TO_LEAP_DAY_MAX; distance++) {
      for (let sign = -1; sign <= 1; sign += 2) {
        const candidate = dayNumber(year + sign * distance, month, day)
        const isNearer = !(Math.abs(candidate - this.#receivedDay) >= Math.abs(nearest - this.#receivedDay))
        if (!Number.isNaN(candidate) && isNearer) nearest = candidate
      }
    }
    this.#nearest[slot] = nearest
    return nearest
  }
}

function isGap(byte: number): boolean {
  return byte === 0x20 || byte === 0x2d || byte === 0x2f
}

/** The year from 1970 to 2099 that stands at `at` as a word, with or without a colon; else -1. */
function plausibleYear(bytes: Uint8Array, at: number, to: number): number {
  const year = digits(bytes, at, to, 4)
  if (year < 1970 || year > 2099) return NO_YEAR
  const end = bytes[at + 4] === 0x3a ? at + 5 : at + 4
  return isWordEnd(bytes, end, to) ? year : NO_YEAR
}
