import t from 'tap'
import { SpillwayError } from '../../src/base/errors.ts'
import { scannerOf } from '../helpers/scanner-of.ts'
import { compileSlowPath } from '../../src/scan/slow-path.ts'
import { isPlanned } from '../../src/scan/plan.ts'
import { KEYWORDS } from '../../src/schema/keywords.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'
import { loadUserSpec } from '../../src/schema/user.ts'
import { versionOf } from '../../src/schema/spec.ts'
import type { UserSchemaOptions } from '../../src/schema/user.ts'
import { hostileNames } from '../scan/specs.ts'

const limits = { maxDepth: 64 }

function errorOf(document: unknown, options: UserSchemaOptions = {}): SpillwayError {
  try {
    loadUserSpec('mine', document, options)
  } catch (error) {
    if (error instanceof SpillwayError) return error
    throw error
  }
  throw new Error(`accepted: ${JSON.stringify(document)}`)
}

/** What kernel and slow path say of one record under one schema. */
function decide(document: unknown, record: unknown): { accepted: boolean; byKernel: boolean } {
  const spec = loadUserSpec('mine', document, {})
  const bytes = Buffer.from(JSON.stringify(record) + '\n'.repeat(64))
  const to = bytes.length - 64
  const byKernel = scannerOf(spec, limits).scanLine(bytes, 0) === to
  return { accepted: compileSlowPath(spec, limits).decide(bytes, 0, to).accepted, byKernel }
}

t.test('every mistake names its keyword by pointer', (t) => {
  for (const [document, code, part] of [
    [{ typ: 'object' }, 'SPW_ERR_SCHEMA_KEYWORD', 'typ at /typ'],
    [{ properties: { 'a/b': { minimun: 1 } } }, 'SPW_ERR_SCHEMA_KEYWORD', '/properties/a~1b/minimun'],
    [{ toString: 1 }, 'SPW_ERR_SCHEMA_KEYWORD', '/toString'],
    [{ type: 'strin' }, 'SPW_ERR_SCHEMA_VALUE', '/type'],
    [{ items: { minLength: -1 } }, 'SPW_ERR_SCHEMA_VALUE', '/items/minLength'],
    [{ exclusiveMinimum: true }, 'SPW_ERR_SCHEMA_VALUE', '/exclusiveMinimum'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, 'SPW_ERR_SCHEMA_VALUE', '/$schema'],
    ['{}', 'SPW_ERR_SCHEMA_VALUE', 'a schema'],
    [
      { $ref: 'https://example.org/other.json' },
      'SPW_ERR_SCHEMA_REF',
      'https://example.org/other.json at /$ref cannot',
    ],
    [{ allOf: [{ $ref: '#/$defs/no' }], $defs: {} }, 'SPW_ERR_SCHEMA_REF', '/allOf/0/$ref'],
    [{ properties: { a: { format: 'ipv5' } } }, 'SPW_ERR_SCHEMA_FORMAT', 'ipv5 at /properties/a/format'],
    [{ pattern: '(a)\\1' }, 'SPW_ERR_SCHEMA_PATTERN', '/pattern'],
    [{ patternProperties: { '(?=a)': true } }, 'SPW_ERR_SCHEMA_PATTERN', '/patternProperties'],
    [{ pattern: '(' }, 'SPW_ERR_SCHEMA_PATTERN', '/pattern'],
    [{ $ref: '#' }, 'SPW_ERR_SCHEMA_REF', '/$ref'],
    [{ $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } } }, 'SPW_ERR_SCHEMA_REF', '/$ref'],
  ] as const) {
    const error = errorOf(document)
    t.equal(error.code, code, error.message)
    t.ok(error.message.includes(part), error.message)
    t.equal(error.exitCode, 2)
  }
  t.end()
})

t.test('deep documents are refused without overflowing a stack', (t) => {
  let document: unknown = {}
  for (let depth = 0; depth < 50_000; depth++) document = { items: document }
  t.equal(errorOf(document).code, 'SPW_ERR_SCHEMA_VALUE')
  t.end()
})

t.test('options', (t) => {
  t.equal(errorOf({}, { severity: 'severity' }).code, 'SPW_ERR_SCHEMA_OPTION')
  t.equal(errorOf({}, { timestamp: '/a~2' }).code, 'SPW_ERR_SCHEMA_OPTION')
  t.match(errorOf({}, { severityMap: { WARN: 11 } }).message, /severity_map\.WARN/)
  t.equal(loadUserSpec('mine', { properties: { logs: {} } }, {}).declaresLogs, true)
  t.equal(loadUserSpec('mine', { properties: { log: {} } }, {}).declaresLogs, false)
  t.strictSame(structuredClone(loadUserSpec('mine', { type: 'object' }, { severity: '/s' })), {
    name: 'mine',
    schema: { type: 'object' },
    version: versionOf({ type: 'object' }),
    severity: '/s',
    declaresLogs: false,
  })
  t.end()
})

t.test('annotations are no mistakes', (t) => {
  t.doesNotThrow(() =>
    loadUserSpec('mine', { title: 'a', 'x-owner': 1, examples: [1], $comment: 'c', default: {} }, {}),
  )
  t.end()
})

t.test('a catastrophic pattern meets its string in linear time', (t) => {
  const document = {
    properties: { a: { pattern: '^(a+)+$' } },
    patternProperties: { '^(b|b)*$': { type: 'number' } },
  }
  const start = process.hrtime.bigint()
  t.equal(decide(document, { a: 'a'.repeat(30_000) + '!' }).accepted, false)
  t.equal(decide(document, { ['b'.repeat(30_000)]: 'x' }).accepted, false)
  t.equal(decide(document, { ['b'.repeat(30_000) + '!']: 'x' }).accepted, true)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  // A backtracking engine would need longer than the universe has.
  t.ok(seconds < 30, `${seconds} s`)
  t.end()
})

t.test('patterns mean what ECMAScript means', (t) => {
  for (const [pattern, text, expected] of [
    ['^\\s$', '\u00a0', true],
    ['^[\\s]$', '\ufeff', true],
    ['^\\S$', '\u2003', false],
    ['^.$', '\u2028', false],
    ['^[.]$', 'x', false],
    ['^a$', 'a\n', false],
    ['^\\w\\d\\/\\u0041\\cJ$', 'x1/A\n', true],
    ['^\u{1f600}{2}$', '\u{1f600}\u{1f600}', true],
  ] as const) {
    t.equal(decide({ properties: { a: { pattern } } }, { a: text }).accepted, expected, pattern)
    t.equal(new RegExp(pattern, 'u').test(text), expected, `${pattern} in RegExp`)
  }
  t.end()
})

t.test('property names are only names, whatever characters they have', (t) => {
  const before = Object.keys(globalThis).length
  for (const name of hostileNames) {
    const document = {
      type: 'object',
      required: [name],
      properties: Object.fromEntries([[name, { const: name }]]),
      additionalProperties: false,
    }
    const spec = loadUserSpec(name, document, {
      severity: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      severityMap: Object.fromEntries([[name, 4]]),
    })
    const slowPath = compileSlowPath(spec, limits)
    const scanner = scannerOf(spec, limits)
    for (const [record, accepted] of [
      [Object.fromEntries([[name, name]]), true],
      [Object.fromEntries([[name, `${name}x`]]), false],
      [{}, false],
    ] as const) {
      const bytes = Buffer.from(JSON.stringify(record) + '\n'.repeat(64))
      const verdict = slowPath.decide(bytes, 0, bytes.length - 64)
      t.equal(verdict.accepted, accepted, ascii(record))
      if (accepted) t.equal(verdict.severity, 4)
      const end = scanner.scanLine(bytes, 0)
      if (end >= 0) t.ok(accepted && scanner.severity === 4, ascii(record))
      // Escapes are for the slow path; nothing else here is.
      else t.ok(!accepted || JSON.stringify(name) !== `"${name}"`, ascii(record))
    }
  }
  t.equal(Object.keys(globalThis).length, before)
  t.end()
})

/** For messages: some line separators would end a line of TAP. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`)
}

t.test('names are own names', (t) => {
  const document = { required: ['toString'], properties: { valueOf: { type: 'string' } } }
  t.strictSame(decide(document, {}), { accepted: false, byKernel: false })
  t.strictSame(decide(document, { toString: 1 }), { accepted: true, byKernel: true })
  t.strictSame(decide(document, { toString: 1, valueOf: 1 }), { accepted: false, byKernel: false })
  t.strictSame(
    decide({ additionalProperties: false, properties: { a: {} } }, { constructor: 1 }).accepted,
    false,
  )
  t.strictSame(
    decide({ properties: { a: { required: ['isPrototypeOf'] } } }, { a: { isPrototypeOf: 1 } }).accepted,
    true,
  )
  t.end()
})

t.test('the planner knows every keyword that the loader knows', (t) => {
  for (const keyword of KEYWORDS.keys()) t.ok(isPlanned(keyword), keyword)
  t.end()
})

t.test('a version differs where two documents say something different', async (t) => {
  const schema = { type: 'object', properties: { a: { enum: [1, 2] }, b: {} } }
  const version = versionOf(schema)
  t.match(version, /^[0-9a-f]{12}$/)
  t.equal(versionOf({ properties: { b: {}, a: { enum: [1, 2] } }, type: 'object' }), version)
  t.not(versionOf({ ...schema, properties: { a: { enum: [2, 1] }, b: {} } }), version)
  t.equal(loadUserSpec('mine', schema, {}).version, version)
  t.equal(new Set(Object.values(builtinSpecs).map((spec) => spec.version)).size, 3)
})
