/** The body of an answer, read in pieces of any size, says what the same read whole says. */
import fc from 'fast-check'
import t from 'tap'
import { AnswerScanner } from '../../../src/sinks/elasticsearch/answer-scanner.ts'

interface Read {
  readonly items: { status: number; type: string; reason: string }[]
  readonly whole: boolean
}

function scan(body: string, pieceBytes: (n: number) => number = () => 1 << 20): Read {
  const items: Read['items'] = []
  const scanner = new AnswerScanner((status) =>
    items.push({ status, type: scanner.type, reason: scanner.reason }),
  )
  const bytes = Buffer.from(body)
  for (let from = 0, n = 0; from < bytes.length; n++) {
    // A copy, so that whoever looks at it after the call sees nothing.
    const piece = Buffer.from(bytes.subarray(from, from + Math.max(1, pieceBytes(n))))
    scanner.read(piece)
    from += piece.length
    piece.fill(0)
  }
  return { items, whole: scanner.whole }
}

const reasonOf = (written: string) =>
  scan(item(`"status":400,"error":{"reason":"${written}"}`)).items[0]!.reason

const item = (inner: string) => `{"items":[{"create":{${inner}}}]}`

t.test('an item', async (t) => {
  const cases: [inner: string, status: number, type: string, reason: string][] = [
    ['"status":201', 201, '', ''],
    ['"error":{"type":"a","reason":"b"},"status":400', 400, 'a', 'b'],
    ['"status" : 400 ,\n\t"error" : "in words"', 400, '', 'in words'],
    ['"status":400,"reason":"in words"', 400, '', 'in words'],
    [
      '"status":400,"error":{"reason":"b","caused_by":{"type":"x","reason":"c"},"type":"a"}',
      400,
      'a',
      'b (c)',
    ],
    ['"status":400,"error":{"reason":"b: c","caused_by":{"reason":"c"}}', 400, '', 'b: c'],
    ['"status":400,"error":{"root_cause":[{"type":"no","reason":"no"},"no"],"type":"a"}', 400, 'a', ''],
    ['"status":400,"error":{"reason":"\\"\\u00e9\\\\\\ud83d\\ude00\\n"}', 400, '', '"é\\😀\n'],
    ['"status":400,"error":{"meta":{"reason":"no"},"reason":null}', 400, '', ''],
    ['"status":"201"', 0, '', ''],
    ['"status":null', 0, '', ''],
    ['"status":20.1', 0, '', ''],
    ['"status":-201', 0, '', ''],
    ['"status":[201]', 0, '', ''],
    ['"status":{"status":201}', 0, '', ''],
    ['"status":99', 0, '', ''],
    ['"status":99999999999999999999', 0, '', ''],
    ['"data":{"status":201},"status":503,"_shards":{"status":201}', 503, '', ''],
    ['', 0, '', ''],
  ]
  for (const [inner, status, type, reason] of cases) {
    t.same(scan(item(inner)), { items: [{ status, type, reason }], whole: true }, inner)
  }
  t.same(
    scan('{"items":[{},{"create":1},{"create":[{"status":201}]}]}').items.map((one) => one.status),
    [0, 0, 0],
  )
  t.same(
    scan('{"status":201,"items":[{"status":201}]}').items.map((one) => one.status),
    [0],
  )
})

t.test('long words are cut, at no half of an escape', async (t) => {
  t.equal(reasonOf('x'.repeat(1000)), 'x'.repeat(400))
  for (let length = 390; length <= 400; length++) {
    const reason = reasonOf('x'.repeat(length) + '\\u00e9\\n' + 'x'.repeat(100))
    t.match(reason, /^x{390,400}é?\n?x*$/, `${length}`)
  }
})

t.test('what is no answer of _bulk is not whole, and what is has all its items', async (t) => {
  for (const body of [
    '',
    ' ',
    '[]',
    '"items"',
    '200',
    '<html>OK</html>',
    '{',
    '{"items":[{"create":{"status":201}}',
    '{"items":[{"create":{"status":201}}]',
    '{"items":[{"create":{"status":201}},]}',
    '{"items":[{"create":{"status":201}}]}{}',
    '{"items":[{"create":{"status":201}}]}x',
    '{"items":[{"create":{"status":201}]}',
    '{"items":[{"create":{"status" 201}}]}',
    '{"items":[{"create":{"status":201,}}]}',
    '{"items":[{"create":{"status":201}}}',
    '{"items":[201]}',
    '{"items":["x"]}',
    '{"items":[[{"create":{"status":201}}]]}',
    '{items:[]}',
    `{"items":[{"create":${'['.repeat(200)}`,
  ]) {
    t.notOk(scan(body).whole, body.slice(0, 60))
  }
  t.same(scan('{}'), { items: [], whole: true })
  t.same(scan('{"items":[]} \n'), { items: [], whole: true })
  t.same(scan('{"items":{"create":{"status":201}}}'), { items: [], whole: true })
})

const jsonObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })
const taken = fc.constant<{ status?: number; error?: { type?: string; reason?: string } }>({ status: 201 })
const anyItem = fc.record(
  {
    noise: jsonObject,
    status: fc.oneof(fc.constant(201), fc.integer({ min: 100, max: 599 })),
    error: fc.record(
      {
        noise: jsonObject,
        type: fc.string({ unit: 'grapheme', maxLength: 30 }),
        reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
        root_cause: fc.array(jsonObject, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

t.test('pieces of any size', async (t) => {
  const property = fc.property(
    fc.array(fc.oneof(taken, anyItem), { maxLength: 8 }),
    jsonObject,
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    fc.constantFrom(0, 2),
    (items, more, sizes, indent) => {
      const { items: _no, ...rest } = more
      const body = JSON.stringify({ ...rest, items: items.map((create) => ({ create })) }, null, indent)
      const expected = items.map(({ status, error }) => ({
        status: status ?? 0,
        type: error?.type ?? '',
        reason: error?.reason ?? '',
      }))
      const read = scan(body, (n) => sizes[n % sizes.length]!)
      return read.whole && JSON.stringify(read.items) === JSON.stringify(expected)
    },
  )
  fc.assert(property, { numRuns: 500 })
  t.pass('500 answers')
})

t.test('an answer cut off anywhere is not whole', async (t) => {
  const body = JSON.stringify({
    took: 3,
    errors: true,
    items: [{ create: { status: 201 } }, { create: { status: 400, error: { type: 'a"\\', reason: 'é' } } }],
  })
  for (let length = 0; length < body.length; length++) t.notOk(scan(body.slice(0, length)).whole, `${length}`)
  t.ok(scan(body).whole)
})
