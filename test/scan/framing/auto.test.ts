import t from 'tap'
import { RESULT } from '../../../src/memory/extent-ring.ts'
import { RUN_BEGIN, RUN_KIND, RUN_OUTCOME } from '../../../src/memory/frame-region.ts'
import { AUTO, ExtentRig, ingestStream } from '../../helpers/extent-rig.ts'

const rig = new ExtentRig({ maxRecordBytes: 100, maxDepth: 8 })
const OPEN = RUN_KIND.AUTO | RUN_BEGIN

for (const { name, body, outcome, accepted, rejected = 0 } of [
  { name: 'whole objects on lines', body: '{"a":1}\n{"b":2}\n', outcome: 'LINES', accepted: 2 },
  { name: 'one line without its end', body: '{"a":1}', outcome: 'LINES', accepted: 1 },
  { name: 'blanks around the first value', body: ' {"a":1} \r\n{}', outcome: 'LINES', accepted: 2 },
  {
    name: 'blank lines before it',
    body: '\n \r\n{"a":1}\nnope\n{}',
    outcome: 'LINES',
    accepted: 2,
    rejected: 1,
  },
  { name: 'a BOM before it', body: '\uFEFF{"a":1}\n{}', outcome: 'LINES', accepted: 2 },
  { name: 'a scalar on the first line', body: '1\n{}', outcome: 'LINES', accepted: 1, rejected: 1 },
  { name: 'an array on one line', body: '[{},{}]', outcome: 'LINES', accepted: 0, rejected: 1 },
  {
    name: 'a line too deep',
    body: `${'['.repeat(20)}${']'.repeat(20)}\n{}\n`,
    outcome: 'LINES',
    accepted: 1,
    rejected: 1,
  },
  { name: 'an array over lines', body: '[\n{},\n{}]', outcome: 'DOCUMENTS', accepted: 2 },
  { name: 'a pretty-printed object', body: '{\n"a":1}', outcome: 'DOCUMENTS', accepted: 1 },
  { name: 'two values on the first line', body: '{}{}\n{}', outcome: 'DOCUMENTS', accepted: 3 },
  { name: 'a BOM before a document', body: '\uFEFF[\n{}]', outcome: 'DOCUMENTS', accepted: 1 },
  { name: 'nothing but blanks', body: ' \n\n ', outcome: 'DOCUMENTS', accepted: 0 },
  { name: 'garbage', body: 'nope\n{}\n', outcome: 'BAD_FRAMING', accepted: 0, rejected: 1 },
] as const) {
  t.test(name, async (t) => {
    for (const pieces of [[], [1, 1, 1, 1], [3, 7, 5], body.split('').map(() => 1)]) {
      const answer = ingestStream(rig, body, RUN_KIND.AUTO, pieces)
      t.equal(answer.outcome, RUN_OUTCOME[outcome], `in ${pieces.length} pieces`)
      t.equal(answer.accepted.length, accepted)
      t.equal(answer.letters.length, rejected)
    }
  })
}

t.test('as long as the first line may still end, nothing is taken', async (t) => {
  const answer = rig.ingest([{ bytes: '\uFEFF {"a":', kind: OPEN }])
  t.equal(answer.result, RESULT.MORE)
  t.equal(answer.consumed, 3, 'but for the BOM')
  t.same(answer.runs[0], { records: 0, accepted: 0, rejected: 0, shed: 0, outcome: RUN_OUTCOME.OK, state: 0 })
})

t.test('a first line longer than a record decides for documents', async (t) => {
  const answer = rig.ingest([{ bytes: `{"a":"${'x'.repeat(200)}`, kind: OPEN }])
  t.equal(answer.runs[0]!.outcome, RUN_OUTCOME.DOCUMENTS)
  const whole = rig.ingest([{ bytes: `{"a":"${'x'.repeat(200)}"}\n{}\n`, kind: AUTO }])
  t.equal(whole.runs[0]!.outcome, RUN_OUTCOME.DOCUMENTS, 'also when its end is seen')
  t.same(whole.rejectedBy, { oversize_record: 1 })
  t.equal(whole.counts.accepted, 1)
})

t.test('lines that have not ended stay for the next extent', async (t) => {
  const answer = rig.ingest([{ bytes: '{"a":1}\n{"b":2}\n{"c"', kind: OPEN }])
  t.equal(answer.result, RESULT.MORE)
  t.equal(answer.consumed, 16)
  t.equal(answer.counts.accepted, 2)
  const whole = rig.ingest([{ bytes: '{"a":1}\n{"b":2}\n', kind: OPEN }])
  t.equal(whole.result, RESULT.DONE, 'and with none left it is done')
})

t.test('an AUTO run that is resumed knows what it was', async (t) => {
  const answer = ingestStream(rig, '{"a":1}\n{\n{"b":2}\n', RUN_KIND.AUTO, [], { recordLimit: 1 })
  t.equal(answer.outcome, RUN_OUTCOME.LINES)
  t.same(answer.accepted, ['{"a":1}', '{"b":2}'])
  t.equal(answer.letters[0]!.category, 'malformed_json')
})
