import t from 'tap'
import { RESULT } from '../../../src/memory/extent-ring.ts'
import { RUN_KIND, RUN_OUTCOME } from '../../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { DOCUMENTS, ExtentRig, LINES } from '../../helpers/extent-rig.ts'

const texts = (records: { text: string }[]): string[] => records.map(({ text }) => text)
const event = (timestamp: number, source: string, severity?: string): string =>
  `${JSON.stringify({ event_id: 'x', timestamp, source, payload: {}, severity })}\n`

t.test('lines: blank ones are none, blanks around a record are not its own', async (t) => {
  const rig = new ExtentRig()
  const answer = rig.ingest([{ bytes: '\n  \r\n{"a":1}\r\n\t {"b":2} \t\n\n{"c":3}\n\n', kind: LINES }])
  t.same(texts(answer.records), ['{"a":1}', '{"b":2}', '{"c":3}'])
  t.same(answer.counts, { records: 3, accepted: 3, rejected: 0, fast: 0, breaks: 0, undecided: 0 })
  t.equal(answer.result, RESULT.DONE)
})

t.test('lines: each refusal with its category, and no neighbour is hurt', async (t) => {
  const rig = new ExtentRig({ maxRecordBytes: 50, maxDepth: 4 })
  const lines: [string, line: string | Uint8Array][] = [
    ['malformed_json', '{"a":1'],
    ['malformed_json', '{"a":1} {"b":2}'],
    ['malformed_json', '\u0000'],
    ['invalid_utf8', Buffer.from('{"a":"\xff"}', 'latin1')],
    ['schema_violation', '[1]'],
    ['oversize_record', `{"a":"${'x'.repeat(50)}"}`],
    ['oversize_record', '[[[[[1]]]]]'],
    ['malformed_json', '\uFEFF{}'],
  ]
  const answer = rig.ingest([
    { bytes: '{"before":1}\n' },
    ...lines.map(([, line]) => ({ bytes: Buffer.concat([Buffer.from(line), Buffer.from('\n')]), kind: 0 })),
    { bytes: '{"behind":1}\n' },
  ])
  t.same(texts(answer.records), ['{"before":1}', '{"behind":1}'])
  t.same(
    answer.letters.map(({ category }) => category),
    lines.map(([category]) => category),
  )
  t.same(
    answer.letters.map(({ record }) => Buffer.from(record as string)),
    lines.map(([, line]) => Buffer.from(line as string)),
  )
  t.same(
    answer.letters.map(({ peer }) => peer),
    lines.map((_, i) => `peer-${i + 1}`),
  )
})

t.test('a BOM at the start of a stream is skipped', async (t) => {
  const rig = new ExtentRig()
  const answer = rig.ingest([{ bytes: '{}\n' }, { bytes: '\uFEFF{"a":1}\n' }])
  t.same(texts(answer.records), ['{}', '{"a":1}'])
  t.equal(answer.sent, '{}\n   {"a":1}\n')
})

t.test('runs of which the main thread knows that they are no records', async (t) => {
  const rig = new ExtentRig({ maxRecordBytes: 50 })
  const answer = rig.ingest([
    { bytes: 'the beginning', kind: RUN_KIND.OVERSIZE, length: 1000 },
    { bytes: '{"a":1}\n' },
    { bytes: '{"a":\n', kind: RUN_KIND.BROKEN },
    { bytes: '{"b":2}\n' },
  ])
  t.same(texts(answer.records), ['{"a":1}', '{"b":2}'])
  t.match(answer.letters, [
    { category: 'oversize_record', record: 'the beginning', truncated: true, length: 1000 },
    { category: 'bad_framing', record: '{"a":', truncated: undefined },
  ])
})

t.test('each run learns its counts and its first five refusals', async (t) => {
  const rig = new ExtentRig()
  const answer = rig.ingest([
    { bytes: '{}\n1\n{}\n2\n3\n4\n{}\n5\n6\n7\n', stream: 8 },
    { bytes: '1\n2\n', stream: 0 },
    { bytes: '[{},1]\n', kind: DOCUMENTS, stream: 9 },
  ])
  t.same(
    answer.runs.map(({ records, accepted, rejected }) => [records, accepted, rejected]),
    [
      [10, 3, 7],
      [2, 0, 2],
      [2, 1, 1],
    ],
  )
  t.same(
    answer.errors.map(({ run, index }) => [run, index]),
    [
      [0, 1],
      [0, 3],
      [0, 4],
      [0, 5],
      [0, 7],
      [2, 1],
    ],
    'none where nobody waits',
  )
  t.match(answer.errors[0], { category: 'schema_violation', path: '', expected: String })
  t.same(answer.rejectedBy, { schema_violation: 10 })
  t.equal(answer.counts.records, answer.counts.accepted + answer.counts.rejected)
})

t.test('severity, lane, time and route stand in the table', async (t) => {
  const rig = new ExtentRig({
    schema: builtinSpecs.log_event,
    filters: [{ severity: { gte: 5 } }, { source: { eq: 'web' } }],
  })
  const answer = rig.ingest(
    [
      {
        bytes: event(1000, 'web', 'CRITICAL') + event(990.5, 'db') + event(1e10, 'web', 'DEBUG') + 'nope\n',
      },
      { bytes: event(2000, 'db', 'WARNING') },
    ],
    { fastSeverity: 8, receivedAtMs: 1_500_000 },
  )
  t.same(
    answer.records.map(({ severity, fast, timeMs, route }) => ({ severity, fast, timeMs, route })),
    [
      { severity: 9, fast: true, timeMs: 1_000_000, route: 3 },
      { severity: 2, fast: false, timeMs: 990_500, route: 0 },
      { severity: 1, fast: false, timeMs: 990_500 + 0xffffffff, route: 2 },
      { severity: 5, fast: false, timeMs: 2_000_000, route: 1 },
    ],
  )
  t.equal(answer.firstTimeMs, 990_500)
  t.same(answer.routed.slice(0, 5), [1, 1, 1, 1, 0], 'by filter: bulk, fast')
  t.equal(answer.counts.fast, 1)
})

t.test('an event without a time has that of its arrival; so has an extent without events', async (t) => {
  const rig = new ExtentRig()
  const answer = rig.ingest([{ bytes: '{}\n' }], { receivedAtMs: 5 })
  t.equal(answer.records[0]!.timeMs, 5)
  const empty = rig.ingest([{ bytes: 'nope\n' }], { receivedAtMs: 5 })
  t.same([empty.firstTimeMs, empty.lastTimeMs], [5, 5])
})

t.test(
  'one record in 4096 is given to JSON.parse as well, and a scanner that errs is found out',
  async (t) => {
    const rig = new ExtentRig()
    const answer = rig.ingest([{ bytes: '{}\n'.repeat(10_000) }])
    t.equal(answer.counts.accepted, 10_000)
    t.equal(answer.crossChecked, 2)
    t.equal(answer.crossFailed, 0)
  },
)

t.test('a kind of run that does not exist is framed as lines', async (t) => {
  const answer = new ExtentRig().ingest([{ bytes: '{}\n', kind: 77 }])
  t.equal(answer.runs[0]!.outcome, RUN_OUTCOME.OK)
})
