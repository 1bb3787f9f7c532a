import t from 'tap'
import { NOTHING_LEFT, Rig } from './rig.ts'
import { makeEvents, post } from './raw-client.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const JSON_TYPE = { 'content-type': 'application/json' }

t.test('every form of body', async (t) => {
  const rig = await Rig.start()
  t.teardown(() => rig.stop())
  const ok = async (body: string, headers: Record<string, string>, expected: string[], note: string) => {
    rig.delivered.length = 0
    const answer = await post(rig.url, body, headers)
    await rig.settled()
    t.strictSame(
      [answer.status, answer.json, rig.delivered],
      [200, { accepted: expected.length, rejected: 0, errors: [] }, expected],
      note,
    )
    t.strictSame(rig.ledger.imbalances(), [], `${note}: ledger`)
  }
  for (const type of ['x-ndjson', 'ndjson', 'jsonl', 'jsonlines', 'X-NDJSON; charset=utf-8']) {
    await ok('{"a":1}\n{"a":2}', { 'content-type': `application/${type}` }, ['{"a":1}', '{"a":2}'], type)
  }
  await ok('{"a":1}\r\n\r\n \n{"a":2}\n', NDJSON, ['{"a":1}', '{"a":2}'], 'blank lines')
  await ok('\ufeff{"a":1}\n', NDJSON, ['{"a":1}'], 'byte order mark')
  await ok('[{"a":1}, {"a":2}]', JSON_TYPE, ['{"a":1}', '{"a":2}'], 'array')
  await ok('[{"a":1}]', { 'content-type': 'application/logs+json' }, ['{"a":1}'], '+json')
  await ok('{"logs":[{"a":1},{"a":2}]}', JSON_TYPE, ['{"a":1}', '{"a":2}'], 'envelope')
  await ok('{\n  "a": 1\n}\n{ "a": 2 }', JSON_TYPE, ['{   "a": 1 }', '{ "a": 2 }'], 'pretty documents')
  await ok('{"a":1}\n{"a":2}\n', {}, ['{"a":1}', '{"a":2}'], 'no type, lines')
  await ok(
    '{"a":1}\n{"a":2}\n',
    { 'content-type': 'text/plain' },
    ['{"a":1}', '{"a":2}'],
    'other type, lines',
  )
  await ok('[\n{"a":1},\n{"a":2}\n]', {}, ['{"a":1}', '{"a":2}'], 'no type, structure')
  await ok('', NDJSON, [], 'empty')
  await ok('', JSON_TYPE, [], 'empty document')
  await ok('', { 'content-encoding': 'gzip' }, [], 'empty gzip')
  await ok('  \n\n', {}, [], 'blank')
  await ok('{"a":1}', { 'content-encoding': 'identity' }, ['{"a":1}'], 'identity')
})

t.test('what is refused is told, with the first five reasons', async (t) => {
  const rig = await Rig.start({ config: { schema: 'soc', maxRecordBytes: 2048 } })
  const good = '{"timestamp":"2026-01-01T00:00:00Z","source_ip":"10.0.0.1","event_type":"x","severity":3}'
  const bad = good.replace('3}', '11}')
  const lines = [good, bad, '{"broken', good, `{"x":"${'y'.repeat(3000)}"}`, '\0\0', bad, bad, bad, good]
  const { status, json } = await post(rig.url, `${lines.join('\n')}\n`, NDJSON)
  t.equal(status, 200)
  t.match(json, { accepted: 3, rejected: 7 })
  t.strictSame(
    json.errors.map(({ index, category }: { index: number; category: string }) => [index, category]),
    [
      [1, 'schema_violation'],
      [2, 'malformed_json'],
      [4, 'oversize_record'],
      [5, 'malformed_json'],
      [6, 'schema_violation'],
    ],
  )
  t.match(json.errors[0], { path: '/severity', expected: String })
  const utf8 = await post(
    rig.url,
    Buffer.concat([Buffer.from(good.replace('"x"', '"')), Buffer.of(0xff, 0x22), Buffer.from('}\n')]),
    NDJSON,
  )
  t.equal(utf8.json.rejected, 1)
  const allBad = await post(rig.url, `${bad}\n${bad}`, NDJSON)
  t.match(allBad, { status: 200, json: { accepted: 0, rejected: 2 } })
  await rig.settled()
  t.equal(rig.delivered.length, 3)
  t.equal(rig.deadLetters.length, 10)
  t.match(JSON.parse(rig.deadLetters[0]!).peer, /^127\.0\.0\.1:\d+$/)
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('a body that loses its structure is a 400 with the counts', async (t) => {
  const rig = await Rig.start()
  const { status, json } = await post(rig.url, '[{"a":1},{"a":2} {"a":3}]', JSON_TYPE)
  t.equal(status, 400)
  t.match(json, { accepted: 2, rejected: 1, error: /sequence of JSON values/ })
  t.strictSame(
    rig.refused.map((refusal) => refusal.status),
    [400],
  )
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('lost structure ends a long upload', async (t) => {
  const rig = await Rig.start()
  let sent = 0
  async function* body() {
    yield Buffer.from(`[${makeEvents(1000, 200).join(',')}, nonsense`)
    while (sent < 1000) {
      sent++
      yield Buffer.alloc(64 * 1024, 0x20)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const { status, json, headers } = await post(rig.url, body(), JSON_TYPE)
  t.equal(status, 400)
  t.equal(headers.connection, 'close')
  t.match(json, { accepted: 1000, rejected: 1 })
  t.ok(sent < 1000, `the upload ended after ${sent} chunks`)
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('1 MB without a line break is one oversize record', async (t) => {
  const rig = await Rig.start()
  const body = `{"a":1}\n${'x'.repeat(1_000_000)}\n{"a":2}\n`
  const { status, json } = await post(rig.url, body, NDJSON)
  t.equal(status, 200)
  t.match(json, { accepted: 2, rejected: 1, errors: [{ index: 1, category: 'oversize_record' }] })
  const unended = await post(rig.url, `{"a":1}\n${'x'.repeat(1_000_000)}`, NDJSON)
  t.match(unended.json, { accepted: 1, rejected: 1, errors: [{ index: 1, category: 'oversize_record' }] })
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('bodies larger than a slab', async (t) => {
  const rig = await Rig.start({ slabs: 8 })
  const events = makeEvents(10_000, 310)
  for (const [form, body, headers] of [
    ['array', `[${events.join(',\n')}]`, JSON_TYPE],
    ['envelope', `{"logs":[${events.join(',')}]}`, JSON_TYPE],
    ['documents', events.join(' '), JSON_TYPE],
    ['lines', events.join('\n'), NDJSON],
    ['lines, untold', events.join('\n'), {}],
    ['array, untold', `[${events.join(',\n')}]`, {}],
  ] as const) {
    rig.delivered.length = 0
    const { status, json } = await post(rig.url, body, headers)
    t.strictSame([status, json], [200, { accepted: 10_000, rejected: 0, errors: [] }], form)
    await rig.settled()
    t.ok(
      rig.delivered.every((text, index) => text === events[index]),
      `${form}: unchanged, in order`,
    )
    t.strictSame(rig.ledger.imbalances(), [], form)
  }
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})

t.test('one document over many chunks, and one that outgrows the limit', async (t) => {
  const rig = await Rig.start()
  const wide = `{"x":"${'y'.repeat(400_000)}"}`
  const { json } = await post(rig.url, `[${wide},${wide},{"a":1},${wide}]`, JSON_TYPE)
  t.match(json, { accepted: 4, rejected: 0 })
  const tooWide = `{"x":"${'y'.repeat(700_000)}"}`
  const answer = await post(rig.url, `[{"a":1},${tooWide},{"a":2}]`, JSON_TYPE)
  t.equal(answer.json.rejected, 1)
  t.equal(answer.json.errors[0].category, 'oversize_record')
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(await rig.stop(), NOTHING_LEFT)
})
