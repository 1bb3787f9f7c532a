import { Has as isKnownFormat } from 'typebox/format'
import { reasonOf, spwError } from '../base/errors.ts'
import { compileOracle } from './oracle.ts'
import { eachSubschema, isAnnotation, isObject, isSchema, KEYWORDS } from './keywords.ts'
import type { KeywordShape } from './keywords.ts'
import { LinearPattern } from './linear-pattern.ts'
import { escapeToken, follow, parsePointer } from './pointer.ts'
import { versionOf } from './spec.ts'
import type { SchemaSpec } from './spec.ts'

export interface UserSchemaOptions {
  /** JSON pointer to the severity. */
  severity?: string
  /** Value -> 0..10. */
  severityMap?: Record<string, number>
  /** JSON pointer to the event time. */
  timestamp?: string
}

/** How deep subschemas may nest: nobody writes more, and walking them recurses. */
const NESTING_MAX = 128

/** The drafts whose keywords mean here what they say; drafts 3 and 4 write some of them differently. */
const DRAFTS: ReadonlySet<string> = new Set([
  'http://json-schema.org/draft-06/schema',
  'http://json-schema.org/draft-07/schema',
  'https://json-schema.org/draft/2019-09/schema',
  'https://json-schema.org/draft/2020-12/schema',
])

const TYPES: ReadonlySet<unknown> = new Set([
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'object',
  'array',
])

/**
 * A user's JSON Schema document as a spec. What TypeBox would silently ignore is an error here: a rule that is written
 * down and not checked is worse than none.
 *
 * @throws SpillwayError SPW_ERR_SCHEMA_*, with the JSON pointer of the offending keyword in the document.
 */
export function loadUserSpec(name: string, document: unknown, options: UserSchemaOptions): SchemaSpec {
  new SchemaCheck(name, document).run()
  checkOptions(name, options)
  const spec: SchemaSpec = {
    name,
    schema: document,
    version: versionOf(document),
    declaresLogs:
      isObject(document) && isObject(document.properties) && Object.hasOwn(document.properties, 'logs'),
  }
  if (options.severity !== undefined) spec.severity = options.severity
  if (options.severityMap !== undefined) spec.severityMap = { ...options.severityMap }
  if (options.timestamp !== undefined) spec.timestamp = options.timestamp
  return spec
}

function checkOptions(schema: string, options: UserSchemaOptions): void {
  for (const option of ['severity', 'timestamp'] as const) {
    const pointer = options[option]
    if (pointer !== undefined && parsePointer(pointer) === null) {
      throw spwError('SPW_ERR_SCHEMA_OPTION', {
        schema,
        option,
        expected: 'a JSON pointer such as /severity',
      })
    }
  }
  for (const [value, severity] of Object.entries(options.severityMap ?? {})) {
    if (!Number.isInteger(severity) || severity < 0 || severity > 10) {
      throw spwError('SPW_ERR_SCHEMA_OPTION', {
        schema,
        option: `severity_map.${value}`,
        expected: 'an integer 0 to 10',
      })
    }
  }
}

class SchemaCheck {
  readonly #name: string
  readonly #document: unknown
  /** `$id`, `$anchor` and `$dynamicAnchor` of the document, resolved. */
  readonly #targets = new Map<string, unknown>()
  /** Each subschema's pointer, and the subschemas that judge the same value as it. */
  readonly #inPlace = new Map<unknown, { pointer: string; next: unknown[] }>()

  constructor(name: string, document: unknown) {
    this.#name = name
    this.#document = document
  }

  run(): void {
    this.#collectTargets(this.#document, BASE, 0)
    this.#checkSchema(this.#document, '', BASE)
    this.#checkCircles()
    try {
      compileOracle(this.#document)
    } catch (error) {
      throw spwError(
        'SPW_ERR_SCHEMA_COMPILE',
        { schema: this.#name, reason: reasonOf(error) },
        { cause: error },
      )
    }
  }

  #collectTargets(node: unknown, base: string, depth: number): void {
    if (depth > NESTING_MAX) {
      throw this.#badValue('', 'schema', `subschemas nested at most ${NESTING_MAX} deep`)
    }
    if (!isObject(node)) return
    const ownBase = baseOf(node, base)
    if (ownBase !== base || depth === 0) this.#targets.set(withoutFragment(ownBase), node)
    for (const anchor of [node.$anchor, node.$dynamicAnchor]) {
      if (typeof anchor === 'string') this.#targets.set(`${withoutFragment(ownBase)}#${anchor}`, node)
    }
    if (typeof node.$id === 'string' && node.$id.startsWith('#')) {
      this.#targets.set(`${withoutFragment(base)}${node.$id}`, node)
    }
    eachSubschema(node, (inner) => this.#collectTargets(inner, ownBase, depth + 1))
  }

  #checkSchema(node: unknown, pointer: string, base: string): void {
    if (typeof node === 'boolean') return
    if (!isObject(node)) throw this.#badValue(pointer, pointer.split('/').at(-1) ?? '', 'a schema')
    const ownBase = baseOf(node, base)
    const next: unknown[] = []
    this.#inPlace.set(node, { pointer, next })
    for (const [keyword, value] of Object.entries(node)) {
      if (isAnnotation(keyword)) continue
      const shape = KEYWORDS.get(keyword)
      if (shape === undefined)
        throw spwError('SPW_ERR_SCHEMA_KEYWORD', {
          schema: this.#name,
          pointer: `${pointer}/${escapeToken(keyword)}`,
          keyword,
        })
      this.#checkValue(keyword, value, `${pointer}/${keyword}`, shape)
      if (REFERENCES.has(keyword) && typeof value === 'string') {
        next.push(this.#targetOf(value, `${pointer}/${keyword}`, ownBase))
      }
    }
    if (isObject(node.patternProperties) && mentions(this.#document, 'unevaluatedProperties')) {
      const reason = 'patternProperties together with unevaluatedProperties'
      throw spwError('SPW_ERR_SCHEMA_COMPILE', {
        schema: this.#name,
        reason: `${pointer}: ${reason} is not supported`,
      })
    }
    eachSubschema(node, (inner, tokens) => {
      if (IN_PLACE.has(tokens[0]!)) next.push(inner)
      this.#checkSchema(inner, pointer + tokens.map((token) => `/${escapeToken(token)}`).join(''), ownBase)
    })
  }

  #checkValue(keyword: string, value: unknown, pointer: string, shape: KeywordShape): void {
    const expected = SHAPES[shape](value)
    if (expected !== '') throw this.#badValue(pointer, keyword, expected)
    if (typeof value === 'string') this.#checkText(keyword, value, pointer)
    else if (keyword === 'patternProperties' && isObject(value)) {
      for (const pattern of Object.keys(value)) this.#checkPattern(pattern, pointer)
    }
  }

  #checkText(keyword: string, text: string, pointer: string): void {
    if (keyword === '$schema' && !DRAFTS.has(text.replace(/#$/, ''))) {
      throw this.#badValue(pointer, keyword, 'draft-06, draft-07, 2019-09 or 2020-12 of JSON Schema')
    }
    if (keyword === 'format' && !isKnownFormat(text)) {
      throw spwError('SPW_ERR_SCHEMA_FORMAT', { schema: this.#name, pointer, format: text })
    }
    if (keyword === 'pattern') this.#checkPattern(text, pointer)
  }

  #checkPattern(pattern: string, pointer: string): void {
    try {
      new LinearPattern(pattern).test('')
    } catch (error) {
      throw spwError(
        'SPW_ERR_SCHEMA_PATTERN',
        { schema: this.#name, pointer, pattern, reason: reasonOf(error) },
        { cause: error },
      )
    }
  }

  /** A schema that leads to itself without going into the value would be followed for ever. */
  #checkCircles(): void {
    const open = new Set<unknown>()
    const done = new Set<unknown>()
    const visit = (node: unknown): void => {
      const entry = this.#inPlace.get(node)
      if (entry === undefined || done.has(node)) return
      if (open.has(node)) {
        const reference = 'a reference that leads back to itself'
        throw spwError('SPW_ERR_SCHEMA_REF', {
          schema: this.#name,
          pointer: `${entry.pointer}/$ref`,
          reference,
        })
      }
      open.add(node)
      for (const next of entry.next) visit(next)
      open.delete(node)
      done.add(node)
    }
    for (const node of this.#inPlace.keys()) visit(node)
  }

  #targetOf(reference: string, pointer: string, base: string): unknown {
    const absolute = resolve(reference, base)
    const target = absolute === null ? undefined : this.#find(absolute)
    if (!isSchema(target)) throw spwError('SPW_ERR_SCHEMA_REF', { schema: this.#name, pointer, reference })
    return target
  }

  /** What an absolute reference leads to; undefined when nowhere. */
  #find(absolute: string): unknown {
    const known = this.#targets.get(absolute.replace(/#$/, ''))
    if (known !== undefined) return known
    const [resource, fragment] = absolute.split('#')
    const root = this.#targets.get(resource!)
    if (fragment === undefined || root === undefined) return undefined
    try {
      const tokens = parsePointer(decodeURIComponent(fragment))
      return tokens === null ? undefined : follow(root, tokens)
    } catch {
      return undefined
    }
  }

  #badValue(pointer: string, keyword: string, expected: string): Error {
    return spwError('SPW_ERR_SCHEMA_VALUE', { schema: this.#name, pointer, keyword, expected })
  }
}

const REFERENCES: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])
/** Keywords whose subschemas judge the value itself, not a part of it. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependencies',
  'dependentSchemas',
])
/** What a document without `$id` counts as. */
const BASE = 'urn:typebox:root'

function baseOf(node: Record<string, unknown>, base: string): string {
  return typeof node.$id === 'string' && !node.$id.startsWith('#') ? (resolve(node.$id, base) ?? base) : base
}

function resolve(reference: string, base: string): string | null {
  if (reference.startsWith('#')) return withoutFragment(base) + reference
  if (URL.canParse(reference, base)) return new URL(reference, base).href
  // A URN has no path to resolve against; TypeBox appends.
  const urn = base === BASE ? `${base}:${reference}` : `${base.slice(0, base.lastIndexOf(':'))}:${reference}`
  return URL.canParse(urn) ? new URL(urn).href : null
}

function withoutFragment(uri: string): string {
  return uri.split('#')[0]!
}

function mentions(node: unknown, keyword: string): boolean {
  if (!isObject(node)) return false
  if (Object.hasOwn(node, keyword)) return true
  let found = false
  eachSubschema(node, (inner) => {
    found ||= mentions(inner, keyword)
  })
  return found
}

/** What was expected, '' when the value is that. */
const SHAPES: Readonly<Record<KeywordShape, (value: unknown) => string>> = {
  schema: (value) => (isSchema(value) ? '' : 'a schema'),
  schemas: (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isSchema) ? '' : 'a list of schemas',
  schemaMap: (value) => (isObject(value) && Object.values(value).every(isSchema) ? '' : 'a map of schemas'),
  schemaOrSchemas: (value) =>
    isSchema(value) || (Array.isArray(value) && value.every(isSchema)) ? '' : 'a schema or a list of schemas',
  dependencies: (value) =>
    isObject(value) && Object.values(value).every((inner) => isSchema(inner) || isNames(inner))
      ? ''
      : 'a map of schemas or lists of names',
  string: (value) => (typeof value === 'string' ? '' : 'a string'),
  number: (value) => (isFiniteNumber(value) ? '' : 'a number'),
  positive: (value) => (isFiniteNumber(value) && value > 0 ? '' : 'a number above 0'),
  count: (value) =>
    isFiniteNumber(value) && Number.isInteger(value) && value >= 0 ? '' : 'an integer, 0 or more',
  boolean: (value) => (typeof value === 'boolean' ? '' : 'true or false'),
  names: (value) => (isNames(value) ? '' : 'a list of names'),
  namesMap: (value) =>
    isObject(value) && Object.values(value).every(isNames) ? '' : 'a map of lists of names',
  types: (value) =>
    (Array.isArray(value) ? value.length > 0 && value.every((type) => TYPES.has(type)) : TYPES.has(value))
      ? ''
      : 'one or more of the seven types',
  values: (value) => (Array.isArray(value) ? '' : 'a list of values'),
  any: () => '',
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}
