import t from 'tap'
import { LetterReader } from '../../src/dlq/letter-reader.ts'
import type { LetterReaderOptions } from '../../src/dlq/letter-reader.ts'
import { formatLetterId, parseLetterId } from '../../src/dlq/letter-id.ts'
import { parseLetter, parseLetterHead, recordOf } from '../../src/dlq/letter.ts'
import { isEverything } from '../../src/dlq/selection.ts'
import type { Selection } from '../../src/dlq/selection.ts'
import { forEachLine, wholeLines } from '../../src/dlq/whole-lines.ts'
import { FaultyDisk } from './fixtures/faulty-disk.ts'
import { letterLine } from './fixtures/harness.ts'

const PUSH = 'push.00000001.ndjson'
const NET = 'net.00000002.ndjson'

const at = (minute: number) => ({ received_at: `2026-11-03T09:${minute}:00.000Z` })

function disk(): FaultyDisk {
  const made = new FaultyDisk()
  made.put(
    PUSH,
    letterLine({ record: '1', ...at(10) }) +
      letterLine({ record: '2', path: '/hosts/0/ip', expected: 'must be present', ...at(11) }) +
      '{"source":"push","rec\n\n' +
      letterLine({ record: '5', category: 'refused', sink: 'siem', reason: 'Mapping failed', ...at(12) }),
  )
  made.put(NET, letterLine({ source: 'net', record: '6', category: 'invalid_utf8', path: '', ...at(13) }))
  made.put('push.00000003.ndjson', letterLine({ record: '7', ...at(14) }) + '{"unfinished')
  made.put('other.txt', letterLine({ record: '8' }))
  return made
}

async function read(selection: Selection, options: Partial<LetterReaderOptions> = {}) {
  const reader = new LetterReader({ directory: 'dlq', io: disk(), selection, ...options })
  const records: string[] = []
  for await (const { letter } of reader) records.push(letter.record!)
  return { records: records.join(''), reader }
}

t.test('all letters, in the order of their files; damaged lines are counted and named', async (t) => {
  const { records, reader } = await read({})
  t.equal(records, '12567')
  t.equal(reader.damagedCount, 2)
  t.strictSame(reader.damaged.map(formatLetterId), ['push.00000001:3', 'push.00000001:4'])
  const missing = { list: async () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' })) }
  const nothing = new LetterReader({ directory: 'dlq', io: Object.assign(new FaultyDisk(), missing) })
  for await (const { id } of nothing) t.fail(formatLetterId(id))
})

t.test('selections', async (t) => {
  const cases: [string, Selection][] = [
    ['17', { path: '/severity', categories: ['schema_violation'] }],
    ['2', { path: '/hosts/0/ip' }],
    ['2', { path: '/hosts/*/ip' }],
    ['56', { categories: ['refused', 'invalid_utf8'] }],
    ['6', { sources: ['net'] }],
    ['5', { sinks: ['siem'] }],
    ['', { sinks: ['archive'] }],
    [
      '25',
      {
        reason: 'M',
        sources: ['push'],
        untilMs: Date.parse('2026-11-03T09:13:00Z'),
        sinceMs: 0,
        path: undefined,
        ids: [
          { file: PUSH, line: 2 },
          { file: PUSH, line: 5 },
        ],
      },
    ],
    ['567', { sinceMs: Date.parse('2026-11-03T09:12:00Z') }],
    ['12', { untilMs: Date.parse('2026-11-03T09:12:00Z') }],
    ['125', { max: 3 }],
    ['5', { ids: [{ file: PUSH, line: 5 }] }],
    [
      '16',
      {
        ids: [
          { file: NET, line: 1 },
          { file: PUSH, line: 1 },
          { file: PUSH, line: 99 },
        ],
      },
    ],
    ['5', { reason: 'mapping' }],
  ]
  for (const [records, selection] of cases)
    t.equal((await read(selection)).records, records, JSON.stringify(selection))
  t.ok(isEverything({}) && isEverything({ ids: [], sources: [], path: undefined }))
  t.notOk(isEverything({ path: '' }))
})

t.test('no further than what is committed', async (t) => {
  const first = letterLine({ record: '1', received_at: '2026-11-03T09:10:00.000Z' }).length
  const { records } = await read({}, { committedBytes: (file) => (file === PUSH ? first : 0) })
  t.equal(records, '1')
})

t.test('ids as text', async (t) => {
  t.strictSame(parseLetterId('push.00000001:17'), { file: PUSH, line: 17 })
  t.strictSame(parseLetterId('push.00000001.ndjson:17'), { file: PUSH, line: 17 })
  t.equal(formatLetterId({ file: PUSH, line: 17 }), 'push.00000001:17')
  for (const text of [
    'push:1',
    'push.00000001',
    'push.00000001:0',
    'a/b.00000001:1',
    'push.00000001:999999999',
    '',
  ])
    t.equal(parseLetterId(text), undefined, text)
})

t.test('a letter without its record is the same otherwise', async (t) => {
  const tricky = '{"a":"\\",\\"sink\\":\\"x","b":"\\"}","record":"\\\\"}'
  const letters = [
    { record: tricky },
    { record: tricky, truncated: true, length: 99_999 },
    { record: tricky, sink: 'siem', attempts: 3, status: 400, reason: '","truncated": said it', history: [] },
    { record: '' },
    { peer: ',"record":"', record: tricky },
    { record_base64: 'AAE=' },
    { record_base64: 'AAE=', sink: 'siem', attempts: 1, reason: '' },
  ]
  for (const letter of letters) {
    const line = letterLine(letter).trimEnd()
    const { record: _, ...whole } = parseLetter(line)!
    const { record: __, ...head } = parseLetterHead(Buffer.from(line))!
    t.strictSame(head, whole, line)
  }
  t.equal(parseLetterHead(Buffer.from('{"source":"push","record":"x')), null)
  t.equal(parseLetterHead(Buffer.from('{"source":1,"record":"x"}')), null)
  t.equal(parseLetter('{"source":"push"}'), null)
  t.strictSame(recordOf(parseLetter(letterLine({ record_base64: 'AAE=' }))!), Buffer.from([0, 1]))
  t.equal(recordOf(parseLetter(letterLine())!), null)
})

t.test('lines of any length', async (t) => {
  const long = new FaultyDisk()
  const lengths = [0, 262_000, 300_000, 1_000_000, 5, 600_000]
  long.put(PUSH, lengths.map((length) => letterLine({ record: 'x'.repeat(length) })).join(''))
  const found: number[] = []
  for await (const { letter } of new LetterReader({ directory: 'dlq', io: long }))
    found.push(letter.record!.length)
  t.strictSame(found, lengths)
})

t.test('a line that is too long is an empty one', async (t) => {
  const long = new FaultyDisk()
  const texts = ['first', 'x'.repeat(700_000), 'third', 'y'.repeat(300_000), 'z'.repeat(200_000), '']
  long.put(PUSH, texts.map((text) => `${text}\n`).join(''))
  const file = await long.open(PUSH, 'read')
  const found: string[] = []
  for await (const block of wholeLines(file, Infinity, 256 * 1024)) {
    forEachLine(block, (from, to) => void found.push(block.toString('utf8', from, to)))
  }
  await file.close()
  t.strictSame(
    found.map((text) => text.slice(0, 5)),
    ['first', '', 'third', '', 'zzzzz', ''],
  )
})
