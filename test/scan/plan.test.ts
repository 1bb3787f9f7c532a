/** Schemas of users, whatever keywords meet in them: the kernel accepts nothing that TypeBox refuses. */
import fc from 'fast-check'
import t from 'tap'
import { scannedMemory } from '../../src/memory/web-assembly.ts'
import { compileScanner, UNDECIDED } from '../../src/scan/scanner.ts'
import { compileOracle } from '../../src/schema/oracle.ts'
import { loadUserSpec } from '../../src/schema/user.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)
const RUNS = Number(process.env.FAST_CHECK_RUNS ?? 600)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

const RECORD_BYTES_MAX = 4096
const SLACK_BYTES = 64
const memory = scannedMemory(65_536)
const bytes = Buffer.from(memory.buffer)

/** Offset behind what the kernel accepts of a text, or UNDECIDED. */
function kernelOf(schema: unknown): (text: string) => number {
  const scanner = compileScanner(loadUserSpec('mine', schema, {}), { maxDepth: 8 }, memory)
  return (text) => {
    const to = bytes.write(text, 0, RECORD_BYTES_MAX)
    bytes.fill(0x0a, to, to + SLACK_BYTES).fill(0, to + SLACK_BYTES, to + 2 * SLACK_BYTES)
    return scanner.scanValue(0, to)
  }
}

const of = (schema: unknown) => ({ properties: { a: schema } })

t.test('oneOf: what a branch leaves to the slow path may be a second one', (t) => {
  const seldom = { anyOf: [{ type: 'number', multipleOf: 3 }, { type: 'string' }] }
  for (const [branches, refused] of [
    [
      [
        { type: 'number', multipleOf: 5 },
        { type: 'number', minimum: 0 },
      ],
      '10',
    ],
    [[{ not: { type: 'string' } }, { type: 'null' }], 'null'],
    [[{ not: { type: 'string' } }, { const: true }], 'true'],
    [[{ minProperties: 1 }, { type: 'object', required: ['x'] }], '{"x":1}'],
    [[{ type: 'array', uniqueItems: true }, { minItems: 1 }], '[1]'],
    [[{ enum: [{ x: 1 }, 'x'] }, { type: 'object' }], '{"x":1}'],
    [[{ $ref: '#/$defs/seldom' }, { type: 'number' }], '6'],
    [[{ allOf: [{ multipleOf: 1 }] }, { enum: [6, 'x'] }], '6'],
  ] as const) {
    const schema = { ...of({ oneOf: branches }), $defs: { seldom } }
    const record = `{"a":${refused}}`
    t.equal(compileOracle(schema).check(JSON.parse(record)), false)
    t.equal(kernelOf(schema)(record), UNDECIDED, JSON.stringify(branches))
  }
  t.end()
})

t.test('oneOf: branches of different kinds are decided here', (t) => {
  const schema = {
    ...of({ oneOf: [{ $ref: '#/$defs/name' }, { type: 'null' }, { enum: [1, 2] }, { const: true }, false] }),
    $defs: { name: { type: 'string', minLength: 1 } },
  }
  const kernel = kernelOf(schema)
  for (const value of ['"x"', 'null', '2', 'true']) t.equal(kernel(`{"a":${value}}`), value.length + 6, value)
  for (const value of ['""', '3', 'false', '{}']) t.equal(kernel(`{"a":${value}}`), UNDECIDED, value)
  t.end()
})

t.test('a record that is a number ends where the number does', (t) => {
  const kernel = kernelOf({ type: 'integer', minimum: 0, maximum: 99 })
  t.equal(kernel('99'), 2)
  t.equal(kernel('9.0'), 3)
  for (const text of ['100', '9.5', '9e1']) t.equal(kernel(text), UNDECIDED, text)
  t.end()
})

const names = fc.constantFrom('a', 'b', 'toString', 'é', 'x"y', '', 'k'.repeat(30))
const texts = fc.constantFrom('', 'a', 'ab', 'é', '\u{1f600}', 'x"y', '2026-01-15T08:00:00Z', 'x'.repeat(17))
const numbers = fc.constantFrom(0, 1, 2, 3, 10, 99, 100, -1, 1.5, 1e21, 12_345_678_901_234_567_000, 1e300)
const { value, schema } = fc.letrec<{ value: unknown; schema: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    texts,
    numbers,
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.boolean(),
    fc.record({ type: fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'object', 'array') }),
    { weight: 4, arbitrary: fc.constant(null).chain(() => keywords(tie('schema'), tie('value'))) },
  ),
}))

/** One to three keywords, each of which may be any. */
function keywords(schemas: fc.Arbitrary<unknown>, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const list = fc.array(schemas, { minLength: 1, maxLength: 3 })
  const count = fc.nat(2)
  const one = fc.oneof(
    ...Object.entries({
      type: fc.constantFrom(
        'integer',
        'string',
        'object',
        'array',
        ['number', 'null'],
        ['string', 'boolean'],
      ),
      properties: fc.dictionary(names, schemas, { minKeys: 1, maxKeys: 3 }),
      required: fc.uniqueArray(names, { maxLength: 2 }),
      additionalProperties: schemas,
      maxProperties: count,
      minProperties: count,
      unevaluatedProperties: fc.constant(false),
      items: schemas,
      minItems: count,
      maxItems: count,
      uniqueItems: fc.boolean(),
      contains: schemas,
      minLength: count,
      maxLength: count,
      pattern: fc.constantFrom('^a', '.', 'b$'),
      format: fc.constantFrom('date-time', 'ipv4'),
      minimum: numbers,
      exclusiveMaximum: numbers,
      multipleOf: fc.constantFrom(1, 2, 0.5),
      enum: fc.array(values, { minLength: 1, maxLength: 3 }),
      const: values,
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: schemas,
    }).map(([keyword, arbitrary]) => arbitrary.map((said): [string, unknown] => [keyword, said])),
  )
  return fc.array(one, { minLength: 1, maxLength: 3 }).map((pairs) => Object.fromEntries(pairs))
}

t.test('any schema', (t) => {
  let accepted = 0
  let decided = 0
  fc.assert(
    fc.property(
      fc.oneof(schema, schema.map(of)),
      fc.array(value, { minLength: 10, maxLength: 20 }),
      (made, values) => {
        const said = typeof made === 'boolean' ? { allOf: [made] } : made
        const kernel = kernelOf(said)
        const oracle = compileOracle(said)
        for (const inner of values.flatMap((one) => [one, { a: one }])) {
          const record = JSON.stringify(inner)
          const isValid = oracle.check(JSON.parse(record))
          if (isValid) accepted++
          const end = kernel(record)
          if (end === UNDECIDED) continue
          if (!isValid || end !== Buffer.byteLength(record)) throw new Error(`accepted: ${record}`)
          decided++
        }
      },
    ),
    { seed, numRuns: RUNS },
  )
  t.comment(`${decided} of ${accepted} decided by the kernel`)
  t.ok(decided > accepted / 4)
  t.end()
})
