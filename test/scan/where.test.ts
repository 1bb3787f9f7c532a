import fc from 'fast-check'
import t from 'tap'
import { follow, parsePointer } from '../../src/schema/pointer.ts'
import { compileRouter, FILTERS_MAX } from '../../src/scan/where.ts'
import type { WhereSpec } from '../../src/scan/where.ts'

const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)

function route(filters: (WhereSpec | undefined)[], record: string, severity = 0): number {
  const bytes = Buffer.from(`x${record}"`)
  return compileRouter(filters).route(bytes, 1, bytes.length - 1, severity)
}

function matches(where: WhereSpec, record: unknown, severity = 0): boolean {
  return route([where], JSON.stringify(record), severity) === 1
}

t.test('operators', (t) => {
  const record = { s: 'b', n: 5, t: true, z: null, o: { k: ['x', { y: 'é' }] }, 'a/b': 1, é: 2, '': 3 }
  for (const [where, expected] of [
    [{ s: { eq: 'b' } }, true],
    [{ s: { eq: 'a' } }, false],
    [{ n: { eq: 5 } }, true],
    [{ n: { eq: '5' } }, false],
    [{ z: { eq: null } }, true],
    [{ t: { ne: false } }, true],
    [{ s: { ne: 'b' } }, false],
    [{ s: { in: ['a', 'b'] } }, true],
    [{ s: { in: [] } }, false],
    [{ n: { gt: 4, lt: 6 } }, true],
    [{ n: { gt: 5 } }, false],
    [{ n: { gte: 5, lte: 5 } }, true],
    [{ s: { gt: 'a', lt: 'c' } }, true],
    [{ s: { gt: 1 } }, false],
    [{ z: { gte: 0 } }, false],
    [{ s: { exists: true } }, true],
    [{ s: { exists: false } }, false],
    [{ o: { exists: true } }, true],
    [{ o: { eq: 'x' } }, false],
    [{ o: { ne: 'x' } }, true],
    [{ '/o/k/1/y': { eq: 'é' } }, true],
    [{ '/o/k/2': { exists: false } }, true],
    [{ '/o/k/01': { exists: false } }, true],
    [{ '/o/k/x': { exists: false } }, true],
    [{ '/s/0': { exists: false } }, true],
    [{ '/a~1b': { eq: 1 } }, true],
    [{ 'a/b': { eq: 1 } }, true],
    [{ é: { eq: 2 } }, true],
    [{ '/': { eq: 3 } }, true],
    [{ s: { eq: 'b' }, n: { eq: 6 } }, false],
    [{}, true],
  ] as const satisfies [WhereSpec, boolean][]) {
    t.equal(matches(where, record), expected, JSON.stringify(where))
  }
  t.end()
})

t.test('an absent value matches exists: false and nothing else', (t) => {
  t.ok(matches({ a: { exists: false } }, {}))
  for (const test of [
    { exists: true },
    { ne: 1 },
    { eq: null },
    { in: [null] },
    { lt: 1 },
    { exists: false, ne: 1 },
  ]) {
    t.notOk(matches({ a: test }, {}), JSON.stringify(test))
  }
  t.notOk(matches({ toString: { exists: true } }, {}), 'own names only')
  t.end()
})

t.test('severity is the classified one', (t) => {
  const router = compileRouter([{ severity: { gte: 3 } }, undefined, { severity: { in: [0, 9] } }])
  t.equal(router.needsBytes, false)
  const nothing = new Uint8Array(0)
  t.strictSame(
    [0, 2, 3, 9, 10].map((severity) => router.route(nothing, 0, 0, severity)),
    [0b110, 0b010, 0b011, 0b111, 0b011],
  )
  t.equal(matches({ '/severity': { eq: 'high' }, severity: { eq: 8 } }, { severity: 'high' }, 8), true)
  t.equal(matches({ '/severity': { eq: 'high' }, severity: { eq: 7 } }, { severity: 'high' }, 8), false)
  t.end()
})

t.test('each filter has its bit, at most sixteen', (t) => {
  const filters = Array.from({ length: FILTERS_MAX }, (_, index) => ({ n: { eq: index } }))
  t.equal(compileRouter(filters).needsBytes, true)
  for (let n = 0; n < FILTERS_MAX; n++) t.equal(route(filters, `{"n":${n}}`), 1 << n)
  t.throws(() => compileRouter([...filters, {}]), RangeError)
  t.equal(route([], '{}'), 0)
  t.end()
})

t.test('keys twice, escapes and blanks', (t) => {
  t.equal(route([{ a: { eq: 2 } }], '{"a":1,"a":2}'), 1)
  t.equal(route([{ ab: { eq: 1 } }], '{"\\u0061b":1}'), 1)
  t.equal(route([{ '/a/b': { eq: 1 } }], ' { "a" :\r\n{ "c" : [ ] , "b" : 1 } } '), 1)
  t.equal(route([{ '/a/b': { exists: false } }], '{"a":{"b":1},"a":{}}'), 1)
  t.end()
})

t.test('finds what JSON.parse would find', (t) => {
  const key = fc.constantFrom('a', 'b', 'é', '"', '0', '1', '')
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(1, 'x', null, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  const pointer = fc
    .array(key, { minLength: 1, maxLength: 3 })
    .map((tokens) => tokens.map((token) => `/${token}`).join(''))
  fc.assert(
    fc.property(value, pointer, fc.constantFrom(undefined, 1), (record, path, indent) => {
      const found = follow(record, parsePointer(path)!)
      const text = JSON.stringify(record, null, indent)
      const isScalar = found !== undefined && (typeof found !== 'object' || found === null)
      const test =
        found === undefined ? { exists: false } : isScalar ? { eq: found as string } : { exists: true }
      return route([{ [path]: test }], text) === 1
    }),
    { seed, numRuns: 5000 },
  )
  t.end()
})
