/** RFC 3339 section 5.6, as src/schema/rfc3339.ts has it, which says the grammar. */
import { byteAt, isDigit } from './tokens.ts'

const DAY_MS: f64 = 86_400_000

/** The date read last, its ten bytes, and when that day starts: events of one time are of one day. */
let knownYearMonth: i64 = 0
let knownDay: i32 = 0
let knownDayMs: f64 = 0

/** Epoch milliseconds of the date-time in [from, to), the fraction cut to whole ones; NaN when it is not exactly one. */
export function rfc3339Ms(from: i32, to: i32): f64 {
  if (to - from < 20) return NaN
  const yearMonth = load<i64>(from)
  const day = <i32>load<u16>(from, 8)
  if (yearMonth != knownYearMonth || day != knownDay) {
    const ms = dayStartMs(yearMonth, day)
    if (isNaN(ms)) return NaN
    knownYearMonth = yearMonth
    knownDay = day
    knownDayMs = ms
  }
  const hour = twoDigits(load<u16>(from, 11))
  const minute = twoDigits(load<u16>(from, 14))
  const second = twoDigits(load<u16>(from, 17))
  if (((byteAt(from + 10) | 0x20) != 0x74) | (byteAt(from + 13) != 0x3a) | (byteAt(from + 16) != 0x3a)) return NaN
  // -1 is more than any of them.
  if ((<u32>hour > 23) | (<u32>minute > 59) | (<u32>second > 60)) return NaN
  let at = from + 19
  let fractionMs = 0
  if (byteAt(at) == 0x2e) {
    const first = ++at
    let unit = 100
    for (; at < to && isDigit(byteAt(at)); at++) {
      fractionMs += (byteAt(at) - 0x30) * unit
      unit /= 10
    }
    if (at == first) return NaN
  }
  let minuteUtc = hour * 60 + minute
  if (at + 1 != to || (byteAt(at) | 0x20) != 0x7a) {
    const ahead = zoneMinutes(at, to)
    if (ahead == NO_ZONE) return NaN
    minuteUtc -= ahead
  }
  if (second == 60 && (minuteUtc + 2880) % 1440 != 1439) return NaN
  return knownDayMs + <f64>(minuteUtc * 60_000 + second * 1000 + fractionMs)
}

/** The value of two digits, the first in the low byte, or -1. */
@inline
function twoDigits(pair: i32): i32 {
  const digits = pair - 0x3030
  // A byte that was no digit has its high bit now, or gets it when 0x76 is added.
  if ((digits | (digits + 0x7676)) & 0x8080) return -1
  return (digits & 0xff) * 10 + (digits >> 8)
}

/** Of the bytes `YYYY-MM-` and `DD`, which are not read again: behind the scanner's own they may change meanwhile. */
function dayStartMs(yearMonth: i64, dayOfMonth: i32): f64 {
  const century = twoDigits(<i32>yearMonth & 0xffff)
  const yearOfCentury = twoDigits(<i32>(yearMonth >>> 16) & 0xffff)
  const month = twoDigits(<i32>(yearMonth >>> 40) & 0xffff)
  const day = twoDigits(dayOfMonth)
  const hyphens = (<i32>(yearMonth >>> 32) & 0xff) == 0x2d && (<i32>(yearMonth >>> 56) & 0xff) == 0x2d
  if (century < 0 || yearOfCentury < 0 || !hyphens) return NaN
  if (month < 1 || month > 12 || day < 1) return NaN
  const year = century * 100 + yearOfCentury
  const isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  let daysInMonth = 30 + ((month + (month >> 3)) & 1)
  if (month == 2) daysInMonth = isLeapYear ? 29 : 28
  if (day > daysInMonth) return NaN
  return <f64>(daysBefore(year, month) + day - 1) * DAY_MS
}

/** Days from 1970-01-01 to the first of a month. Years are counted from March here, so that a leap day is the last. */
function daysBefore(year: i32, month: i32): i32 {
  const marchYear = month > 2 ? year : year - 1
  const marchMonth = month > 2 ? month - 3 : month + 9
  // One era of 400 years more, so that nothing is negative.
  const shifted = marchYear + 400
  const leapDays = shifted / 4 - shifted / 100 + shifted / 400
  return shifted * 365 + leapDays + (marchMonth * 153 + 2) / 5 - 146_097 - 719_468
}

const NO_ZONE: i32 = i32.MAX_VALUE

/** Minutes ahead of UTC of the zone that fills [at, to), which is not Z; NO_ZONE when none does. */
function zoneMinutes(at: i32, to: i32): i32 {
  const sign = byteAt(at)
  if (at + 6 != to || (sign != 0x2b && sign != 0x2d) || byteAt(at + 3) != 0x3a) return NO_ZONE
  const hours = twoDigits(load<u16>(at, 1))
  const minutes = twoDigits(load<u16>(at, 4))
  if (<u32>hours > 23 || <u32>minutes > 59) return NO_ZONE
  const ahead = hours * 60 + minutes
  return sign == 0x2b ? ahead : -ahead
}
