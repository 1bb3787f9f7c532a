/** What generated scanners ask about single values, in the bytes. */
import { clampSeverity, epochMs } from '../schema/classify.ts'
import type { NumberPlan, StringPlan } from './value-plan.ts'

/** Up to 15 digits are exact in a double, and so is their division by a power of ten up to 1e22: one rounding. */
const EXACT_DIGITS = 15
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent)
/** Digits that can't make Infinity, with a wide margin. */
const FINITE_BYTES = 300

/**
 * The value of the JSON number in bytes[from..to), exactly what `JSON.parse` makes of it; NaN where that takes more
 * than 15 digits or an exponent.
 */
export function exactNumber(bytes: Uint8Array, from: number, to: number): number {
  const isNegative = bytes[from] === 0x2d
  let digits = 0
  let mantissa = 0
  let fractionFrom = to
  for (let at = isNegative ? from + 1 : from; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >>> 0 <= 9) {
      if (++digits > EXACT_DIGITS) return Number.NaN
      mantissa = mantissa * 10 + digit
    } else if (digit === -2) fractionFrom = at + 1
    else return Number.NaN
  }
  const value = mantissa / POWERS_OF_TEN[to - fractionFrom]!
  return isNegative ? -value : value
}

/** The number satisfies the plan, for certain. */
export function numberHolds(bytes: Uint8Array, from: number, to: number, plan: NumberPlan): boolean {
  const value = exactNumber(bytes, from, to)
  if (Number.isNaN(value)) return isOnlyFinite(plan) && isCertainlyFinite(bytes, from, to, plan.isInteger)
  return (
    (!plan.isInteger || Number.isInteger(value)) &&
    value >= plan.minimum &&
    value <= plan.maximum &&
    value > plan.exclusiveMinimum &&
    value < plan.exclusiveMaximum &&
    (plan.values === null || plan.values.includes(value))
  )
}

function isOnlyFinite(plan: NumberPlan): boolean {
  return (
    plan.minimum === -Infinity &&
    plan.maximum === Infinity &&
    plan.exclusiveMinimum === -Infinity &&
    plan.exclusiveMaximum === Infinity &&
    plan.values === null
  )
}

function isCertainlyFinite(bytes: Uint8Array, from: number, to: number, isInteger: boolean): boolean {
  if (to - from > FINITE_BYTES) return false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if ((byte | 0x20) === 0x65 || (isInteger && byte === 0x2e)) return false
  }
  return true
}

/**
 * The event time that a number means, as `epochMs` of its value; Infinity where the bytes don't tell exactly.
 *
 * More than 15 digits (Python's clock has 17) are between two values of 15: where both fall into one millisecond,
 * so does the number, because neither rounding nor multiplying changes an order.
 */
export function timeMsOfNumber(bytes: Uint8Array, from: number, to: number): number {
  const exact = exactNumber(bytes, from, to)
  if (!Number.isNaN(exact)) return epochMs(exact)
  const cut = from + EXACT_DIGITS + 1
  const point = bytes.indexOf(0x2e, from)
  if (bytes[from] === 0x2d || point < 0 || point >= cut - 1 || !isCertainlyFinite(bytes, from, to, false))
    return Infinity
  const below = exactNumber(bytes, from, cut)
  const above = (Math.round(below * POWERS_OF_TEN[cut - 1 - point]!) + 1) / POWERS_OF_TEN[cut - 1 - point]!
  const ms = epochMs(below)
  return ms === epochMs(above) ? ms : Infinity
}

/** The severity that a number means; -1 where the bytes don't tell exactly. */
export function severityOfNumber(bytes: Uint8Array, from: number, to: number): number {
  const value = exactNumber(bytes, from, to)
  return Number.isNaN(value) ? -1 : clampSeverity(value)
}

/** The severity that a map has for the text bytes[from..to), which holds no escape. */
export function severityOfText(
  bytes: Uint8Array,
  from: number,
  to: number,
  map: ReadonlyMap<string, number>,
  otherwise: number,
): number {
  return map.get(textOf(bytes, from, to)) ?? otherwise
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString()
}

/** The string bytes[from..to), which may hold escapes, has a length within the plan's, for certain. */
export function lengthHolds(bytes: Uint8Array, from: number, to: number, plan: StringPlan): boolean {
  const length = to - from
  // A character has 1 to 12 bytes here: a surrogate pair as two escapes.
  if (length <= plan.maxLength && length >= plan.minLength * 12) return true
  let count = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte === 0x5c) return length <= plan.maxLength && plan.minLength <= 1
    if ((byte & 0xc0) !== 0x80) count++
  }
  return count >= plan.minLength && count <= plan.maxLength
}

/** The text bytes[from..to) passes every test. It holds no escape. */
export function testsHold(
  bytes: Uint8Array,
  from: number,
  to: number,
  tests: readonly ((text: string) => boolean)[],
): boolean {
  const text = textOf(bytes, from, to)
  return tests.every((test) => test(text))
}
