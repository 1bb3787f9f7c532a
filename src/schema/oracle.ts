import { Set as setFormat } from 'typebox/format'
import { Validator } from 'typebox/schema'
import { firstError } from './explain.ts'
import type { Explanation } from './explain.ts'
import { linearise } from './linearise.ts'
import { rfc3339TextMs } from './rfc3339.ts'

/** The `format` of RFC 3339 without the suffix of RFC 9557 that TypeBox's `date-time` takes. */
export const RFC3339_FORMAT = 'rfc3339'

// TypeBox's registry is global to the thread; this name is ours.
setFormat(RFC3339_FORMAT, (text) => !Number.isNaN(rfc3339TextMs(text)))

/** TypeBox's compiled check of one schema: what is accepted is what it accepts. */
export interface Oracle {
  /** `value` comes from `JSON.parse` and belongs to the oracle afterwards: its prototypes may go. */
  check: (value: unknown) => boolean
  /** Why `check` said no. */
  explain: (value: unknown) => Explanation
}

/**
 * TypeBox looks keys up with `in`, so that `toString` would be found in every object. Where a schema mentions such a
 * name, the objects lose their prototypes before the check: own properties only.
 */
export function compileOracle(schema: unknown): Oracle {
  const validator = new Validator({}, linearise(schema))
  const needsBareObjects = mentionsInheritedName(schema)
  return {
    check(value) {
      if (needsBareObjects) strip(value)
      return validator.Check(value)
    },
    explain: (value) => firstError(validator.Errors(value)[1]),
  }
}

function mentionsInheritedName(node: unknown): boolean {
  if (typeof node === 'string') return node in Object.prototype
  if (typeof node !== 'object' || node === null) return false
  return Array.isArray(node)
    ? node.some(mentionsInheritedName)
    : Object.entries(node).some(([key, value]) => key in Object.prototype || mentionsInheritedName(value))
}

/** Recursion is bounded by the depth limit that the record has passed. */
function strip(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null)
  for (const inner of Object.values(value)) strip(inner)
}
