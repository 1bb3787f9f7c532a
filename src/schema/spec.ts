/**
 * What a source validates against: one entry of the config's `schemas`, or a built-in.
 * Plain data: it crosses threads in `workerData`.
 */
export interface SchemaSpec {
  name: string
  /** A JSON Schema document (TypeBox schemas are JSON Schema). */
  schema: unknown
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
