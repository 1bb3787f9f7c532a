import type { Scalar } from '../base/config-keys.ts'
import { isArrayIndex, parsePointer } from '../schema/pointer.ts'
import { MALFORMED, skipBlanks, skipString, skipValue } from './skip.ts'

/** What one value must satisfy; all that are given must hold. */
export interface WhereTest {
  eq?: Scalar
  ne?: Scalar
  in?: readonly Scalar[]
  gt?: number | string
  gte?: number | string
  lt?: number | string
  lte?: number | string
  exists?: boolean
}

/**
 * A sink's filter: tests by top-level key, or by JSON pointer where the key starts with "/". All must hold. The key
 * `severity` means the classified severity, `/severity` what the record says.
 */
export interface WhereSpec {
  [pointerOrKey: string]: WhereTest
}

/** Sinks with a filter are at most as many as the route mask has bits. */
export const FILTERS_MAX = 16

export interface Router {
  /** False when the severity alone decides, so that `route` reads no bytes. */
  readonly needsBytes: boolean
  /** Route mask of the accepted record bytes[from..to): bit i is set when filters[i] says yes. */
  readonly route: (bytes: Uint8Array, from: number, to: number, severity: number) => number
}

/** One value that some filters test, found once for all of them. */
interface Probe {
  readonly tokens: readonly string[]
  readonly tests: { readonly bit: number; readonly test: WhereTest }[]
}

/**
 * Filters by position; an absent one always says yes.
 *
 * @throws RangeError when there are more than `FILTERS_MAX`.
 */
export function compileRouter(filters: readonly (WhereSpec | undefined)[]): Router {
  if (filters.length > FILTERS_MAX) throw new RangeError(`${filters.length} filters, at most ${FILTERS_MAX}`)
  const everyone = (1 << filters.length) - 1
  // Eleven severities: their masks are known before the first record.
  const bySeverity = Array.from({ length: 11 }, () => everyone)
  const probes = new Map<string, Probe>()
  for (const [position, filter] of filters.entries()) {
    const bit = 1 << position
    for (const [key, test] of Object.entries(filter ?? {})) {
      if (key === 'severity') {
        for (let severity = 0; severity <= 10; severity++) {
          if (!holds(severity, test)) bySeverity[severity]! &= ~bit
        }
        continue
      }
      const tokens = key.startsWith('/') ? (parsePointer(key) ?? [key]) : [key]
      const name = JSON.stringify(tokens)
      const probe = probes.get(name) ?? { tokens, tests: [] }
      probe.tests.push({ bit, test })
      probes.set(name, probe)
    }
  }
  const list = [...probes.values()]
  const probed = list.flatMap(({ tests }) => tests).reduce((mask, { bit }) => mask | bit, 0)

  return {
    needsBytes: list.length > 0,
    route(bytes, from, to, severity) {
      let mask = bySeverity[severity]!
      if ((mask & probed) === 0) return mask
      for (const { tokens, tests } of list) {
        const value = valueAt(bytes, from, to, tokens)
        for (const { bit, test } of tests) if (!holds(value, test)) mask &= ~bit
      }
      return mask
    },
  }
}

/** An absent value (undefined) matches only `exists: false`. */
function holds(value: unknown, test: WhereTest): boolean {
  if (value === undefined) return test.exists === false && Object.keys(test).length === 1
  if (test.exists === false) return false
  return (
    (test.eq === undefined || value === test.eq) &&
    (test.ne === undefined || value !== test.ne) &&
    (test.in === undefined || test.in.some((choice) => choice === value)) &&
    (test.gt === undefined || (isComparable(value, test.gt) && value > test.gt)) &&
    (test.gte === undefined || (isComparable(value, test.gte) && value >= test.gte)) &&
    (test.lt === undefined || (isComparable(value, test.lt) && value < test.lt)) &&
    (test.lte === undefined || (isComparable(value, test.lte) && value <= test.lte))
  )
}

/** Numbers compare with numbers, strings with strings. */
function isComparable(value: unknown, bound: number | string): value is number | string {
  return typeof value === typeof bound
}

/** What `valueAt` says of objects and arrays: present, and equal to nothing. */
const CONTAINER = Symbol('container')

/**
 * The value that the tokens lead to in the well-formed record bytes[from..to); undefined when nowhere. Of keys that
 * are there twice the last counts, as for `JSON.parse`. Only the value itself is parsed.
 */
function valueAt(bytes: Uint8Array, from: number, to: number, tokens: readonly string[]): unknown {
  let at = skipBlanks(bytes, from, to, true)
  for (const token of tokens) {
    at = bytes[at] === 0x7b ? memberAt(bytes, at, to, token) : elementAt(bytes, at, to, token)
    if (at < 0) return undefined
  }
  if (bytes[at] === 0x7b || bytes[at] === 0x5b) return CONTAINER
  return JSON.parse(textOf(bytes, at, endOf(bytes, at, to)))
}

/** Offset of the value of the last member with that name of the object at `at`; below 0 when there is none. */
function memberAt(bytes: Uint8Array, at: number, to: number, name: string): number {
  let found = -1
  at = skipBlanks(bytes, at + 1, to, true)
  while (bytes[at] === 0x22) {
    const keyEnd = skipString(bytes, at, to)
    const isIt = isKey(bytes, at, keyEnd, name)
    at = skipBlanks(bytes, skipBlanks(bytes, keyEnd, to, true) + 1, to, true)
    if (isIt) found = at
    at = skipBlanks(bytes, endOf(bytes, at, to), to, true)
    if (bytes[at] !== 0x2c) break
    at = skipBlanks(bytes, at + 1, to, true)
  }
  return found
}

/** Offset of an element of the array at `at`; below 0 when there is none, or no array. */
function elementAt(bytes: Uint8Array, at: number, to: number, token: string): number {
  if (bytes[at] !== 0x5b || !isArrayIndex(token)) return -1
  at = skipBlanks(bytes, at + 1, to, true)
  if (bytes[at] === 0x5d) return -1
  for (let index = Number(token); index > 0; index--) {
    at = skipBlanks(bytes, endOf(bytes, at, to), to, true)
    if (bytes[at] !== 0x2c) return -1
    at = skipBlanks(bytes, at + 1, to, true)
  }
  return at
}

/** The record has been accepted, so the only limit left is that of the stack of `skipValue`. */
function endOf(bytes: Uint8Array, at: number, to: number): number {
  const end = skipValue(bytes, at, to, DEPTH_MAX, true)
  if (end <= MALFORMED) throw new Error('where: the record is not well-formed')
  return end
}

const DEPTH_MAX = 65_535

/** The key in quotes at bytes[from..to) is `name`. Characters from 0x80 up and escapes are left to `JSON.parse`. */
function isKey(bytes: Uint8Array, from: number, to: number, name: string): boolean {
  let i = 0
  for (let at = from + 1; at < to - 1; at++, i++) {
    const byte = bytes[at]!
    if (byte >= 0x80 || byte === 0x5c) return JSON.parse(textOf(bytes, from, to)) === name
    if (byte !== name.charCodeAt(i)) return false
  }
  return i === name.length
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString()
}
