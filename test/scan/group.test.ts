import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import type { EncodePart } from '../../src/encode/task.ts'
import { Arena } from '../../src/memory/arena.ts'
import { LANES_BOTH, recordWord, regionBytes } from '../../src/memory/frame-region.ts'
import { GROUP_KEY_CHARS_MAX, group } from '../../src/scan/group.ts'
import { follow, parsePointer } from '../../src/schema/pointer.ts'

const SLAB = 64 * 1024

/** A frame with these records, at the end of the arena. */
function layFrame(texts: readonly string[]): { arena: Arena; part: EncodePart } {
  const arena = Arena.create(SLAB, SLAB)
  const body = Buffer.from(texts.map((text) => `${text}\n`).join(''))
  const bytesFrom = SLAB - body.length
  arena.bytes.set(body, bytesFrom)
  const region = (bytesFrom - regionBytes(0, texts.length)) & ~7
  let offset = 0
  for (const [index, text] of texts.entries()) {
    const word = recordWord(region, 0, index)
    arena.words[word] = offset
    arena.words[word + 1] = Buffer.byteLength(text)
    offset += Buffer.byteLength(text) + 1
  }
  const choice = { first: 0, count: texts.length, pick: null, routeBit: 0, lanes: LANES_BOTH }
  return { arena, part: { region, runs: 0, bytesFrom, ...choice, sourceName: 'push' } }
}

function grouped(texts: readonly string[], field: string, pick: Uint16Array | null = null) {
  const { arena, part } = layFrame(texts)
  return group(arena, { part: { ...part, pick }, field }).map(({ key, pick: records }) => [
    key,
    Array.from(records),
  ])
}

t.test('by a top-level key, in the order in which values come first', async (t) => {
  const texts = [
    '{"t":"b"}',
    '{"t":"a","n":{"t":"c"}}',
    '{ "n" : [1, {"t":"x"}], "t" : "b" }',
    '{}',
    '{"t":null}',
  ]
  t.strictSame(grouped(texts, 't'), [
    ['b', [0, 2]],
    ['a', [1]],
    ['', [3, 4]],
  ])
  t.strictSame(grouped(texts, 't', Uint16Array.of(1, 2, 4)), [
    ['a', [1]],
    ['b', [2]],
    ['', [4]],
  ])
})

t.test('by a pointer, into arrays too', async (t) => {
  const texts = ['{"a":{"b/":[1,"x"]}}', '{"a":{"b/":[1]}}', '{"a":{"b/":{"1":"x"}}}', '{"a":7}', '[0]']
  t.strictSame(grouped(texts, '/a/b~1/1'), [
    ['x', [0, 2]],
    ['', [1, 3, 4]],
  ])
  t.strictSame(grouped(['[["p"],"q"]', '[]'], '/0/0'), [
    ['p', [0]],
    ['', [1]],
  ])
})

t.test('text as it is, numbers and booleans as JSON writes them, however they are spelt', async (t) => {
  const texts = [
    '{"t":"1"}',
    '{"t":1.0}',
    '{"t":10e-1}',
    '{"t":"\\u0031"}',
    '{"t":true}',
    '{"\\u0074":1}',
    '{"t":{}}',
  ]
  t.strictSame(grouped(texts, 't'), [
    ['1', [0, 1, 2, 3, 5]],
    ['true', [4]],
    ['', [6]],
  ])
  t.strictSame(grouped(['{"t":"a","t":"b"}', '{"é":"ü"}'], 'é'), [
    ['', [0]],
    ['ü', [1]],
  ])
})

t.test('a long key is shortened, and long keys that differ stay apart', async (t) => {
  const long = 'x'.repeat(GROUP_KEY_CHARS_MAX)
  const groups = grouped(
    [long, `${long}y`, `${long}z`, `${long}y`].map((text) => `{"t":"${text}"}`),
    't',
  )
  t.strictSame(
    groups.map(([, records]) => records),
    [[0], [1, 3], [2]],
  )
  t.ok(groups.every(([key]) => String(key).length === GROUP_KEY_CHARS_MAX))
})

t.test('what is nested deeply is read all the same', async (t) => {
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`
  t.strictSame(grouped([`{"d":${deep},"t":"a"}`, '{"t":"a"}'], 't'), [['a', [0, 1]]])
})

t.test('groups are what JSON.parse finds', async (t) => {
  const name = fc.constantFrom('t', 'a', '0', '1', 'é', 'a b', '__proto__')
  const text = fc.oneof(fc.constantFrom('', 'x', 'Ü', '"', 'a\\b', '\u2028'), fc.string({ unit: 'grapheme' }))
  const scalar = fc.oneof(text, fc.integer(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), fc.array(tie('value'), { maxLength: 3 })),
    object: fc.array(fc.tuple(name, tie('value')), { maxLength: 5 }).map((members) => ({ members })),
  }))
  const event = fc
    .tuple(value, fc.nat(2), fc.boolean())
    .map(([json, blanks, escapes]) => written(json, ' '.repeat(blanks), escapes))
  const field = fc.constantFrom(
    't',
    'é',
    '0',
    '__proto__',
    '/t',
    '/a/t',
    '/a/0',
    '/a/t/1',
    '/0',
    '/a b/01',
    '',
  )
  const property = fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), field, (texts, where) => {
    const tokens = where.startsWith('/') ? parsePointer(where)! : [where]
    const expected = new Map<string, number[]>()
    for (const [index, json] of texts.entries()) {
      const found = follow(JSON.parse(json), tokens)
      const key = ['string', 'number', 'boolean'].includes(typeof found) ? String(found) : ''
      expected.set(key, [...(expected.get(key) ?? []), index])
    }
    const wanted = [...expected]
    return JSON.stringify(grouped(texts, where)) === JSON.stringify(wanted)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

/** JSON in which keys may come twice. */
function written(value: unknown, blanks: string, escapes: boolean): string {
  const list = (items: string[], open: string, close: string) =>
    `${open}${blanks}${items.join(`${blanks},`)}${blanks}${close}`
  if (Array.isArray(value))
    return list(
      value.map((each) => written(each, blanks, escapes)),
      '[',
      ']',
    )
  if (typeof value === 'object' && value !== null && 'members' in value) {
    const members = (value.members as [string, unknown][]).map(
      ([key, each]) => `${spelt(key, escapes)}${blanks}:${blanks}${written(each, blanks, escapes)}`,
    )
    return list(members, '{', '}')
  }
  return typeof value === 'string' ? spelt(value, escapes) : JSON.stringify(value)
}

function spelt(text: string, escapes: boolean): string {
  if (!escapes) return JSON.stringify(text)
  const units = Array.from({ length: text.length }, (_, i) =>
    text.charCodeAt(i).toString(16).padStart(4, '0'),
  )
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`
}
