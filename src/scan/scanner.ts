import type { SchemaSpec } from '../schema/spec.ts'
import { MALFORMED, skipValue } from './skip.ts'
import { compileSlowPath } from './slow-path.ts'

/** What a scanner answers where the slow path must decide. */
export const UNDECIDED = -1

/** Compiled once per worker and schema. What it found in the last accepted record is in the fields. */
export interface RecordScanner {
  /**
   * Newline framing: bytes[from] starts a line; a raw 0x0A is never a blank. Returns the offset just after the JSON
   * value (before trailing blanks, CR, LF), or UNDECIDED. May read past the extent: the caller guarantees that a 0x0A
   * ends it, and rejects an end beyond it.
   */
  scanLine: (bytes: Uint8Array, from: number) => number
  /**
   * Structural framing: any JSON blank. The caller ignores a result > to; `bytes` has at least 64 bytes of 0x0A after
   * the last `to`.
   */
  scanValue: (bytes: Uint8Array, from: number, to: number) => number
  /** 0..10 */
  severity: number
  /** Whole epoch milliseconds of the event, NaN when the schema names none or it is absent. */
  timeMs: number
  /** Raw CR or LF stand between the value's tokens: the sealer must blank them. */
  rawBreaks: boolean
}

export function compileScanner(spec: SchemaSpec, limits: { maxDepth: number }): RecordScanner {
  const slowPath = compileSlowPath(spec, limits)
  const scanner: RecordScanner = {
    severity: 0,
    timeMs: Number.NaN,
    rawBreaks: false,
    scanLine: (bytes, from) => scan(bytes, from, bytes.length, false),
    scanValue: (bytes, from, to) => scan(bytes, from, to, true),
  }
  function scan(bytes: Uint8Array, from: number, to: number, newlineIsSpace: boolean): number {
    const end = skipValue(bytes, from, to, limits.maxDepth, newlineIsSpace)
    if (end <= MALFORMED) return UNDECIDED
    const verdict = slowPath.decide(bytes, from, end)
    if (!verdict.accepted) return UNDECIDED
    scanner.severity = verdict.severity
    scanner.timeMs = verdict.timeMs
    scanner.rawBreaks = verdict.rawBreaks
    return end
  }
  return scanner
}
