import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import {
  DEAD_LETTER_RECORD_BYTES_MAX,
  DeadLetterWriter,
  deadLetterBytesMax,
} from '../../src/encode/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/encode/dead-letter.ts'

const OUT = 1 << 20
const RECEIVED_AT_MS = Date.UTC(2026, 10, 3, 9, 15, 0, 7)

/** A shared buffer with the record at 0 and the output behind OUT, as in the arena. */
function writerWith(record: Uint8Array, outBytes = 1 << 20) {
  const bytes = new Uint8Array(new SharedArrayBuffer(OUT + (1 << 20)))
  bytes.set(record)
  const writer = new DeadLetterWriter(bytes)
  writer.reset(OUT, OUT + outBytes)
  const lines = () =>
    Buffer.from(bytes.slice(OUT, OUT + writer.used))
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { bytes, writer, lines }
}

function entry(from: number, to: number, more: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  return {
    source: 'push',
    peer: '10.0.0.7:49152',
    receivedAtMs: RECEIVED_AT_MS,
    category: 'schema_violation',
    path: '/severity',
    expected: 'an integer from 0 to 10',
    schema: 'soc',
    schemaVersion: '0f1e2d3c4b5a',
    from,
    to,
    length: to - from,
    ...more,
  }
}

t.test('a record refused at ingest', async (t) => {
  const record = Buffer.from('{"severity":"hö\\n"}')
  const { writer, lines, bytes } = writerWith(record)
  t.equal(writer.write(entry(0, record.length)), true)
  t.equal(writer.count, 1)
  t.equal(
    Buffer.from(bytes.slice(OUT, OUT + writer.used)).toString(),
    '{"source":"push","peer":"10.0.0.7:49152","received_at":"2026-11-03T09:15:00.007Z",' +
      '"category":"schema_violation","path":"/severity","expected":"an integer from 0 to 10","schema":"soc",' +
      '"schema_version":"0f1e2d3c4b5a","record":"{\\"severity\\":\\"hö\\\\n\\"}"}\n',
  )
  t.equal(lines()[0]!['record'], record.toString())
})

t.test('a record given up at delivery says where and why, in this order', async (t) => {
  const record = Buffer.from('{}')
  const { writer, lines } = writerWith(record)
  const failure = { sink: 'siem', attempts: 3, status: 422, reason: 'no "index"\n' }
  const history = [
    { at: RECEIVED_AT_MS, category: 'connect', reason: '"', count: 2 },
    { at: RECEIVED_AT_MS, status: 422, category: 'refused', reason: '', count: 1 },
  ]
  writer.write(entry(0, 2, { category: 'refused', path: '', expected: '', ...failure, history }))
  writer.write(entry(0, 2, { category: 'undelivered', sink: 'siem', attempts: 0, reason: 'shutdown' }))
  const [first, second] = lines()
  t.equal(
    Object.keys(first!).join(' '),
    'source peer received_at category path expected schema schema_version record sink attempts status reason history',
  )
  t.match(first, failure)
  const at = '2026-11-03T09:15:00.007Z'
  t.strictSame(
    first!['history'],
    history.map((attempt) => Object.assign({}, attempt, { at })),
  )
  t.notOk('status' in second!)
})

t.test('bytes that are not UTF-8 are kept as base64', async (t) => {
  const record = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d])
  const { writer, lines } = writerWith(record)
  writer.write(entry(0, record.length, { category: 'invalid_utf8' }))
  t.equal(lines()[0]!['record'], undefined)
  t.same(Buffer.from(lines()[0]!['record_base64'] as string, 'base64'), record)
})

t.test('a refused record over 64 KiB keeps its beginning, cut between characters', async (t) => {
  for (const shift of [0, 1, 2, 3]) {
    const record = Buffer.from(' '.repeat(shift) + '😀'.repeat(20_000))
    const { writer, lines } = writerWith(record)
    writer.write(entry(0, record.length))
    const line = lines()[0]!
    t.match(line, { truncated: true, length: record.length })
    const kept = Buffer.from(line['record'] as string)
    t.same(kept, record.subarray(0, kept.length))
    t.ok(kept.length > DEAD_LETTER_RECORD_BYTES_MAX - 4 && kept.length <= DEAD_LETTER_RECORD_BYTES_MAX)
  }
})

t.test('only the beginning is there', async (t) => {
  const { writer, lines } = writerWith(Buffer.from('abcé').subarray(0, 4))
  writer.write(entry(0, 4, { category: 'oversize_record', length: 700_000 }))
  t.match(lines()[0], { record: 'abc', truncated: true, length: 700_000 })
})

t.test('an accepted record is never cut, and base64 where escaping would not fit', async (t) => {
  const record = Buffer.from(`"${'\\\\'.repeat(300_000)}"`)
  const { writer, lines } = writerWith(record)
  writer.write(entry(0, record.length, { sink: 'siem', attempts: 1, reason: '' }))
  const line = lines()[0]!
  t.notOk('truncated' in line)
  t.same(Buffer.from(line['record_base64'] as string, 'base64'), record)
})

t.test('no room: nothing is written, and the empty output has room', async (t) => {
  const record = Buffer.from('"'.repeat(1000))
  const { bytes, writer } = writerWith(record, deadLetterBytesMax(1000))
  let written = 0
  while (writer.write(entry(0, 1000))) written++
  t.ok(written >= 1)
  t.equal(writer.count, written)
  t.ok(
    bytes.subarray(OUT + writer.used).every((byte) => byte === 0),
    'not a byte behind the last line',
  )
  writer.reset(OUT, OUT + deadLetterBytesMax(1000))
  t.equal(writer.write(entry(0, 1000)), true)
})

t.test('words of strangers are cut', async (t) => {
  const { writer, lines } = writerWith(Buffer.from('{}'), deadLetterBytesMax(2))
  const long = '\u0000'.repeat(100_000)
  const history = Array.from({ length: 20 }, (_, count) => ({
    at: 8.64e15,
    status: Number.MAX_SAFE_INTEGER,
    category: 'server_error',
    reason: long,
    count,
  }))
  writer.write(entry(0, 2, { path: long, expected: long, sink: 's', reason: long, history }))
  t.equal((lines()[0]!['path'] as string).length, 512)
  const kept = lines()[0]!['history'] as { count: number; reason: string }[]
  t.same(
    kept.map(({ count }) => count),
    [12, 13, 14, 15, 16, 17, 18, 19],
  )
  t.equal(kept[0]!.reason.length, 200)
})

t.test('any record comes back as it was', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ),
      fc.integer({ min: 0, max: 400 }),
      (record, slack) => {
        const { writer, lines } = writerWith(record, deadLetterBytesMax(record.length) + slack)
        if (!writer.write(entry(0, record.length))) return false
        const line = lines()[0]!
        const back =
          typeof line['record'] === 'string'
            ? Buffer.from(line['record'])
            : Buffer.from(line['record_base64'] as string, 'base64')
        return Buffer.compare(back, record) === 0
      },
    ),
    { numRuns: 500 },
  )
})
