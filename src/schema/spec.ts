import { createHash } from 'node:crypto'

/**
 * What a source validates against: one entry of the config's `schemas`, or a built-in.
 * Plain data: it crosses threads in `workerData`.
 */
export interface SchemaSpec {
  name: string
  /** A JSON Schema document (TypeBox schemas are JSON Schema). */
  schema: unknown
  /** `versionOf` the document: dead letters tell by which one they were judged. */
  version: string
  /** JSON pointer to the severity value; absent: every event is 0. */
  severity?: string
  /** String value -> 0..10. Without a map, numbers count, rounded down and clamped to 0..10. */
  severityMap?: Record<string, number>
  /** 0..10, when the pointer leads nowhere or to a value that says nothing; absent: 0. */
  severityAbsent?: number
  /** JSON pointer to the event time: RFC 3339 text, or epoch seconds (milliseconds above 1e11). */
  timestamp?: string
  /** The schema declares a top-level property `logs`, so that an object `{"logs": [...]}` is an event, no envelope. */
  declaresLogs: boolean
}

const VERSION_DIGITS = 12

/** 12 hexadecimal digits that differ where two documents say something different; in which order they say it is nothing. */
export function versionOf(schema: unknown): string {
  return createHash('sha256').update(JSON.stringify(schema, inOrder)).digest('hex').slice(0, VERSION_DIGITS)
}

function inOrder(_: string, value: unknown): unknown {
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Keywords whose subschemas judge the same value. */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'] as const

/** Whether a JSON Schema document names a top-level property; what stands behind a `$ref` is not looked at. */
export function declaresProperty(schema: unknown, name: string): boolean {
  if (Array.isArray(schema)) return schema.some((inner) => declaresProperty(inner, name))
  if (!isObject(schema)) return false
  if (isObject(schema.properties) && Object.hasOwn(schema.properties, name)) return true
  return IN_PLACE.some((keyword) => declaresProperty(schema[keyword], name))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
