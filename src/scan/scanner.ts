import { rfc3339Ms } from '../schema/rfc3339.ts'
import type { SchemaSpec } from '../schema/spec.ts'
import { Emitter } from './emit.ts'
import { planOf } from './plan.ts'
import * as tree from './tree.ts'
import * as value from './value.ts'

/** What a scanner answers where the slow path must decide. */
export const UNDECIDED = -1

/** Compiled once per worker and schema. What it found in the last accepted record is in the fields. */
export interface RecordScanner {
  /**
   * Newline framing: bytes[from] starts a line; a raw 0x0A is never a blank. Returns the offset just after the JSON
   * value (before trailing blanks, CR, LF), or UNDECIDED. May read past the extent: the caller guarantees that a 0x0A
   * ends it, and rejects an end beyond it.
   */
  readonly scanLine: (bytes: Uint8Array, from: number) => number
  /**
   * Structural framing: any JSON blank. The caller ignores a result > to; `bytes` has at least 64 bytes of 0x0A after
   * the last `to`.
   */
  readonly scanValue: (bytes: Uint8Array, from: number, to: number) => number
  /** 0..10 */
  severity: number
  /** Whole epoch milliseconds of the event, NaN when the schema names none or it is absent. */
  timeMs: number
  /** Raw CR or LF stand between the value's tokens: the sealer must blank them. */
  rawBreaks: boolean
}

type ScanRecord = (bytes: Uint8Array, view: DataView, from: number) => number

/** Where generated code leaves what it found. Doubles, so that nothing is allocated. */
const SEVERITY = 0
const TIME = 1

/** What generated code calls by name. */
const RUNTIME = { ...tree, ...value, rfc3339Ms, SEVERITY, TIME }

/**
 * A scanner accepts only what the slow path of the same spec accepts, with the same severity and time; for all else it
 * answers UNDECIDED.
 */
export function compileScanner(spec: SchemaSpec, limits: { maxDepth: number }): RecordScanner {
  const severityAbsent = spec.severity === undefined ? 0 : (spec.severityAbsent ?? 0)
  const out = new Float64Array(2)
  const line = generate(spec, limits.maxDepth, false, out)
  const any = generate(spec, limits.maxDepth, true, out)
  let lastBytes: Uint8Array = new Uint8Array(0)
  let view: DataView = new DataView(lastBytes.buffer)

  function scan(record: ScanRecord, bytes: Uint8Array, from: number): number {
    if (bytes !== lastBytes) {
      lastBytes = bytes
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    out[SEVERITY] = severityAbsent
    out[TIME] = Number.NaN
    tree.lineBreaks[0] = 0
    let end
    try {
      end = record(bytes, view, from)
    } catch (error) {
      // Bytes that end without a line feed: the words of the view end before them.
      if (error instanceof RangeError) return UNDECIDED
      throw error
    }
    if (end < 0) return UNDECIDED
    scanner.severity = out[SEVERITY]
    scanner.timeMs = out[TIME]
    scanner.rawBreaks = tree.lineBreaks[0] !== 0
    return end
  }

  const scanner: RecordScanner = {
    severity: 0,
    timeMs: Number.NaN,
    rawBreaks: false,
    scanLine: (bytes, from) => scan(line, bytes, from),
    scanValue: (bytes, from) => scan(any, bytes, from),
  }
  return scanner
}

function generate(
  spec: SchemaSpec,
  maxDepth: number,
  newlineIsSpace: boolean,
  out: Float64Array,
): ScanRecord {
  const emitter = new Emitter({ newlineIsSpace, maxDepth, severity: { map: spec.severityMap ?? {} } })
  const code = emitter.record(planOf(spec))
  const { names, values } = parameters({ ...RUNTIME, out, x: emitter.externals })
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- the point of the kernel; see emit.ts for what gets in
  return new Function(...names, `'use strict'; return ${code}`)(...values)
}

function parameters(scope: Readonly<Record<string, unknown>>): { names: string[]; values: unknown[] } {
  return { names: Object.keys(scope), values: Object.values(scope) }
}
