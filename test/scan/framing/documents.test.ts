import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { RESULT } from '../../../src/memory/extent-ring.ts'
import { RUN_BEGIN, RUN_END, RUN_KIND, RUN_OUTCOME } from '../../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { DOCUMENTS, ExtentRig, ingestStream, LINES } from '../../helpers/extent-rig.ts'

const MAX = 100
const rig = new ExtentRig({ maxRecordBytes: MAX, maxDepth: 8, slabBytes: 1 << 16 })
const OPEN = RUN_KIND.DOCUMENTS | RUN_BEGIN
const bulky = `{"a":"${'x'.repeat(30)}"}`
const oversize = `{"a":"${'x]}\\"[{'.repeat(30)}"}`
const deep = `${'{"a":['.repeat(6)}"]"${']}'.repeat(6)}`
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'latin1')

interface Case {
  name: string
  body: string | Uint8Array
  accepted?: string[]
  rejected?: [category: string, record?: string][]
  broken?: boolean
}

const CASES: Case[] = [
  { name: 'an object', body: '{"a":1}', accepted: ['{"a":1}'] },
  { name: 'nothing', body: ' \r\n\t' },
  { name: 'a BOM', body: '\uFEFF{"a":1}', accepted: ['{"a":1}'] },
  {
    name: 'documents with blanks between them',
    body: '{"a":1}\n\n{"b":2} {}',
    accepted: ['{"a":1}', '{"b":2}', '{}'],
  },
  {
    name: 'documents with nothing between them',
    body: '{}{"b":2}[{}]{}',
    accepted: ['{}', '{"b":2}', '{}', '{}'],
  },
  { name: 'an array', body: '[{"a":1},\n  {"b":2} ,{}]', accepted: ['{"a":1}', '{"b":2}', '{}'] },
  { name: 'an empty array', body: '[ ]{}', accepted: ['{}'] },
  {
    name: 'elements that are no objects',
    body: '[1,{},"x"]',
    accepted: ['{}'],
    rejected: [
      ['schema_violation', '1'],
      ['schema_violation', '"x"'],
    ],
  },
  {
    name: 'scalar documents',
    body: '12 true null\n"x"',
    rejected: [
      ['schema_violation', '12'],
      ['schema_violation', 'true'],
      ['schema_violation', 'null'],
      ['schema_violation', '"x"'],
    ],
  },
  {
    name: 'an array in an array is one record',
    body: '[[{}],{}]',
    accepted: ['{}'],
    rejected: [['schema_violation', '[{}]']],
  },
  { name: 'line breaks in a record', body: '{\n"a"\r\n:\n1}', accepted: ['{ "a"  : 1}'] },
  { name: 'an envelope', body: '{"logs":[{"a":1},{"b":2}]}', accepted: ['{"a":1}', '{"b":2}'] },
  {
    name: 'an envelope with blanks',
    body: ' { "logs" : [ {} , 5 ] } {}',
    accepted: ['{}', '{}'],
    rejected: [['schema_violation', '5']],
  },
  { name: 'an empty envelope', body: '{"logs":[]}{}', accepted: ['{}'] },
  {
    name: 'an envelope longer than a record',
    body: `{"logs":[${[bulky, bulky, bulky, bulky].join()}]}{}`,
    accepted: [bulky, bulky, bulky, bulky, '{}'],
  },
  { name: 'no envelope: another key behind', body: '{"logs":[{}],"a":1}', accepted: ['{"logs":[{}],"a":1}'] },
  { name: 'no envelope: another key before', body: '{"a":1,"logs":[{}]}', accepted: ['{"a":1,"logs":[{}]}'] },
  { name: 'no envelope: no array', body: '{"logs":{}}', accepted: ['{"logs":{}}'] },
  { name: 'no envelope: an escaped key', body: '{"\\u006cogs":[{}]}', accepted: ['{"\\u006cogs":[{}]}'] },
  {
    name: 'no envelope: the key twice',
    body: '{"logs":[{}],"logs":[]}',
    accepted: ['{"logs":[{}],"logs":[]}'],
  },
  { name: 'no envelope: an element', body: '[{"logs":[{}]}]', accepted: ['{"logs":[{}]}'] },
  {
    name: 'a key behind the array that is seen in time',
    body: `{"logs":[{}],"a":"${'x'.repeat(MAX)}"}{}`,
    accepted: ['{}'],
    rejected: [['oversize_record']],
  },
  {
    name: 'a key behind the array that is seen too late',
    body: `{"logs":[${bulky},${bulky},${bulky}],"a":1}{}`,
    accepted: [bulky, bulky, bulky],
    rejected: [['bad_framing', ',"a":1}{}']],
    broken: true,
  },
  {
    name: 'an envelope that breaks off',
    body: '{"logs":[{},{"a"',
    accepted: ['{}'],
    rejected: [['bad_framing', '{"a"']],
    broken: true,
  },
  {
    name: 'an envelope whose array is broken',
    body: '{"logs":[{} {}]}',
    accepted: ['{}'],
    rejected: [['bad_framing', '{}]}']],
    broken: true,
  },
  {
    name: 'an element too long',
    body: `[{},${oversize},{"b":2}]`,
    accepted: ['{}', '{"b":2}'],
    rejected: [['oversize_record']],
  },
  {
    name: 'a document too long',
    body: `${oversize}{"b":2}`,
    accepted: ['{"b":2}'],
    rejected: [['oversize_record']],
  },
  {
    name: 'a number too long',
    body: `[${'7'.repeat(3 * MAX)},{"b":2}]`,
    accepted: ['{"b":2}'],
    rejected: [['oversize_record']],
  },
  {
    name: 'a string too long',
    body: `["${'\\\\'.repeat(2 * MAX)}",{"b":2}]`,
    accepted: ['{"b":2}'],
    rejected: [['oversize_record']],
  },
  {
    name: 'an element too deep',
    body: `[{},${deep},{"b":2}]`,
    accepted: ['{}', '{"b":2}'],
    rejected: [['oversize_record', deep]],
  },
  {
    name: 'an element as long as can be',
    body: `[{"a":"${'x'.repeat(MAX - 8)}"}]`,
    accepted: [`{"a":"${'x'.repeat(MAX - 8)}"}`],
  },
  {
    name: 'an element a byte longer',
    body: `[{"a":"${'x'.repeat(MAX - 7)}"}]`,
    rejected: [['oversize_record', `{"a":"${'x'.repeat(MAX - 7)}"}`]],
  },
  {
    name: 'too long and not closed',
    body: `[{},${oversize.slice(0, -1)}`,
    accepted: ['{}'],
    rejected: [
      ['oversize_record', oversize.slice(0, -1)],
      ['bad_framing', ''],
    ],
    broken: true,
  },
  {
    name: 'bytes that are not UTF-8 in an element',
    body: utf8('[{"a":"\xff"},{}]'),
    accepted: ['{}'],
    rejected: [['invalid_utf8']],
  },
  {
    name: 'bytes that are not UTF-8 between elements',
    body: utf8('[{},\xff{}]'),
    accepted: ['{}'],
    rejected: [['bad_framing']],
    broken: true,
  },
  {
    name: 'a malformed element',
    body: '[{"a":1},{"a":},{}]',
    accepted: ['{"a":1}'],
    rejected: [['bad_framing', '{"a":},{}]']],
    broken: true,
  },
  {
    name: 'a malformed number',
    body: '[{},01,{}]',
    accepted: ['{}'],
    rejected: [
      ['schema_violation', '0'],
      ['bad_framing', '1,{}]'],
    ],
    broken: true,
  },
  {
    name: 'a comma too many',
    body: '[{},]',
    accepted: ['{}'],
    rejected: [['bad_framing', ']']],
    broken: true,
  },
  { name: 'a comma first', body: '[,{}]', rejected: [['bad_framing', ',{}]']], broken: true },
  {
    name: 'a comma missing',
    body: '[{}{}]',
    accepted: ['{}'],
    rejected: [['bad_framing', '{}]']],
    broken: true,
  },
  {
    name: 'a bracket too many',
    body: '[{}]]{}',
    accepted: ['{}'],
    rejected: [['bad_framing', ']{}']],
    broken: true,
  },
  {
    name: 'an array that breaks off',
    body: '[{},',
    accepted: ['{}'],
    rejected: [['bad_framing', '']],
    broken: true,
  },
  {
    name: 'a document that breaks off',
    body: '{} {"a":',
    accepted: ['{}'],
    rejected: [['bad_framing', '{"a":']],
    broken: true,
  },
]

for (const { name, body, accepted = [], rejected = [], broken = false } of CASES) {
  t.test(name, async (t) => {
    const categories = rejected.map(([category]) => category)
    const expected = {
      accepted,
      sent: [...accepted, ''],
      categories,
      errors: categories.slice(0, 5),
      outcome: broken ? RUN_OUTCOME.BAD_FRAMING : RUN_OUTCOME.DOCUMENTS,
    }
    const inPieces = (pieces: number[]) => {
      const answer = ingestStream(rig, body, RUN_KIND.DOCUMENTS, pieces)
      return {
        accepted: answer.accepted,
        sent: answer.sent.split('\n').map((line) => line.trim()),
        categories: answer.letters.map(({ category }) => category),
        errors: answer.errors.map(({ category }) => category).slice(0, 5),
        outcome: answer.outcome,
      }
    }
    t.same(inPieces([]), expected)
    const everyByte = Array.from({ length: Buffer.byteLength(body) }, () => 1)
    t.same(inPieces(everyByte), expected, 'byte by byte')
    const cutsThatMatter = everyByte
      .map((_, cut) => cut)
      .filter((cut) => !isDeepStrictEqual(inPieces([cut]), expected))
    t.same(cutsThatMatter, [], 'cut anywhere')
    const { letters } = ingestStream(rig, body, RUN_KIND.DOCUMENTS)
    rejected.forEach(([, record], i) => {
      if (record !== undefined) t.equal(letters[i]!.record, record)
    })
  })
}

t.test('a schema that declares `logs` has no envelopes', async (t) => {
  const own = new ExtentRig({ schema: { ...builtinSpecs.any, declaresLogs: true } })
  t.same(ingestStream(own, '{"logs":[{}]}', RUN_KIND.DOCUMENTS).accepted, ['{"logs":[{}]}'])
})

t.test('a value that has not ended stays for the next extent', async (t) => {
  const answer = rig.ingest([{ bytes: '[{"a":1}, {"b":', kind: OPEN }])
  t.equal(answer.result, RESULT.MORE)
  t.equal(answer.consumed, 10)
  t.equal(rig.text(rig.from + answer.consumed, rig.from + 15), '{"b":', 'which is as it came')
  const rest = rig.ingest([
    { bytes: '{"b":2}]\n', kind: RUN_KIND.DOCUMENTS | RUN_END, state: answer.runs[0]!.state },
  ])
  t.same(
    rest.records.map(({ text }) => text),
    ['{"b":2}'],
  )
  t.equal(rest.result, RESULT.DONE)
})

t.test('the part of a character at the end of an extent harms no one', async (t) => {
  const body = Buffer.from('[{"a":"ö"},{"b":"ü"}]')
  for (let cut = 1; cut < body.length; cut++) {
    t.same(
      ingestStream(rig, body, RUN_KIND.DOCUMENTS, [cut]).accepted,
      ['{"a":"ö"}', '{"b":"ü"}'],
      `cut at ${cut}`,
    )
  }
})

t.test('an element that outlasts its extent is refused once, with what is known of it', async (t) => {
  const first = rig.ingest([{ bytes: `[{},${oversize.slice(0, 150)}`, kind: OPEN }])
  t.equal(first.result, RESULT.DONE)
  t.equal(first.counts.records, 2)
  t.equal(first.letters[0]!.category, 'oversize_record')
  t.equal(first.letters[0]!.record, oversize.slice(0, 150))
  const rest = rig.ingest([
    {
      bytes: `${oversize.slice(150)},{"b":2}]\n`,
      kind: RUN_KIND.DOCUMENTS | RUN_END,
      state: first.runs[0]!.state,
    },
  ])
  t.same(rest.counts, { records: 1, accepted: 1, rejected: 0, fast: 0, breaks: 0, undecided: 0 })
})

t.test('only the first 64 KiB of what could not be framed are kept', async (t) => {
  const large = new ExtentRig()
  const rest = `oops${'x'.repeat(99_996)}`
  const answer = large.ingest([
    { bytes: `{}${rest}\n`, kind: DOCUMENTS },
    { bytes: '{}\n', kind: LINES },
  ])
  const [letter] = answer.letters
  t.equal(letter!.record, rest.slice(0, 65_536))
  t.equal(letter!.truncated, true)
  t.equal(letter!.length, rest.length)
  t.same(
    answer.runs.map(({ records, accepted, rejected }) => [records, accepted, rejected]),
    [
      [2, 1, 1],
      [1, 1, 0],
    ],
  )
  t.same(
    answer.errors.map(({ run, index, category }) => [run, index, category]),
    [[0, 1, 'bad_framing']],
  )
})

t.test('100,000 open brackets', async (t) => {
  const large = new ExtentRig()
  const open = '['.repeat(100_000)
  const closed = large.ingest([{ bytes: `${open}${']'.repeat(100_000)}{"a":1}\n`, kind: DOCUMENTS }])
  t.same(closed.rejectedBy, { oversize_record: 1 })
  t.same(
    closed.records.map(({ text }) => text),
    ['{"a":1}'],
  )
  const unclosed = large.ingest([{ bytes: `${open}\n`, kind: DOCUMENTS }])
  t.same(unclosed.rejectedBy, { oversize_record: 1, bad_framing: 1 })
})

t.test('a record that is passed over from here on waits for room for its dead letter', async (t) => {
  const body = `[1,${oversize.slice(0, 150)}`
  const answer = rig.ingest([{ bytes: body, kind: OPEN }], { outBytes: 420 })
  t.equal(answer.result, RESULT.OUTPUT_FULL)
  t.equal(answer.consumed, 3)
  t.same(answer.rejectedBy, { schema_violation: 1 })
})

t.test('more open brackets than can be counted from extent to extent', async (t) => {
  const large = new ExtentRig()
  const bytes = new Uint8Array(1_000_000).fill(0x5b)
  let state = 0
  const categories: string[] = []
  for (let extent = 0; extent < 18; extent++) {
    const answer = large.ingest([{ bytes, kind: extent === 0 ? OPEN : RUN_KIND.DOCUMENTS, state }])
    categories.push(...answer.letters.map(({ category }) => category))
    state = answer.runs[0]!.state
    if (answer.runs[0]!.outcome === RUN_OUTCOME.BAD_FRAMING) break
  }
  t.same(categories, ['oversize_record', 'bad_framing'])
})
