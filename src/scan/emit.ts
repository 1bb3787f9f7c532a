import { ANY, isAnyArray, isAnyObject, nothing } from './value-plan.ts'
import type { ArrayPlan, NumberPlan, ObjectPlan, StringPlan, ValuePlan } from './value-plan.ts'
import { TREE_DEPTH_MAX } from './tree.ts'

/**
 * Writes the JavaScript of a scanner. Every piece of code stands at a value or a member: `at` is its first byte, `c` is
 * bytes[at], and afterwards `at` is just after it. Whatever is wrong, rare or unknown is `return -1`.
 *
 * Nothing of a schema gets into the code as text: names and values become numbers, the words of their UTF-8 bytes;
 * other parts of plans are passed beside the code (`externals`).
 */
export interface SeverityRule {
  map: Readonly<Record<string, number>>
}

const UTF8 = new TextEncoder()
const UNDECIDED = 'return -1'
/** A few values are compared in turn, more are looked up. */
const INLINE_VALUES_MAX = 16

export class Emitter {
  /** What the code calls `x[0]`, `x[1]`, ... */
  readonly externals: unknown[] = []
  readonly #functions: string[] = []
  readonly #newlineIsSpace: boolean
  readonly #maxDepth: number
  readonly #severity: SeverityRule

  constructor(options: { newlineIsSpace: boolean; maxDepth: number; severity: SeverityRule }) {
    this.#newlineIsSpace = options.newlineIsSpace
    this.#maxDepth = options.maxDepth
    this.#severity = options.severity
  }

  /** A function expression (bytes, view, from) => end, for a record that starts at `from`, blanks before it allowed. */
  record(plan: ValuePlan): string {
    const body = this.#value(plan, 0)
    return `(function () {
${this.#functions.join('\n')}
return function scanRecord(b, v, at) {
  at = blanksEnd(b, at, ${this.#newlineIsSpace})
  let c = b[at]
  ${body}
  return at
}
})()`
  }

  /** `depth`: containers open around the value. */
  #value(plan: ValuePlan, depth: number): string {
    if (plan === ANY) return this.#any(depth)
    const kinds: [test: string, code: string][] = []
    if (plan.string !== null) kinds.push(['c === 0x22', this.#string(plan.string, plan.capture)])
    if (plan.object !== null) kinds.push(['c === 0x7b', this.#object(plan.object, depth)])
    if (plan.array !== null) kinds.push(['c === 0x5b', this.#array(plan.array, depth)])
    if (plan.null) kinds.push(['c === 0x6e', this.#word('null')])
    if (plan.true) kinds.push(['c === 0x74', this.#word('true')])
    if (plan.false) kinds.push(['c === 0x66', this.#word('false')])
    if (plan.number !== null) kinds.push(['', this.#number(plan.number, plan.capture)])
    else kinds.push(['', UNDECIDED])
    return kinds
      .map(([test, code]) => (test === '' ? `{ ${code} }` : `if (${test}) { ${code} }`))
      .join('\n  else ')
  }

  #any(depth: number): string {
    const room = this.#room(depth)
    return `if (c === 0x22) at = stringEnd(b, v, at + 1)
  else at = treeEnd(b, v, at, ${room}, ${this.#newlineIsSpace})
  if (at < 0) ${UNDECIDED}`
  }

  #room(depth: number): number {
    return Math.max(0, Math.min(TREE_DEPTH_MAX, this.#maxDepth - depth))
  }

  /** true, false or null, whose first letter has been seen. */
  #word(word: string): string {
    return `if (!(${matches(UTF8.encode(word), 'at')})) ${UNDECIDED}
    at += ${word.length}`
  }

  #number(plan: NumberPlan, capture: ValuePlan['capture']): string {
    if (isSmallInteger(plan))
      return smallInteger(plan, capture === 'severity') + this.#afterNumber(plan, capture)
    const rule = plan.isBounded ? `if (!numberHolds(b, n, at, ${this.#external(plan)})) ${UNDECIDED}` : ''
    return `const n = at
    at = numberEnd(b, at)
    if (at < 0) ${UNDECIDED}
    ${rule}
    ${this.#afterNumber(plan, capture)}`
  }

  #afterNumber(plan: NumberPlan, capture: ValuePlan['capture']): string {
    if (capture === 'time') {
      const start = isSmallInteger(plan) ? 'n0' : 'n'
      return `const t = timeMsOfNumber(b, ${start}, at)
    if (t === Infinity) ${UNDECIDED}
    out[TIME] = t`
    }
    if (capture !== 'severity' || isSmallInteger(plan)) return this.#mapsNumbers(capture)
    return `${this.#mapsNumbers(capture)}
    const s = severityOfNumber(b, n, at)
    if (s < 0) ${UNDECIDED}
    out[SEVERITY] = s`
  }

  /** A map may name numbers too; that is for the slow path. */
  #mapsNumbers(capture: ValuePlan['capture']): string {
    const hasNumbers = Object.keys(this.#severity.map).some((name) => name === String(Number(name)))
    return capture === 'severity' && hasNumbers ? UNDECIDED : ''
  }

  #string(plan: StringPlan, capture: ValuePlan['capture']): string {
    if (plan.values !== null && plan.values.length <= INLINE_VALUES_MAX && isOnlyValues(plan)) {
      return this.#oneOf(plan.values, capture, UNDECIDED)
    }
    const needsText = plan.isRfc3339 || plan.tests.length > 0 || plan.values !== null || capture !== null
    const lines = [
      'const s = at + 1',
      `at = ${needsText ? 'plainEnd' : 'stringEnd'}(b, v, s)`,
      `if (at < 0) ${UNDECIDED}`,
    ]
    if (plan.minLength > 0 || plan.maxLength < Infinity) {
      lines.push(`if (!lengthHolds(b, s, at - 1, ${this.#external(plan)})) ${UNDECIDED}`)
    }
    if (plan.isRfc3339 || capture === 'time') lines.push('const t = rfc3339Ms(b, s, at - 1)')
    if (plan.isRfc3339) lines.push(`if (t !== t) ${UNDECIDED}`)
    if (capture === 'time') lines.push('out[TIME] = t')
    const tests = [...plan.tests]
    if (plan.values !== null) {
      const values = new Set(plan.values)
      tests.push((text) => values.has(text))
    }
    if (tests.length > 0) lines.push(`if (!testsHold(b, s, at - 1, ${this.#external(tests)})) ${UNDECIDED}`)
    if (capture === 'severity') lines.push(this.#mapped())
    return lines.join('\n    ')
  }

  /** The severity that the map has for the text between `s` and the closing quote before `at`, if any. */
  #mapped(): string {
    const { map } = this.#severity
    const names = Object.keys(map)
    if (names.length <= INLINE_VALUES_MAX) {
      return `const e = at
    at = s - 1
    ${this.#oneOf(names, 'severity', '')}
    at = e`
    }
    return `out[SEVERITY] = severityOfText(b, s, at - 1, ${this.#external(new Map(Object.entries(map)))}, out[SEVERITY])`
  }

  /** A chain over the JSON texts of some strings, at the opening quote; a string with escapes is none of them. */
  #oneOf(values: readonly string[], capture: ValuePlan['capture'], otherwise: string): string {
    const { map } = this.#severity
    const branches = values.filter(isPlain).map((value) => {
      const text = UTF8.encode(`"${value}"`)
      const severity =
        capture === 'severity' && Object.hasOwn(map, value) ? `out[SEVERITY] = ${Number(map[value])}; ` : ''
      const time =
        capture === 'time' ? 'out[TIME] = rfc3339Ms(b, at + 1, at + ' + (text.length - 1) + '); ' : ''
      return `if (${matches(text, 'at')}) { ${severity}${time}at += ${text.length} }`
    })
    return [...branches, `{ ${otherwise} }`].join('\n    else ')
  }

  #object(plan: ObjectPlan, depth: number): string {
    if (depth >= this.#maxDepth) return UNDECIDED
    if (isAnyObject(plan)) return this.#tree(depth)
    const name = `object${this.#functions.length}`
    // Reserves the name before the functions of what is inside.
    const index = this.#functions.push('') - 1
    this.#functions[index] = this.#objectFunction(name, plan, depth + 1)
    return `at = ${name}(b, v, at)
    if (at < 0) ${UNDECIDED}`
  }

  #tree(depth: number): string {
    return `at = treeEnd(b, v, at, ${this.#room(depth)}, ${this.#newlineIsSpace})
    if (at < 0) ${UNDECIDED}`
  }

  /**
   * The members are tried in the schema's order, each test falling through to the next, so that events written in that
   * order run straight down; whatever moved `at` leads round again; what no test took has a name of its own.
   */
  #objectFunction(name: string, plan: ObjectPlan, depth: number): string {
    const members = new Map(plan.properties)
    for (const key of plan.required) {
      if (!members.has(key)) members.set(key, plan.additional ?? nothing())
    }
    const keys = [...members.keys()]
    const words = Math.ceil(keys.length / 32)
    const seen = Array.from({ length: words }, (_, word) => `let seen${word} = 0`)
    const isMissing = Array.from({ length: words }, (_, word) => {
      const bits = keys.reduce(
        (mask, key, i) => (i >> 5 === word && plan.required.has(key) ? mask | (1 << (i & 31)) : mask),
        0,
      )
      return bits === 0 ? '' : `if ((seen${word} & ${bits}) !== ${bits}) ${UNDECIDED}`
    })
    const counts = plan.maxProperties < Infinity
    return `function ${name}(b, v, at) {
  ${[...seen, ...(counts ? ['let count = 0'] : [])].join('\n  ')}
  at = blanksEnd(b, at + 1, ${this.#newlineIsSpace})
  let c = b[at]
  if (c === 0x7d) at++
  else {
  if (c !== 0x22) ${UNDECIDED}
  members: for (;;) {
  const start = at
  ${counts ? `if (++count > ${plan.maxProperties}) ${UNDECIDED}` : ''}
  ${keys.map((key, i) => this.#member(key, i, members.get(key)!, depth)).join('\n  ')}
  if (at !== start) continue
  ${plan.additional === null ? UNDECIDED : this.#otherMember(plan.additional, keys.length > 0, depth)}
  }
  }
  ${isMissing.join('\n  ')}
  return at
}`
  }

  #member(key: string, index: number, plan: ValuePlan, depth: number): string {
    // Such a name is never written plainly, and an escaped one is UNDECIDED.
    if (!isPlain(key)) return ''
    const text = UTF8.encode(`"${key}"`)
    const seen = `seen${index >> 5}`
    const bit = 1 << (index & 31)
    return `if (${matches(text, 'at')}) {
    if ((${seen} & ${bit}) !== 0) ${UNDECIDED}
    ${seen} |= ${bit}
    at += ${text.length}
    ${this.#valueAndNext(plan, depth)}
  }`
  }

  #otherMember(plan: ValuePlan, isEscapeUndecided: boolean, depth: number): string {
    return `at = ${isEscapeUndecided ? 'plainEnd' : 'stringEnd'}(b, v, at + 1)
  if (at < 0) ${UNDECIDED}
  ${this.#valueAndNext(plan, depth)}`
  }

  #valueAndNext(plan: ValuePlan, depth: number): string {
    return `if (b[at] === 0x3a && b[at + 1] > 0x20) at++
    else { at = valueStart(b, at, ${this.#newlineIsSpace}); if (at < 0) ${UNDECIDED} }
    c = b[at]
    ${this.#value(plan, depth)}
    if (b[at] === 0x2c && b[at + 1] === 0x22) at++
    else {
      at = nextMember(b, at, ${this.#newlineIsSpace})
      if (at < 0) { if (at === -1) ${UNDECIDED}; at = ~at; break members }
    }`
  }

  #array(plan: ArrayPlan, depth: number): string {
    if (depth >= this.#maxDepth) return UNDECIDED
    if (isAnyArray(plan)) return this.#tree(depth)
    const name = `array${this.#functions.length}`
    const index = this.#functions.push('') - 1
    this.#functions[index] = `function ${name}(b, v, at) {
  let count = 0
  at = blanksEnd(b, at + 1, ${this.#newlineIsSpace})
  let c = b[at]
  if (c === 0x5d) at++
  else for (;;) {
    count++
    ${this.#value(plan.items, depth + 1)}
    at = nextElement(b, at, ${this.#newlineIsSpace})
    if (at < 0) { if (at === -1) ${UNDECIDED}; at = ~at; break }
    c = b[at]
  }
  ${plan.minItems > 0 ? `if (count < ${plan.minItems}) ${UNDECIDED}` : ''}
  ${plan.maxItems < Infinity ? `if (count > ${plan.maxItems}) ${UNDECIDED}` : ''}
  return at
}`
    return `at = ${name}(b, v, at)
    if (at < 0) ${UNDECIDED}`
  }

  #external(value: unknown): string {
    return `x[${this.externals.push(value) - 1}]`
  }
}

/** Its JSON text may be the text in quotes, and its UTF-8 is its own. */
function isPlain(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what must be found
  return text.isWellFormed() && !/["\\\u0000-\u001f]/.test(text)
}

function isOnlyValues(plan: StringPlan): boolean {
  return plan.minLength === 0 && plan.maxLength === Infinity && !plan.isRfc3339 && plan.tests.length === 0
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

/** One or two digits; a third, a fraction or an exponent meets code that expects a comma or a bracket. */
function smallInteger(plan: NumberPlan, isSeverity: boolean): string {
  return `const n0 = at
    let n = c - 0x30
    if (n >>> 0 > 9) ${UNDECIDED}
    const ones = b[++at] - 0x30
    if (ones >>> 0 <= 9) { if (n === 0) ${UNDECIDED}; n = n * 10 + ones; at++ }
    if (n < ${plan.minimum} || n > ${plan.maximum}) ${UNDECIDED}
    ${isSeverity ? 'out[SEVERITY] = n > 10 ? 10 : n' : ''}
    `
}

/** An expression: the bytes stand at `at`. Words first, so that no read goes far beyond bytes that have matched. */
function matches(text: Uint8Array, at: string): string {
  const view = new DataView(text.buffer, text.byteOffset, text.length)
  const tests: string[] = []
  let i = 0
  for (; i + 4 <= text.length; i += 4)
    tests.push(`v.getInt32(${at} + ${i}, true) === ${view.getInt32(i, true)}`)
  if (i + 2 <= text.length) {
    tests.push(`v.getInt16(${at} + ${i}, true) === ${view.getInt16(i, true)}`)
    i += 2
  }
  if (i < text.length) tests.push(`b[${at} + ${i}] === ${text[i]}`)
  return tests.join(' && ')
}
