/** Days of the proleptic Gregorian calendar, as numbers from 1970-01-01, without objects. */

export const NO_DAY = Number.NaN

const DAYS_IN_MONTH = new Uint8Array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
const DAYS_BEFORE = new Uint16Array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
/** From 0000-01-01 to 1970-01-01. */
const DAYS_TO_1970 = 719_528

function isLeapYear(year: number): boolean {
  return (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** Days before 1 January of a year from 0 on, from 0000-01-01. */
function daysBeforeYear(year: number): number {
  const before = year - 1
  return year === 0 ? 0 : year * 365 + (before >> 2) - ((before / 100) | 0) + ((before / 400) | 0) + 1
}

/** NO_DAY for a date that the calendar doesn't have. Years 0 to 9999, months from 1. */
export function dayNumber(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1) return NO_DAY
  const leap = isLeapYear(year)
  if (day > DAYS_IN_MONTH[month]! && !(leap && month === 2 && day === 29)) return NO_DAY
  return daysBeforeYear(year) + DAYS_BEFORE[month]! + (leap && month > 2 ? 1 : 0) + day - 1 - DAYS_TO_1970
}

/** The year of a day, 0 to 9999. */
export function yearOf(day: number): number {
  const days = day + DAYS_TO_1970
  let year = Math.floor(days / 365.2425)
  while (daysBeforeYear(year) > days) year--
  while (daysBeforeYear(year + 1) <= days) year++
  return year
}

/**
 * Writes the ten characters YYYY-MM-DD of a day of the years 0 to 9999.
 */
export function writeDate(bytes: Uint8Array, at: number, day: number): void {
  const year = yearOf(day)
  const dayOfYear = day + DAYS_TO_1970 - daysBeforeYear(year)
  const leapDay = isLeapYear(year) ? 1 : 0
  let month = 12
  let before = DAYS_BEFORE[month]! + leapDay
  while (before > dayOfYear) {
    month--
    before = DAYS_BEFORE[month]! + (month > 2 ? leapDay : 0)
  }
  writeTwoDigits(bytes, at, (year / 100) | 0)
  writeTwoDigits(bytes, at + 2, year % 100)
  bytes[at + 4] = 0x2d
  writeTwoDigits(bytes, at + 5, month)
  bytes[at + 7] = 0x2d
  writeTwoDigits(bytes, at + 8, dayOfYear - before + 1)
}

export function writeTwoDigits(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = 0x30 + ((value / 10) | 0)
  bytes[at + 1] = 0x30 + (value % 10)
}
