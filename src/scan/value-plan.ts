/**
 * What the kernel does with a value, by its kind. `null`: this kind is left to the slow path, because the schema
 * forbids it or says something about it that the kernel has no code for; both are UNDECIDED.
 */
export interface ValuePlan {
  null: boolean
  true: boolean
  false: boolean
  number: NumberPlan | null
  string: StringPlan | null
  object: ObjectPlan | null
  array: ArrayPlan | null
  capture: 'severity' | 'time' | null
}

export const KINDS = ['null', 'true', 'false', 'number', 'string', 'object', 'array'] as const
export type Kind = (typeof KINDS)[number]

export interface NumberPlan {
  /** Some rule holds for numbers, so that at least Infinity (1e999) must not pass. */
  isBounded: boolean
  isInteger: boolean
  minimum: number
  maximum: number
  exclusiveMinimum: number
  exclusiveMaximum: number
  values: readonly number[] | null
}

export interface StringPlan {
  /** Code points. */
  minLength: number
  maxLength: number
  values: readonly string[] | null
  isRfc3339: boolean
  tests: ((text: string) => boolean)[]
}

export interface ObjectPlan {
  properties: Map<string, ValuePlan>
  required: Set<string>
  /** For other names; null: there must be none. */
  additional: ValuePlan | null
  maxProperties: number
}

export interface ArrayPlan {
  items: ValuePlan
  minItems: number
  maxItems: number
}

export function anyPlan(): ValuePlan {
  return {
    null: true,
    true: true,
    false: true,
    number: {
      isBounded: false,
      isInteger: false,
      minimum: -Infinity,
      maximum: Infinity,
      exclusiveMinimum: -Infinity,
      exclusiveMaximum: Infinity,
      values: null,
    },
    string: { minLength: 0, maxLength: Infinity, values: null, isRfc3339: false, tests: [] },
    object: { properties: new Map(), required: new Set(), additional: ANY, maxProperties: Infinity },
    array: { items: ANY, minItems: 0, maxItems: Infinity },
    capture: null,
  }
}

/** The plan that takes everything, as a mark: `isAny` without looking inside. Never changed. */
export const ANY: ValuePlan = {
  null: true,
  true: true,
  false: true,
  number: null,
  string: null,
  object: null,
  array: null,
  capture: null,
}

export function isAnyObject(plan: ObjectPlan): boolean {
  return (
    plan.properties.size + plan.required.size === 0 &&
    plan.additional === ANY &&
    plan.maxProperties === Infinity
  )
}

export function isAnyArray(plan: ArrayPlan): boolean {
  return plan.items === ANY && plan.minItems === 0 && plan.maxItems === Infinity
}

/** The plan that takes nothing: every kind is left to the slow path. */
export function nothing(): ValuePlan {
  return { ...ANY, null: false, true: false, false: false }
}

/** Some values of this kind are not left to the slow path. */
export function takes(plan: ValuePlan, kind: Kind): boolean {
  return plan === ANY || (plan[kind] !== null && plan[kind] !== false)
}

/** Of a value that comes from JSON. */
export function kindOf(value: unknown): Kind {
  if (Array.isArray(value)) return 'array'
  if (value === null || typeof value === 'boolean') return `${value}`
  return KINDS.find((kind) => kind === typeof value) ?? 'object'
}

export function isMoreThanValues(plan: StringPlan): boolean {
  return plan.minLength > 0 || plan.maxLength < Infinity || plan.isRfc3339 || plan.tests.length > 0
}

/** Nothing has narrowed this kind yet. */
export function isFree(plan: ValuePlan, kind: 'number' | 'string' | 'object' | 'array'): boolean {
  const { number, string, object, array } = plan
  if (kind === 'number') return number !== null && !number.isBounded
  if (kind === 'string') return string !== null && string.values === null && !isMoreThanValues(string)
  if (kind === 'object') return object !== null && isAnyObject(object)
  return array !== null && isAnyArray(array)
}
