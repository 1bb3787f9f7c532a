/** What a plan asks about numbers, in the bytes; what they don't tell exactly is left to `JSON.parse`. */
import {
  EXACT_DIGITS,
  NUMBER_FINITE,
  NUMBER_INTEGER,
  POWERS_AT,
  VALUE_EXCLUSIVE_MAXIMUM,
  VALUE_EXCLUSIVE_MINIMUM,
  VALUE_MAXIMUM,
  VALUE_MINIMUM,
  VALUE_NUMBERS,
  VALUE_NUMBER_COUNT,
  VALUE_NUMBER_RULES,
} from '../layout.ts'
import { own32, ownF64 } from './own.ts'
import { byteAt, isDigit } from './tokens.ts'

/** Digits that can't make Infinity, with a wide margin. */
const FINITE_BYTES: i32 = 300
/** Numbers above this are milliseconds, others seconds. */
const SECONDS_MAX: f64 = 1e11
const SAFE_INTEGER_MAX: f64 = 9007199254740991

/**
 * The value of the JSON number in [from, to), exactly what `JSON.parse` makes of it; NaN where that takes more than 15
 * digits or an exponent.
 */
export function exactNumber(from: i32, to: i32): f64 {
  const isNegative = byteAt(from) == 0x2d
  let digits = 0
  let mantissa: i64 = 0
  let fractionFrom = to
  for (let at = isNegative ? from + 1 : from; at < to; at++) {
    const byte = byteAt(at)
    if (isDigit(byte)) {
      if (++digits > EXACT_DIGITS) return NaN
      mantissa = mantissa * 10 + (byte - 0x30)
    } else if (byte == 0x2e) fractionFrom = at + 1
    else return NaN
  }
  const value = <f64>mantissa / ownF64(POWERS_AT + ((to - fractionFrom) << 3))
  return isNegative ? -value : value
}

/** The number [from, to) satisfies the node, for certain. */
export function numberHolds(from: i32, to: i32, node: i32): bool {
  const rules = own32(node + VALUE_NUMBER_RULES)
  const isInteger = (rules & NUMBER_INTEGER) != 0
  const value = exactNumber(from, to)
  if (isNaN(value)) return (rules & NUMBER_FINITE) != 0 && isCertainlyFinite(from, to, isInteger)
  return (
    (!isInteger || Math.floor(value) == value) &&
    value >= ownF64(node + VALUE_MINIMUM) &&
    value <= ownF64(node + VALUE_MAXIMUM) &&
    value > ownF64(node + VALUE_EXCLUSIVE_MINIMUM) &&
    value < ownF64(node + VALUE_EXCLUSIVE_MAXIMUM) &&
    isOneOf(value, node)
  )
}

function isOneOf(value: f64, node: i32): bool {
  let candidate = own32(node + VALUE_NUMBERS)
  if (candidate == 0) return true
  for (let left = own32(node + VALUE_NUMBER_COUNT); left > 0; left--, candidate += 8) {
    if (ownF64(candidate) == value) return true
  }
  return false
}

function isCertainlyFinite(from: i32, to: i32, isInteger: bool): bool {
  if (to - from > FINITE_BYTES) return false
  for (let at = from; at < to; at++) {
    const byte = byteAt(at)
    if ((byte | 0x20) == 0x65 || (isInteger && byte == 0x2e)) return false
  }
  return true
}

/**
 * The event time that a number means, in whole epoch milliseconds, NaN for none; Infinity where the bytes don't tell
 * exactly.
 *
 * More than 15 digits (Python's clock has 17) are between two values of 15: where both fall into one millisecond, so
 * does the number, because neither rounding nor multiplying changes an order.
 */
export function timeMsOfNumber(from: i32, to: i32): f64 {
  const exact = exactNumber(from, to)
  if (!isNaN(exact)) return epochMs(exact)
  const cut = from + EXACT_DIGITS + 1
  let point = from
  while (point < to && byteAt(point) != 0x2e) point++
  if (byteAt(from) == 0x2d || point >= cut - 1 || !isCertainlyFinite(from, to, false)) return Infinity
  const unit = ownF64(POWERS_AT + ((cut - 1 - point) << 3))
  const below = exactNumber(from, cut)
  const above = (Math.floor(below * unit + 0.5) + 1) / unit
  const ms = epochMs(below)
  return ms == epochMs(above) ? ms : Infinity
}

function epochMs(value: f64): f64 {
  const ms = Math.floor(value > SECONDS_MAX ? value : value * 1000)
  return Math.abs(ms) <= SAFE_INTEGER_MAX ? ms : NaN
}

/** The severity that a number means, 0..10; -1 where the bytes don't tell exactly. */
export function severityOfNumber(from: i32, to: i32): i32 {
  const value = exactNumber(from, to)
  if (isNaN(value)) return -1
  return <i32>Math.max(0, Math.min(10, Math.floor(value)))
}
