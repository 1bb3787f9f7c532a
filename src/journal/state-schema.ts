import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Check } from 'typebox/value'
import { checkpointSchema, isCheckpoint } from './checkpoint-schema.ts'
import type { Interval, JournalState } from './state.ts'

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const position = Type.Object({ segment: count, offset: count, sequence: count })
const recordId = Type.Tuple([count, count])
const lane = Type.Object({
  next: position,
  oldest: position,
  unsettled: Type.Array(Type.Object({ from: recordId, to: recordId })),
})

const sink = Type.Object({
  attachedAt: Type.String(),
  inputs: Type.Array(Type.String()),
  before: Type.Integer(),
  lanes: Type.Tuple([lane, lane]),
  settled: Type.Tuple([count, count]),
  voided: Type.Array(count),
  delivered: Type.Tuple([count, count]),
  deliveredBytes: count,
  deadLettered: Type.Record(Type.String(), count),
  discarded: Type.Record(Type.String(), count),
})

/**
 * The state as it stands in JSON; keys that a later version adds are let through. TypeBox looks keys up with `in`: none of
 * these is one that every object has.
 */
const stateSchema = Type.Object({
  version: Type.Literal(1),
  sequence: count,
  checkpoint: checkpointSchema,
  sinks: Type.Record(Type.String(), sink),
  deadLetters: Type.Object({ found: count, replayed: count, purged: count, evicted: count }),
})

/** The state that a text holds, or null where it holds none of this version. */
export function parseState(json: string): JournalState | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  return isState(value) ? value : null
}

function isState(value: unknown): value is JournalState {
  return Check(stateSchema, value) && isCheckpoint(value.checkpoint) && intervalsAscend(value)
}

function intervalsAscend({ sinks }: Static<typeof stateSchema>): boolean {
  return Object.values(sinks).every(({ lanes }) =>
    lanes.every(({ unsettled }) =>
      unsettled.every(({ from, to }, index) => {
        const before = unsettled[index - 1]
        return isBefore(from, to) && (before === undefined || !isBefore(from, before.to))
      }),
    ),
  )
}

function isBefore(a: Interval['from'], b: Interval['from']): boolean {
  return a[0] === b[0] ? a[1] < b[1] : a[0] < b[0]
}
