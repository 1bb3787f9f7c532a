/**
 * RFC 3339 section 5.6, the whole of it and nothing more:
 *
 *     date-time      = full-date "T" full-time
 *     full-date      = 4DIGIT "-" 2DIGIT "-" 2DIGIT
 *     partial-time   = 2DIGIT ":" 2DIGIT ":" 2DIGIT [ "." 1*DIGIT ]
 *     full-time      = partial-time ( "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT )
 *
 * "T" and "Z" may be lower case. Second 60 is a leap second, so only at 23:59 UTC. No RFC 9557 suffix.
 */

const DAY_MS = 86_400_000
const DAYS_IN_MONTH = new Uint8Array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
/** Days before the month in a common year. */
const DAYS_BEFORE = new Uint16Array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
const ENCODER = new TextEncoder()

/** The value of two digits, or NaN-like -1 when one is no digit. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 0x30
  const ones = bytes[at + 1]! - 0x30
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -1 : tens * 10 + ones
}

/** Epoch milliseconds of the day's start, NaN when `at` starts no full-date. Reads 10 bytes. */
function dayStartMs(bytes: Uint8Array, at: number): number {
  const century = twoDigits(bytes, at)
  const yearOfCentury = twoDigits(bytes, at + 2)
  const month = twoDigits(bytes, at + 5)
  const day = twoDigits(bytes, at + 8)
  if (century < 0 || yearOfCentury < 0 || bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return Number.NaN
  if (month < 1 || month > 12 || day < 1) return Number.NaN
  const year = century * 100 + yearOfCentury
  const isLeapYear = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > DAYS_IN_MONTH[month]! && !(isLeapYear && month === 2 && day === 29)) return Number.NaN
  const before = year - 1
  const leapDaysBefore = year === 0 ? 0 : (before >> 2) - ((before / 100) | 0) + ((before / 400) | 0) + 1
  const days = year * 365 + leapDaysBefore + DAYS_BEFORE[month]! + (isLeapYear && month > 2 ? 1 : 0) + day - 1
  return (days - 719_528) * DAY_MS
}

/**
 * Epoch milliseconds of the date-time in bytes[from..to), the fraction cut to whole milliseconds;
 * NaN when it is not exactly one. Second 60 is the second after 59.
 */
export function rfc3339Ms(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 20) return Number.NaN
  const dayMs = dayStartMs(bytes, from)
  const hour = twoDigits(bytes, from + 11)
  const minute = twoDigits(bytes, from + 14)
  const second = twoDigits(bytes, from + 17)
  if ((bytes[from + 10]! | 0x20) !== 0x74 || bytes[from + 13] !== 0x3a || bytes[from + 16] !== 0x3a)
    return Number.NaN
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return Number.NaN
  let at = from + 19
  let fractionMs = 0
  if (bytes[at] === 0x2e) {
    const first = ++at
    let unit = 100
    let digit = at < to ? bytes[at]! - 0x30 : -1
    while (digit >>> 0 <= 9) {
      fractionMs += digit * unit
      unit = (unit / 10) | 0
      digit = ++at < to ? bytes[at]! - 0x30 : -1
    }
    if (at === first) return Number.NaN
  }
  const offsetMinutes = zoneMinutes(bytes, at, to)
  const minuteUtc = hour * 60 + minute - offsetMinutes
  // NaN from a bad zone or date falls through both comparisons and the sum.
  if (second === 60 && (minuteUtc + 2880) % 1440 !== 1439) return Number.NaN
  return dayMs + minuteUtc * 60_000 + second * 1000 + fractionMs
}

/** Minutes ahead of UTC of the zone that fills bytes[at..to); NaN when none does. */
function zoneMinutes(bytes: Uint8Array, at: number, to: number): number {
  const sign = bytes[at]!
  if ((sign | 0x20) === 0x7a && at + 1 === to) return 0
  if (at + 6 !== to || (sign !== 0x2b && sign !== 0x2d) || bytes[at + 3] !== 0x3a) return Number.NaN
  const hours = twoDigits(bytes, at + 1)
  const minutes = twoDigits(bytes, at + 4)
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN
  return sign === 0x2b ? hours * 60 + minutes : -(hours * 60 + minutes)
}

/** The same for text. Characters that are not ASCII become bytes that no rule above takes. */
export function rfc3339TextMs(text: string): number {
  const bytes = ENCODER.encode(text)
  return rfc3339Ms(bytes, 0, bytes.length)
}
