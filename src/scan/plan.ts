import { Get as formatOf } from 'typebox/format'
import { isObject, KEYWORDS } from '../schema/keywords.ts'
import { LinearPattern } from '../schema/linear-pattern.ts'
import { follow, isArrayIndex, parsePointer } from '../schema/pointer.ts'
import { RFC3339_FORMAT } from '../schema/oracle.ts'
import type { SchemaSpec } from '../schema/spec.ts'
import { ANY, anyPlan, isFree, isMoreThanValues, KINDS, kindOf, nothing, takes } from './value-plan.ts'
import type { Kind, ObjectPlan, StringPlan, ValuePlan } from './value-plan.ts'

/** Subschemas in all: what grows beyond is left to the slow path, so that programs stay small. */
const NODES_MAX = 500
/** Subschemas in one another. References that lead in circles end here. */
const NESTING_MAX = 16

/** The plan of a spec: its schema, and the values that severity and time are taken from. */
export function planOf(spec: SchemaSpec): ValuePlan {
  const plan = new Planner(spec.schema).plan(spec.schema, 0)
  if (spec.severity !== undefined) capture(plan, parsePointer(spec.severity) ?? [], 'severity')
  if (spec.timestamp !== undefined) capture(plan, parsePointer(spec.timestamp) ?? [], 'time')
  return plan
}

/** Marks the value that the tokens lead to, making way for it where the schema says nothing. */
function capture(root: ValuePlan, tokens: readonly string[], what: 'severity' | 'time'): void {
  let plan = root
  for (const token of tokens) {
    // An index may lead into an array: that takes more than names.
    if (isArrayIndex(token)) plan.array = null
    if (plan.object === null) return
    let inner = plan.object.properties.get(token)
    if (inner === undefined || inner === ANY) {
      if (inner === undefined && plan.object.additional !== ANY) {
        // A name that is not declared must not be here, or has a rule that the kernel does not mix with the capture.
        if (plan.object.additional !== null) plan.object = null
        return
      }
      inner = anyPlan()
      plan.object.properties.set(token, inner)
    }
    plan = inner
  }
  // One value for both is possible, and not worth code.
  if (plan.capture === null) plan.capture = what
  else Object.assign(plan, nothing())
}

/** The loader has checked that a keyword's value is what the narrowing takes. */
// oxlint-disable-next-line typescript/no-explicit-any -- each keyword has a type of its own
type Narrowing = (plan: ValuePlan, value: any) => void

class Planner {
  readonly #root: unknown
  readonly #hasIds: boolean
  #nodes = 0

  constructor(root: unknown) {
    this.#root = root
    this.#hasIds = JSON.stringify(root).includes('"$id"')
  }

  plan(schema: unknown, nesting: number): ValuePlan {
    if (schema === true || (isObject(schema) && Object.keys(schema).length === 0))
      return nesting === 0 ? anyPlan() : ANY
    const plan = anyPlan()
    this.narrow(plan, schema, nesting)
    return plan
  }

  /** Adds what `schema` asks for to what `plan` asks for already. */
  narrow(plan: ValuePlan, schema: unknown, nesting: number): void {
    if (schema === true) return
    if (!isObject(schema) || nesting > NESTING_MAX || ++this.#nodes > NODES_MAX) {
      Object.assign(plan, nothing())
      return
    }
    for (const [keyword, value] of Object.entries(schema)) {
      if (Object.hasOwn(NARROWINGS, keyword)) NARROWINGS[keyword]!(plan, value)
    }
    this.#narrowParts(plan, schema, nesting)
  }

  /** The keywords that hold subschemas. */
  #narrowParts(plan: ValuePlan, schema: Readonly<Record<string, unknown>>, nesting: number): void {
    if (
      plan.object !== null &&
      (schema.properties !== undefined || schema.additionalProperties !== undefined)
    ) {
      this.#narrowObject(plan, plan.object, schema, nesting)
    }
    if (plan.array !== null && schema.items !== undefined) {
      if (Array.isArray(schema.items) || plan.array.items !== ANY) plan.array = null
      else plan.array.items = this.plan(schema.items, nesting + 1)
    }
    if (typeof schema.$ref === 'string') this.#narrowReference(plan, schema.$ref, nesting)
    if (Array.isArray(schema.allOf)) {
      for (const part of schema.allOf) this.narrow(plan, part, nesting + 1)
    }
    for (const branches of [schema.anyOf, schema.oneOf]) {
      if (!Array.isArray(branches)) continue
      const plans = branches.map((branch) => this.plan(branch, nesting + 1))
      intersect(plan, plans)
      if (branches === schema.oneOf) this.#leaveDoubtful(plan, branches, plans)
    }
  }

  /** What a branch of `oneOf` leaves to the slow path it may take too: then two take it, and it is refused. */
  #leaveDoubtful(plan: ValuePlan, branches: readonly unknown[], plans: readonly ValuePlan[]): void {
    const isCertain = (kind: Kind) =>
      plans.every((branch, index) => takes(branch, kind) || this.#forbids(branches[index], kind, 0))
    const none = nothing()
    const doubtful = KINDS.filter((kind) => !isCertain(kind))
    Object.assign(plan, Object.fromEntries(doubtful.map((kind) => [kind, none[kind]])))
  }

  /** No value of this kind passes, for certain. */
  #forbids(schema: unknown, kind: Kind, hops: number): boolean {
    if (!isObject(schema)) return schema === false
    const { type, enum: values, $ref: reference } = schema
    if (type !== undefined && ![type].flat().some((name) => kindsOfType(name).includes(kind))) return true
    if (Array.isArray(values) && !values.some((value) => kindOf(value) === kind)) return true
    if ('const' in schema && kindOf(schema.const) !== kind) return true
    if (typeof reference !== 'string' || hops === NESTING_MAX) return false
    const target = this.#target(reference)
    return target !== undefined && this.#forbids(target, kind, hops + 1)
  }

  #narrowObject(
    plan: ValuePlan,
    object: ObjectPlan,
    schema: Readonly<Record<string, unknown>>,
    nesting: number,
  ): void {
    const additional = schema.additionalProperties ?? true
    const isOpen = additional === true || (isObject(additional) && Object.keys(additional).length === 0)
    // `additionalProperties` looks at the `properties` beside it only, so it can't be mixed with another schema's.
    if (object.additional !== ANY || (!isOpen && object.properties.size > 0)) {
      plan.object = null
      return
    }
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      const known = object.properties.get(name)
      if (known === undefined || known === ANY) object.properties.set(name, this.plan(inner, nesting + 1))
      else this.narrow(known, inner, nesting + 1)
    }
    if (!isOpen) object.additional = additional === false ? null : this.plan(additional, nesting + 1)
  }

  #narrowReference(plan: ValuePlan, reference: string, nesting: number): void {
    this.narrow(plan, this.#target(reference) ?? false, nesting + 1)
  }

  /** References by pointer within the document; others (`$id`, anchors) are left to the slow path. */
  #target(reference: string): unknown {
    const tokens =
      reference.startsWith('#') && !reference.includes('%') ? parsePointer(reference.slice(1)) : null
    return tokens === null || this.#hasIds ? undefined : follow(this.#root, tokens)
  }
}

/** What each keyword that holds no subschema leaves of a plan. */
const NARROWINGS: Readonly<Record<string, Narrowing>> = {
  type: narrowType,
  const: (plan, value) => narrowValues(plan, [value]),
  enum: (plan, values) => narrowValues(plan, values),
  required: (plan, names: string[]) => {
    for (const name of names) plan.object?.required.add(name)
  },
  maxProperties: (plan, count: number) => {
    if (plan.object !== null) plan.object.maxProperties = Math.min(plan.object.maxProperties, count)
  },
  minItems: (plan, count: number) => {
    if (plan.array !== null) plan.array.minItems = Math.max(plan.array.minItems, count)
  },
  maxItems: (plan, count: number) => {
    if (plan.array !== null) plan.array.maxItems = Math.min(plan.array.maxItems, count)
  },
  minLength: (plan, count: number) => {
    if (plan.string !== null) plan.string.minLength = Math.max(plan.string.minLength, count)
  },
  maxLength: (plan, count: number) => {
    if (plan.string !== null) plan.string.maxLength = Math.min(plan.string.maxLength, count)
  },
  format: (plan, format: string) => {
    const test = formatOf(format)
    if (plan.string === null || test === undefined) return
    // A `date-time` may have more, but what RFC 3339 takes it takes.
    if (format === RFC3339_FORMAT || format === 'date-time') plan.string.isRfc3339 = true
    else plan.string.tests.push(test)
  },
  pattern: (plan, pattern: string) => {
    const compiled = new LinearPattern(pattern)
    plan.string?.tests.push((text) => compiled.test(text))
  },
  minimum: (plan, bound: number) => narrowNumber(plan, 'minimum', Math.max, bound),
  maximum: (plan, bound: number) => narrowNumber(plan, 'maximum', Math.min, bound),
  exclusiveMinimum: (plan, bound: number) => narrowNumber(plan, 'exclusiveMinimum', Math.max, bound),
  exclusiveMaximum: (plan, bound: number) => narrowNumber(plan, 'exclusiveMaximum', Math.min, bound),
  multipleOf: (plan) => void (plan.number = null),
  uniqueItems: (plan, isUnique: boolean) => {
    if (isUnique) plan.array = null
  },
  ...leaveToSlowPath('object', [
    'patternProperties',
    'propertyNames',
    'minProperties',
    'dependencies',
    'dependentRequired',
    'dependentSchemas',
  ]),
  // TypeBox finds properties in arrays too here: their indices.
  unevaluatedProperties: (plan) => void Object.assign(plan, { object: null, array: null }),
  ...leaveToSlowPath('array', ['prefixItems', 'additionalItems', 'unevaluatedItems', 'contains']),
  not: (plan) => void Object.assign(plan, nothing()),
  if: (plan) => void Object.assign(plan, nothing()),
  $dynamicRef: (plan) => void Object.assign(plan, nothing()),
  $recursiveRef: (plan) => void Object.assign(plan, nothing()),
}

/** Keywords with code here, in `Planner`, or with no say of their own. A test keeps this equal to KEYWORDS. */
export function isPlanned(keyword: string): boolean {
  return Object.hasOwn(NARROWINGS, keyword) || SILENT.has(keyword) || !KEYWORDS.has(keyword)
}

const SILENT: ReadonlySet<string> = new Set([
  'properties',
  'additionalProperties',
  'items',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  '$schema',
  '$id',
  '$anchor',
  '$dynamicAnchor',
  '$recursiveAnchor',
  '$defs',
  'definitions',
  'then',
  'else',
  'minContains',
  'maxContains',
])

function leaveToSlowPath(kind: 'object' | 'array', keywords: readonly string[]): Record<string, Narrowing> {
  return Object.fromEntries(keywords.map((keyword) => [keyword, (plan) => void (plan[kind] = null)]))
}

function kindsOfType(name: unknown): readonly Kind[] {
  if (name === 'boolean') return ['true', 'false']
  return KINDS.filter((kind) => kind === (name === 'integer' ? 'number' : name))
}

function narrowType(plan: ValuePlan, value: string | string[]): void {
  const types = new Set(Array.isArray(value) ? value : [value])
  if (!types.has('null')) plan.null = false
  if (!types.has('boolean')) plan.true = plan.false = false
  if (!types.has('string')) plan.string = null
  if (!types.has('object')) plan.object = null
  if (!types.has('array')) plan.array = null
  if (!types.has('number') && !types.has('integer')) plan.number = null
  if (plan.number !== null) {
    plan.number.isBounded = true
    if (!types.has('number')) plan.number.isInteger = true
  }
}

function narrowNumber(
  plan: ValuePlan,
  bound: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum',
  stricter: (a: number, b: number) => number,
  value: number,
): void {
  if (plan.number === null) return
  plan.number[bound] = stricter(plan.number[bound], value)
  plan.number.isBounded = true
}

function narrowValues(plan: ValuePlan, values: readonly unknown[]): void {
  plan.null &&= values.includes(null)
  plan.true &&= values.includes(true)
  plan.false &&= values.includes(false)
  plan.object = null
  plan.array = null
  const texts = values.filter((value) => typeof value === 'string')
  const numbers = values.filter((value) => typeof value === 'number')
  if (plan.string !== null) {
    plan.string.values = texts.filter((text) => plan.string?.values?.includes(text) ?? true)
    if (texts.length === 0) plan.string = null
  }
  if (plan.number !== null) {
    plan.number.values = numbers.filter((number) => plan.number?.values?.includes(number) ?? true)
    plan.number.isBounded = true
    if (numbers.length === 0) plan.number = null
  }
}

/**
 * Narrows a plan by `anyOf` or `oneOf`, where no kind is in two branches (so that both mean the same), but for unions
 * of string values. Kinds that are in several branches, or narrowed on both sides, are left to the slow path.
 */
function intersect(plan: ValuePlan, branches: readonly ValuePlan[]): void {
  const taking = (kind: 'number' | 'string' | 'object' | 'array'): ValuePlan[] =>
    branches.filter((branch) => branch === ANY || branch[kind] !== null)
  for (const name of ['null', 'true', 'false'] as const) {
    plan[name] &&= branches.filter((branch) => branch[name]).length === 1
  }
  const alone = branches.length
  const free = anyPlan()
  const only = <Ruled extends 'number' | 'string' | 'object' | 'array'>(kind: Ruled): ValuePlan[Ruled] => {
    const takers = taking(kind)
    if (takers.length !== 1 || alone === 0 || !isFree(plan, kind)) return null
    return takers[0] === ANY ? free[kind] : takers[0]![kind]
  }
  const union = unionOfValues(plan, taking('string'))
  plan.number = only('number')
  plan.string = union ?? only('string')
  plan.object = only('object')
  plan.array = only('array')
}

function unionOfValues(plan: ValuePlan, takers: readonly ValuePlan[]): StringPlan | null {
  if (takers.length < 2 || !isFree(plan, 'string')) return null
  const values = takers.flatMap(({ string }) =>
    string === null || isMoreThanValues(string) ? [] : (string.values ?? []),
  )
  const isWhole = takers.every(
    ({ string }) => string !== null && string.values !== null && !isMoreThanValues(string),
  )
  if (!isWhole || new Set(values).size !== values.length) return null
  return { minLength: 0, maxLength: Infinity, values, isRfc3339: false, tests: [] }
}
