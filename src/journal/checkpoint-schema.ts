import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Check } from 'typebox/value'
import { REJECT_CATEGORIES, SEVERITIES } from '../memory/extent-ring.ts'
import type { Checkpoint } from './checkpoint.ts'

/** Filters that a route mask has bits for. */
const FILTERS_MAX = 16

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

const source = Type.Object({
  name: Type.String(),
  receivedBytes: count,
  accepted: count,
  rejected: Type.Array(count, { minItems: REJECT_CATEGORIES.length, maxItems: REJECT_CATEGORIES.length }),
  shed: Type.Array(count, { minItems: SEVERITIES, maxItems: SEVERITIES }),
})

const sink = Type.Object({
  name: Type.String(),
  inputs: Type.Array(count),
  filter: Type.Integer({ minimum: -1, maximum: FILTERS_MAX - 1 }),
  offered: Type.Tuple([count, count]),
  filtered: count,
})

/** A checkpoint as it stands in JSON; keys that a later version adds are let through. */
export const checkpointSchema = Type.Object({
  version: Type.Literal(1),
  segment: count,
  sequence: count,
  epoch: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  createdAt: Type.String(),
  sources: Type.Array(source),
  sinks: Type.Array(sink),
})

/** The checkpoint that a text holds, or null where it holds none of this version. */
export function parseCheckpoint(json: string): Checkpoint | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  return isCheckpoint(value) ? value : null
}

/** Shape, and that nothing points outside of it. */
export function isCheckpoint(value: unknown): value is Checkpoint {
  return Check(checkpointSchema, value) && pointsInside(value)
}

function pointsInside({ sources, sinks }: Static<typeof checkpointSchema>): boolean {
  return (
    sinks.every(({ inputs }) => inputs.every((input) => input < sources.length)) &&
    namesDiffer(sources) &&
    namesDiffer(sinks)
  )
}

function namesDiffer(named: readonly { readonly name: string }[]): boolean {
  return new Set(named.map(({ name }) => name)).size === named.length
}
