import { parsePointer, follow } from './pointer.ts'
import { rfc3339TextMs } from './rfc3339.ts'
import type { SchemaSpec } from './spec.ts'

/** Numbers above this are milliseconds, others seconds: as seconds it would be the year 5138. */
export const SECONDS_MAX = 1e11

/** Severity and time of a parsed event, by the spec's pointers. The scanner reads the same from the bytes. */
export interface Classifier {
  /** 0..10 */
  severityOf: (value: unknown) => number
  /** Whole epoch milliseconds; NaN when there is none. */
  timeMsOf: (value: unknown) => number
}

export function compileClassifier(spec: SchemaSpec): Classifier {
  const severityTokens = spec.severity === undefined ? null : parsePointer(spec.severity)
  const timeTokens = spec.timestamp === undefined ? null : parsePointer(spec.timestamp)
  return {
    severityOf: (value) => (severityTokens === null ? 0 : severityOf(follow(value, severityTokens), spec)),
    timeMsOf: (value) => (timeTokens === null ? Number.NaN : timeMsOf(follow(value, timeTokens))),
  }
}

function severityOf(value: unknown, spec: SchemaSpec): number {
  const { severityMap = {}, severityAbsent = 0 } = spec
  if (typeof value !== 'string' && typeof value !== 'number') return severityAbsent
  const name = String(value)
  if (Object.hasOwn(severityMap, name)) return severityMap[name]!
  return typeof value === 'number' ? clampSeverity(value) : severityAbsent
}

/** A number as a severity: rounded down, at least 0 and at most 10. */
export function clampSeverity(value: number): number {
  return Math.max(0, Math.min(10, Math.floor(value)))
}

function timeMsOf(value: unknown): number {
  if (typeof value === 'string') return rfc3339TextMs(value)
  return typeof value === 'number' ? epochMs(value) : Number.NaN
}

/** Epoch seconds, or milliseconds above `SECONDS_MAX`, as whole milliseconds; NaN for what no clock says. */
export function epochMs(value: number): number {
  const ms = Math.floor(value > SECONDS_MAX ? value : value * 1000)
  return Number.isSafeInteger(ms) ? ms : Number.NaN
}
