import t from 'tap'
import { failureOf, valueAt } from '../../src/dlq/failure.ts'
import { LetterReader } from '../../src/dlq/letter-reader.ts'
import { parseLetter } from '../../src/dlq/letter.ts'
import { LetterSummary } from '../../src/dlq/summary.ts'
import type { FailureCounts } from '../../src/dlq/summary.ts'
import { FaultyDisk } from './fixtures/faulty-disk.ts'
import { letterLine } from './fixtures/harness.ts'

const failure = (letter: Record<string, unknown>) =>
  failureOf(parseLetter(letterLine({ record: '', ...letter }))!)
const reason = (text: string) => failure({ sink: 'siem', reason: text }).reason

const elastic = (id: string, ip: string) =>
  `failed to parse field [source_ip] of type [ip] in document with id '${id}'. Preview of field's value: '${ip}'`

t.test('what differs from event to event is no other cause', async (t) => {
  t.equal(failure({ path: '/items/3/tags/0' }).path, '/items/*/tags/*')
  t.equal(failure({ path: '/v2/id' }).path, '/v2/id')
  t.equal(failure({ expected: 'must be <= 10' }).expected, 'must be <= 10', 'words of the schema stay')
  t.equal(reason(elastic('abc', 'local host')), elastic('*', '*'))
  t.equal(reason(elastic('x1', '::1')), reason(elastic('it is', '')))
  t.equal(reason('limit of total fields [1000] exceeded'), 'limit of total fields [*] exceeded')
  t.equal(reason('no ipv4 at 10.1.2.3:80, 2026-11-03T09:15:00Z'), 'no ipv4 at *, *')
  t.equal(reason('request 6f9619ff-8b86-d011-b42d-00cf4fc964ff failed'), 'request * failed')
  t.equal(reason(''), '')
  t.match(failure({ sink: 'siem', status: 400, reason: 'HTTP 400: no' }), { status: 400, reason: 'no' })
})

t.test('JSON pointers', async (t) => {
  const document = { a: [{ 'b/c': 1, '~': null }], toString: 2 }
  t.equal(valueAt(document, '/a/0/b~1c'), 1)
  t.equal(valueAt(document, '/a/0/~0'), null)
  t.equal(valueAt(document, ''), document)
  t.equal(valueAt(document, '/a/1/x'), undefined)
  t.equal(valueAt(document, '/constructor'), undefined)
})

const at = (hour: string) => `2026-11-03T${hour}:15:00.000Z`

async function summaryOf(lines: readonly string[]): Promise<LetterSummary> {
  const disk = new FaultyDisk()
  disk.put('push.00000001.ndjson', lines.join(''))
  const summary = new LetterSummary()
  for await (const found of new LetterReader({ directory: 'dlq', io: disk, withoutRecords: true }))
    summary.add(found)
  return summary
}

t.test('counts, first and last, what was found and where to look', async (t) => {
  const severities = [11, 11, 'high', null, [1], {}]
  const { all, by, failures } = await summaryOf([
    ...severities.map((severity, index) =>
      letterLine({ record: JSON.stringify({ severity }), received_at: at(`0${9 - index}`) }),
    ),
    letterLine({
      source: 'net',
      path: '',
      expected: 'must be UTF-8',
      category: 'invalid_utf8',
      record_base64: 'Yf8=',
    }),
    letterLine({ record: '{}', category: 'refused', sink: 'siem', status: 400, reason: 'no 1' }),
    letterLine({ record: '{}', category: 'refused', sink: 'siem', status: 400, reason: 'no 2' }),
  ])
  t.match(all, { letters: 9, first: at('04'), last: at('09') })
  t.strictSame(
    by.category.sorted().map(([name, { letters }]) => [name, letters]),
    [
      ['schema_violation', 6],
      ['refused', 2],
      ['invalid_utf8', 1],
    ],
  )
  t.strictSame(
    by.sink.sorted().map(([name, { letters }]) => [name, letters]),
    [['siem', 2]],
  )
  t.equal(by.hour.sorted().length, 6)
  const [severity, refused, utf8] = failures.sorted().map(([, group]) => group)
  t.match(severity, {
    letters: 6,
    first: at('04'),
    last: at('09'),
    example: { line: 1 },
    sample: '{"severity":11}',
  })
  t.strictSame([...severity!.values], ['11', '"high"', 'null'], 'three of them are enough')
  t.match(refused, { letters: 2, failure: { sink: 'siem', status: 400, reason: 'no *' } })
  t.match(utf8, { sample: 'a\u00ff', sources: new Set(['net']) })
})

const missing = (record: unknown) => letterLine({ record: JSON.stringify(record), path: '/user/id' })

t.test('where nothing is at the path, what is beside it', async (t) => {
  const { failures } = await summaryOf([
    missing([]),
    missing({ user: 1 }),
    missing({ user: { uid: 7, name: 'x' } }),
  ])
  const [[, group]] = failures.sorted() as [[string, FailureCounts]]
  t.match(group, { letters: 3, keys: ['uid', 'name'] })
  t.equal(group.values.size, 0)
})

t.test('so many groups, and no more', async (t) => {
  const lines = Array.from({ length: 10_050 }, (_, n) => letterLine({ record: '{}', path: `/a${n}` }))
  const { failures } = await summaryOf(lines)
  t.equal(failures.sorted().length, 10_000)
  t.match(failures.others, { letters: 50 })
})
