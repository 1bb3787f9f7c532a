import { follow, parsePointer } from '../schema/pointer.ts'

type Scalar = string | number | boolean | null

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
  route: (bytes: Uint8Array, from: number, to: number, severity: number) => number
}

/** Filters by position; an absent one always says yes. At most `FILTERS_MAX` positions. */
export function compileRouter(filters: readonly (WhereSpec | undefined)[]): Router {
  if (filters.length > FILTERS_MAX) throw new RangeError(`${filters.length} filters, at most ${FILTERS_MAX}`)
  const tests = filters.flatMap((filter, bit) =>
    Object.entries(filter ?? {}).map(([key, test]) => ({ bit: 1 << bit, tokens: tokensOf(key), test })),
  )
  const onSeverity = tests.filter(({ tokens }) => tokens === null)
  const onRecord = tests.filter(({ tokens }) => tokens !== null)
  const everyone = (1 << filters.length) - 1
  // Eleven severities: their masks are known before the first record.
  const bySeverity = Array.from({ length: 11 }, (_, severity) =>
    onSeverity.reduce((mask, { bit, test }) => (holds(severity, test) ? mask : mask & ~bit), everyone),
  )
  const recordBits = onRecord.reduce((mask, { bit }) => mask | bit, 0)

  return {
    needsBytes: onRecord.length > 0,
    route(bytes, from, to, severity) {
      let mask = bySeverity[severity]!
      if ((mask & recordBits) === 0) return mask
      const record: unknown = JSON.parse(
        Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString(),
      )
      for (const { bit, tokens, test } of onRecord) {
        if ((mask & bit) !== 0 && !holds(follow(record, tokens!), test)) mask &= ~bit
      }
      return mask
    },
  }
}

/** Null for the classified severity. */
function tokensOf(key: string): string[] | null {
  if (key === 'severity') return null
  return key.startsWith('/') ? (parsePointer(key) ?? [key]) : [key]
}

/** An absent value (undefined) matches only `exists: false`. */
function holds(value: unknown, test: WhereTest): boolean {
  if (value === undefined) return test.exists === false && Object.keys(test).length === 1
  if (test.exists === false) return false
  return (
    (test.eq === undefined || value === test.eq) &&
    (test.ne === undefined || value !== test.ne) &&
    (test.in === undefined || test.in.some((choice) => choice === value)) &&
    (test.gt === undefined || (comparable(value, test.gt) && value > test.gt)) &&
    (test.gte === undefined || (comparable(value, test.gte) && value >= test.gte)) &&
    (test.lt === undefined || (comparable(value, test.lt) && value < test.lt)) &&
    (test.lte === undefined || (comparable(value, test.lte) && value <= test.lte))
  )
}

function comparable(value: unknown, bound: number | string): value is number | string {
  return typeof value === typeof bound
}
