import { isUtf8 } from 'node:buffer'
import type { RejectCategory } from '../memory/extent-ring.ts'
import { compileClassifier } from '../schema/classify.ts'
import { compileOracle } from '../schema/oracle.ts'
import type { SchemaSpec } from '../schema/spec.ts'
import { simdjson } from './simdjson.ts'
import { MALFORMED, skipBlanks, skipValue, TOO_DEEP, TRUNCATED } from './skip.ts'

/** What is expected of a record that took its worker, or the schema's check, down. */
export const PROCESSABLE = 'a record that can be processed'

export interface Verdict {
  accepted: boolean
  /** 0..10 */
  severity: number
  /** Whole epoch milliseconds, NaN when there are none. */
  timeMs: number
  /** Raw CR or LF stand between tokens, so that the record is not yet one line. */
  rawBreaks: boolean
  category: RejectCategory | ''
  /** JSON pointer to what is wrong, '' for the record itself. */
  path: string
  expected: string
}

/** Decides one record exactly: `JSON.parse` and TypeBox's compiled check say what is right. */
export interface SlowPath {
  /**
   * bytes[from..to) is one candidate record: a line without its LF, or a value, blanks around it allowed.
   * The verdict is one object, used again by the next call.
   */
  decide: (bytes: Uint8Array, from: number, to: number) => Verdict
}

/** @throws Error when a pattern of the schema needs backtracking; `loadUserSpec` has refused such a schema before. */
export function compileSlowPath(spec: SchemaSpec, limits: { maxDepth: number }): SlowPath {
  const oracle = compileOracle(spec.schema)
  const classifier = compileClassifier(spec)
  const verdict: Verdict = {
    accepted: false,
    severity: 0,
    timeMs: Number.NaN,
    rawBreaks: false,
    category: '',
    path: '',
    expected: '',
  }
  const reject = (category: RejectCategory, path: string, expected: string): Verdict => {
    verdict.accepted = false
    verdict.severity = 0
    verdict.timeMs = Number.NaN
    verdict.rawBreaks = false
    verdict.category = category
    verdict.path = path
    verdict.expected = expected
    return verdict
  }

  function decide(bytes: Uint8Array, from: number, to: number): Verdict {
    const record = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    if (!isUtf8(record)) return reject('invalid_utf8', '', 'must be UTF-8')
    const shape = shapeOf(bytes, from, to, limits.maxDepth)
    if (shape === TOO_DEEP) {
      return reject('oversize_record', '', `must have at most ${limits.maxDepth} containers open at once`)
    }
    if (shape < 0 && !isDoubtful(record)) return reject('malformed_json', '', 'must be one JSON value')
    let value: unknown
    try {
      value = JSON.parse(record.toString())
    } catch {
      // A record that its check has called well-formed comes here only if the check is wrong.
      if (shape >= 0) crossCheck.disagreements++
      return reject('malformed_json', '', 'must be one JSON value')
    }
    if (shape < 0) crossCheck.disagreements++
    if (!oracle.check(value)) {
      const { path, expected } = oracle.explain(value)
      return reject('schema_violation', path, expected)
    }
    verdict.accepted = true
    verdict.severity = classifier.severityOf(value)
    verdict.timeMs = classifier.timeMsOf(value)
    verdict.rawBreaks = hasRawBreaks(bytes, from, to)
    verdict.category = ''
    verdict.path = ''
    verdict.expected = ''
    return verdict
  }

  return { decide: guarded(decide) }
}

/** A check that fails on a record is the record's fault. */
export function guarded(decide: SlowPath['decide']): SlowPath['decide'] {
  return (bytes, from, to) => {
    try {
      return decide(bytes, from, to)
    } catch {
      return { ...UNPROCESSABLE }
    }
  }
}

const UNPROCESSABLE: Verdict = {
  accepted: false,
  severity: 0,
  timeMs: Number.NaN,
  rawBreaks: false,
  category: 'processing_failure',
  path: '',
  expected: PROCESSABLE,
}

/**
 * One in `SAMPLE` records found malformed is shown to simdjson too. Where it says otherwise `JSON.parse` decides; so
 * a flood of malformed records makes no SyntaxErrors, which cost twenty times more than finding out. (Not all are
 * shown to it, because one call takes 10 to 20 microseconds on some virtual machines.)
 */
const SAMPLE = 64

/** Counts for this thread. `disagreements` of our grammar with `JSON.parse` must stay 0. */
export const crossCheck = { malformed: 0, asked: 0, disagreements: 0 }

function isDoubtful(record: Buffer): boolean {
  if (simdjson.isValid === null || crossCheck.malformed++ % SAMPLE !== 0) return false
  crossCheck.asked++
  return simdjson.isValid(record.toString())
}

/** The end of the one value that fills bytes[from..to) but for blanks; else negative, as `skipValue` says. */
function shapeOf(bytes: Uint8Array, from: number, to: number, maxDepth: number): number {
  const end = skipValue(bytes, from, to, maxDepth, true)
  if (end === TRUNCATED) return MALFORMED
  return end >= 0 && skipBlanks(bytes, end, to, true) !== to ? MALFORMED : end
}

/** In well-formed JSON a raw line break is always between tokens. Those after the value are not the record's. */
function hasRawBreaks(bytes: Uint8Array, from: number, to: number): boolean {
  let end = to
  while (end > from && bytes[end - 1]! <= 0x20) end--
  for (let at = from; at < end; at++) {
    if (bytes[at] === 0x0a || bytes[at] === 0x0d) return true
  }
  return false
}
