import { ANY, isAnyArray, isAnyObject, nothing } from './value-plan.ts'
import type { ArrayPlan, NumberPlan, ObjectPlan, StringPlan, ValuePlan } from './value-plan.ts'
import * as layout from './wasm/layout.ts'

/** More texts are tested in JavaScript, by a Set. */
const TEXTS_MAX = 64
const COUNT_MAX = 0x7fffffff
const UTF8 = new TextEncoder()

export interface SeverityRule {
  readonly map: Readonly<Record<string, number>>
  readonly absent: number
}

type TextTest = (text: string) => boolean

/** A plan as the kernel reads it: what its own memory holds at the beginning (wasm/layout.ts). */
export class Program {
  /** Patterns, formats and long lists of texts: the kernel asks by index. */
  readonly tests: (readonly TextTest[])[] = []
  readonly #severity: SeverityRule
  /** Offsets of plans that are written: what several names share is written once. */
  readonly #nodes = new Map<ValuePlan, number>()
  #image = Buffer.alloc(2 * layout.PROGRAM_AT)
  #end = layout.PROGRAM_AT

  /** @param maxDepth of containers in one another, in a record. */
  constructor(plan: ValuePlan, maxDepth: number, severity: SeverityRule) {
    this.#severity = severity
    // Before a record's first key, and behind a key that is not kept, there may be any: no object is NONE.
    for (const slot of [layout.MEMO_AT, layout.MEMO_AT + layout.SLOT_BYTES]) {
      this.#set(slot + layout.SLOT_OBJECT, layout.NONE)
      this.#set(slot + layout.SLOT_NEXT, layout.MEMO_AT + layout.SLOT_BYTES)
    }
    for (let exponent = 0; exponent <= layout.EXACT_DIGITS; exponent++) {
      this.#setDouble(layout.POWERS_AT + exponent * 8, 10 ** exponent)
    }
    this.#set(layout.MAX_DEPTH_AT, maxDepth)
    this.#set(layout.SEVERITY_ABSENT_AT, severity.absent)
    const root = this.#value(plan)
    this.#set(layout.ROOT_AT, root)
    // A small number's end is noticed by what stands around it, and around the record's own value nothing does.
    const rules = root + layout.VALUE_NUMBER_RULES
    this.#set(rules, this.#image.readInt32LE(rules) & ~layout.NUMBER_SMALL)
  }

  get image(): Uint8Array {
    return this.#image.subarray(0, this.#end)
  }

  /** Offset of the plan's node; 0 for any value. */
  #value(plan: ValuePlan): number {
    if (plan === ANY) return 0
    const written = this.#nodes.get(plan)
    if (written !== undefined) return written
    const node = this.#take(layout.VALUE_BYTES)
    this.#nodes.set(plan, node)
    const { number, string, object, array, capture } = plan
    let kinds = 0
    if (plan.null) kinds |= layout.KIND_NULL
    if (plan.true) kinds |= layout.KIND_TRUE
    if (plan.false) kinds |= layout.KIND_FALSE
    if (string !== null) kinds |= layout.KIND_STRING
    if (object !== null) kinds |= layout.KIND_OBJECT
    if (array !== null) kinds |= layout.KIND_ARRAY
    // A map may name numbers too; that is for the slow path.
    if (number !== null && !(capture === 'severity' && this.#mapsNumbers())) kinds |= layout.KIND_NUMBER
    if (capture === 'severity') kinds |= layout.CAPTURE_SEVERITY
    if (capture === 'time') kinds |= layout.CAPTURE_TIME
    this.#set(node + layout.VALUE_KINDS, kinds)
    if (string !== null) this.#string(node, string, capture)
    if (number !== null) this.#number(node, number)
    if (object !== null && !isAnyObject(object)) this.#set(node + layout.VALUE_OBJECT, this.#object(object))
    if (array !== null && !isAnyArray(array)) this.#set(node + layout.VALUE_ARRAY, this.#array(array))
    return node
  }

  #mapsNumbers(): boolean {
    return Object.keys(this.#severity.map).some((name) => name === String(Number(name)))
  }

  #string(node: number, plan: StringPlan, capture: ValuePlan['capture']): void {
    const { minLength, maxLength, values, isRfc3339 } = plan
    const tests = [...plan.tests]
    let rules = 0
    if (isRfc3339) rules |= layout.STRING_RFC3339
    if (minLength > 0 || maxLength < Infinity) {
      rules |= layout.STRING_LENGTH
      this.#set(node + layout.VALUE_MIN_LENGTH, Math.min(minLength, COUNT_MAX))
      this.#set(node + layout.VALUE_MAX_LENGTH, Math.min(maxLength, COUNT_MAX))
    }
    if (values !== null && values.length <= TEXTS_MAX) {
      rules |= layout.STRING_TEXTS
      this.#texts(node + layout.VALUE_TEXTS, values)
    } else if (values !== null) {
      const known = new Set(values)
      tests.push((text) => known.has(text))
    }
    if (tests.length > 0) {
      rules |= layout.STRING_TESTS
      this.#set(node + layout.VALUE_TESTS, this.tests.push(tests) - 1)
    }
    if (capture === 'severity') this.#texts(node + layout.VALUE_LEVELS, Object.keys(this.#severity.map))
    if (isRfc3339 || tests.length > 0 || values !== null || capture !== null) rules |= layout.STRING_PLAIN
    this.#set(node + layout.VALUE_STRING_RULES, rules)
  }

  #number(node: number, plan: NumberPlan): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, values } = plan
    const isUnbounded = minimum === -Infinity && maximum === Infinity
    const isFree = isUnbounded && exclusiveMinimum === -Infinity && exclusiveMaximum === Infinity
    let rules = 0
    if (plan.isBounded) rules |= layout.NUMBER_BOUNDED
    if (plan.isInteger) rules |= layout.NUMBER_INTEGER
    if (isFree && values === null) rules |= layout.NUMBER_FINITE
    if (isSmallInteger(plan)) rules |= layout.NUMBER_SMALL
    this.#set(node + layout.VALUE_NUMBER_RULES, rules)
    this.#setDouble(node + layout.VALUE_MINIMUM, minimum)
    this.#setDouble(node + layout.VALUE_MAXIMUM, maximum)
    this.#setDouble(node + layout.VALUE_EXCLUSIVE_MINIMUM, exclusiveMinimum)
    this.#setDouble(node + layout.VALUE_EXCLUSIVE_MAXIMUM, exclusiveMaximum)
    if (values === null) return
    // At least one, so that the list has an offset.
    const list = this.#take(8 * values.length + 8)
    for (const [index, value] of values.entries()) this.#setDouble(list + 8 * index, value)
    this.#set(node + layout.VALUE_NUMBERS, list)
    this.#set(node + layout.VALUE_NUMBER_COUNT, values.length)
  }

  #object(plan: ObjectPlan): number {
    const members = new Map(plan.properties)
    const other = plan.additional ?? nothing()
    for (const name of plan.required) {
      if (!members.has(name)) members.set(name, other)
    }
    // A name that JSON can only write with an escape is never found, nor required in vain: an escaped key is undecided.
    const named = [...members].filter(([name]) => isPlain(name))
    const node = this.#take(layout.OBJECT_BYTES)
    const list = this.#take(layout.MEMBER_BYTES * named.length)
    this.#set(node + layout.OBJECT_MEMBERS, list)
    this.#set(node + layout.OBJECT_MEMBER_COUNT, named.length)
    this.#set(node + layout.OBJECT_REQUIRED, plan.required.size)
    this.#set(node + layout.OBJECT_COUNT_MAX, Math.min(plan.maxProperties, COUNT_MAX))
    this.#set(node + layout.OBJECT_PLAIN_KEYS, members.size > 0 ? 1 : 0)
    this.#set(
      node + layout.OBJECT_OTHERS,
      plan.additional === null ? layout.NONE : this.#value(plan.additional),
    )
    for (const [index, [name, value]] of named.entries()) {
      const member = list + layout.MEMBER_BYTES * index
      const text = UTF8.encode(name)
      this.#set(member + layout.MEMBER_TEXT, this.#text(text))
      this.#set(member + layout.MEMBER_LENGTH, text.length)
      this.#set(member + layout.MEMBER_REQUIRED, plan.required.has(name) ? 1 : 0)
      this.#set(member + layout.MEMBER_VALUE, this.#value(value))
    }
    return node
  }

  #array({ items, minItems, maxItems }: ArrayPlan): number {
    const node = this.#take(layout.ARRAY_BYTES)
    this.#set(node + layout.ARRAY_ITEMS, this.#value(items))
    this.#set(node + layout.ARRAY_COUNT_MIN, Math.min(minItems, COUNT_MAX))
    this.#set(node + layout.ARRAY_COUNT_MAX, Math.min(maxItems, COUNT_MAX))
    return node
  }

  /** A list of texts; its offset and length go to `at`. A text that is only written with escapes is not looked for. */
  #texts(at: number, texts: readonly string[]): void {
    const plain = texts.filter(isPlain)
    const list = this.#take(layout.TEXT_BYTES * plain.length)
    this.#set(at, list)
    this.#set(at + 4, plain.length)
    const { map } = this.#severity
    for (const [index, text] of plain.entries()) {
      const entry = list + layout.TEXT_BYTES * index
      const utf8 = UTF8.encode(text)
      this.#set(entry + layout.TEXT_AT, this.#text(utf8))
      this.#set(entry + layout.TEXT_LENGTH, utf8.length)
      this.#set(entry + layout.TEXT_SEVERITY, Object.hasOwn(map, text) ? map[text]! : layout.NONE)
    }
  }

  /** Padded with zeros to whole 16 bytes. */
  #text(utf8: Uint8Array): number {
    const at = this.#take(utf8.length)
    this.#image.set(utf8, at)
    return at
  }

  #take(bytes: number): number {
    const at = this.#end
    this.#end += Math.ceil(bytes / 16) * 16
    if (this.#end > this.#image.length) {
      const larger = Buffer.alloc(2 * this.#end)
      this.#image.copy(larger)
      this.#image = larger
    }
    return at
  }

  #set(at: number, value: number): void {
    this.#image.writeInt32LE(value, at)
  }

  #setDouble(at: number, value: number): void {
    this.#image.writeDoubleLE(value, at)
  }
}

/** Its JSON text may be the text in quotes, and its UTF-8 is its own. */
function isPlain(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what must be found
  return text.isWellFormed() && !/["\\\u0000-\u001f]/.test(text)
}

/** An integer within 0..99, as severities are. */
function isSmallInteger(plan: NumberPlan): boolean {
  return (
    plan.isInteger &&
    plan.values === null &&
    plan.minimum >= 0 &&
    plan.maximum <= 99 &&
    plan.exclusiveMinimum === -Infinity &&
    plan.exclusiveMaximum === Infinity
  )
}
