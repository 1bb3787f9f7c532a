/** Documents that hold their records where a path leads, among other keys. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { RUN_KIND, RUN_OUTCOME } from '../../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { ExtentRig, ingestStream } from '../../helpers/extent-rig.ts'

const MAX = 100
const rigs = new Map<string, ExtentRig>()

function newRig(recordsPath: readonly string[]): ExtentRig {
  return new ExtentRig({ maxRecordBytes: MAX, maxDepth: 8, slabBytes: 1 << 16, recordsPath })
}

function rigFor(path: readonly string[]): ExtentRig {
  const key = JSON.stringify(path)
  let rig = rigs.get(key)
  if (rig === undefined) {
    rig = newRig(path)
    rigs.set(key, rig)
  }
  return rig
}

interface Case {
  name: string
  path?: string[]
  body: string
  accepted?: string[]
  rejected?: string[]
  broken?: boolean
}

const long = 'x'.repeat(2 * MAX)
const deep = `${'['.repeat(20)}${']'.repeat(20)}`

const CASES: Case[] = [
  { name: 'the only key', body: '{"logs":[{"a":1},{"b":2}]}', accepted: ['{"a":1}', '{"b":2}'] },
  {
    name: 'other keys before and behind',
    body: '{"next":null,"n":12,"logs":[{"a":1},{"b":2}],"more":[1,{"x":"]}"}],"last":true}',
    accepted: ['{"a":1}', '{"b":2}'],
  },
  {
    name: 'pretty-printed',
    body: '{\n  "next" : null ,\n  "logs" : [\n    {"a":1} ,\n    {"b":2}\n  ] ,\n  "n" : 12\n}\n',
    accepted: ['{"a":1}', '{"b":2}'],
  },
  { name: 'an empty array', body: '{"x":1,"logs":[],"y":2}' },
  {
    name: 'several documents',
    body: '{"x":1,"logs":[{"a":1}]}{"logs":[{"b":2}],"y":2}\n[{"c":3}] {"d":4}',
    accepted: ['{"a":1}', '{"b":2}', '{"c":3}', '{"d":4}'],
  },
  {
    name: 'a path of three',
    path: ['data', 'page', 'items'],
    body: '{"ok":true,"data":{"n":1,"page":{"i":0,"items":[{"a":1},{"b":2}],"j":1},"m":{}},"z":[]}{"c":3}',
    accepted: ['{"a":1}', '{"b":2}', '{"c":3}'],
  },
  {
    name: 'a path of seven',
    path: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
    body: '{"a":{"b":{"c":{"d":{"e":{"f":{"g":[{"h":1}],"f2":1},"e2":2},"d2":3},"c2":4},"b2":5},"a2":6},"z":7}{}',
    accepted: ['{"h":1}', '{}'],
  },
  { name: 'no such key: a record', body: '{"error":"no"}', accepted: ['{"error":"no"}'] },
  { name: 'null: a record', body: '{"logs":null}', accepted: ['{"logs":null}'] },
  { name: 'an object: a record', body: '{"logs":{"logs":[]}}', accepted: ['{"logs":{"logs":[]}}'] },
  {
    name: 'a path that ends too early: a record',
    path: ['data', 'items'],
    body: '{"data":[{}]}{"data":{"other":[]}}{"items":[]}{"data":null}',
    accepted: ['{"data":[{}]}', '{"data":{"other":[]}}', '{"items":[]}', '{"data":null}'],
  },
  { name: 'an escaped key is another', body: '{"\\u006cogs":[{}]}', accepted: ['{"\\u006cogs":[{}]}'] },
  { name: 'a longer key is another', body: '{"logs2":[{}],"log":[]}', accepted: ['{"logs2":[{}],"log":[]}'] },
  {
    name: 'the first of two counts',
    body: '{"logs":[{"a":1}],"logs":[{"b":2}]}{"logs":1,"logs":[{}]}',
    accepted: ['{"a":1}', '{"logs":1,"logs":[{}]}'],
  },
  { name: 'an element is no container', body: '[{"logs":[{}]}]', accepted: ['{"logs":[{}]}'] },
  {
    name: 'records refused take no other with them',
    body: `{"n":1,"logs":[1,{"a":1},{"b":"${long}"},{"c":3}],"m":2}`,
    accepted: ['{"a":1}', '{"c":3}'],
    rejected: ['schema_violation', 'oversize_record'],
  },
  { name: 'no path leads nowhere', path: [], body: '{"logs":[{}]}[{}]', accepted: ['{"logs":[{}]}', '{}'] },
  {
    name: 'a key that must be escaped is never found',
    path: ['a"b'],
    body: '{"a\\"b":[{}]}',
    accepted: ['{"a\\"b":[{}]}'],
  },
  { name: 'a key of other characters', path: ['größe'], body: '{"größe":[{"a":1}]}', accepted: ['{"a":1}'] },
  {
    name: 'a long array',
    body: `{"n":1,"logs":[${Array.from({ length: 60 }, (_, i) => `{"i":${i}}`).join()}],"m":2}`,
    accepted: Array.from({ length: 60 }, (_, i) => `{"i":${i}}`),
  },
  {
    name: 'the array begins too late to be found: the document is a record, too long for one',
    body: `{"x":"${long}","logs":[{}]}{"a":1}`,
    accepted: ['{"a":1}'],
    rejected: ['oversize_record'],
  },
  {
    name: 'a long member behind it is passed over',
    body: `{"logs":[{"a":1}],"x":"${long}","y":{"z":[1]}}{"b":2}`,
    accepted: ['{"a":1}', '{"b":2}'],
  },
  {
    name: 'a long member on an inner level',
    path: ['data', 'items'],
    body: `{"data":{"items":[{"a":1}],"x":["${long}]}"],"y":{}},"z":1}{"b":2}`,
    accepted: ['{"a":1}', '{"b":2}'],
  },
  {
    name: 'a deep member before and behind it',
    body: `{"x":${deep},"logs":[{"a":1}],"y":${deep}}{"b":2}`,
    accepted: ['{"a":1}', '{"b":2}'],
  },
  {
    name: 'malformed before it: nothing of it is taken',
    body: '{"x":nope,"logs":[{}]}',
    rejected: ['bad_framing'],
    broken: true,
  },
  {
    name: 'malformed behind it: what was framed stays',
    body: '{"logs":[{"a":1}],"x":nope}{"b":2}',
    accepted: ['{"a":1}'],
    rejected: ['bad_framing'],
    broken: true,
  },
  ...[
    '{"logs":[{"a":1}]',
    '{"logs":[{"a":1}],',
    '{"logs":[{"a":1}],"x":1',
    `{"logs":[{"a":1}],"x":"${long}`,
  ].map((body): Case => ({
    name: `it breaks off: ${body.slice(0, 30)}`,
    body,
    accepted: ['{"a":1}'],
    rejected: ['bad_framing'],
    broken: true,
  })),
  {
    name: 'no key behind the comma',
    body: '{"logs":[{"a":1}],}',
    accepted: ['{"a":1}'],
    rejected: ['bad_framing'],
    broken: true,
  },
  {
    name: 'the wrong bracket behind the array',
    body: '{"logs":[{"a":1}]]',
    accepted: ['{"a":1}'],
    rejected: ['bad_framing'],
    broken: true,
  },
]

for (const { name, path = ['logs'], body, accepted = [], rejected = [], broken = false } of CASES) {
  t.test(name, async (t) => {
    const expected = {
      accepted,
      sent: [...accepted, ''],
      rejected,
      outcome: broken ? RUN_OUTCOME.BAD_FRAMING : RUN_OUTCOME.DOCUMENTS,
    }
    const inPieces = (pieces: number[]) => {
      const answer = ingestStream(rigFor(path), body, RUN_KIND.DOCUMENTS, pieces)
      return {
        accepted: answer.accepted,
        sent: answer.sent.split('\n').map((line) => line.trim()),
        rejected: answer.letters.map(({ category }) => category),
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
  })
}

t.test('what is passed over is not sent, not even as blanks', async (t) => {
  const body = `{"x":"${'y'.repeat(60)}","logs":[{"a":1}],"z":"${'y'.repeat(60)}"}\n{"x":"${'y'.repeat(60)}","logs":[{"b":2}]}`
  t.equal(ingestStream(rigFor(['logs']), body, RUN_KIND.DOCUMENTS).sent, '{"a":1}\n{"b":2}\n')
})

t.test('a schema that declares `logs` has its records where the path says all the same', async (t) => {
  const own = new ExtentRig({ schema: { ...builtinSpecs.any, declaresLogs: true }, recordsPath: ['logs'] })
  t.same(ingestStream(own, '{"n":1,"logs":[{"a":1}]}', RUN_KIND.DOCUMENTS).accepted, ['{"a":1}'])
})

t.test('of unknown type', async (t) => {
  const kinds: [string, 'LINES' | 'DOCUMENTS', number][] = [
    ['{"logs":[{},{}]}\n', 'DOCUMENTS', 2],
    ['{"n":1,"logs":[{},{}],"m":2}', 'DOCUMENTS', 2],
    ['\n {"logs":[{}]}\n{"logs":[{}]}\n', 'DOCUMENTS', 2],
    ['[{},{},{}]\n', 'DOCUMENTS', 3],
    ['{"a":1}\n{"b":2}\nnope\n{"c":3}\n', 'LINES', 3],
    ['{"logs":null}\n{"b":2}\n', 'LINES', 2],
    ['{\n"logs":[{}]}\n', 'DOCUMENTS', 1],
  ]
  for (const [body, outcome, accepted] of kinds) {
    for (const pieces of [[], [3, 7, 5], body.split('').map(() => 1)]) {
      const answer = ingestStream(rigFor(['logs']), body, RUN_KIND.AUTO, pieces)
      t.equal(answer.outcome, RUN_OUTCOME[outcome], body)
      t.equal(answer.accepted.length, accepted, body)
    }
  }
})

// ---- a document that is known, however it is written and cut

const keyName = fc.constantFrom('a', 'b', 'logs', 'data', 'x y', 'n', 'größe')
const path = fc.array(keyName, { minLength: 1, maxLength: 4 })
const member = fc.tuple(keyName, fc.jsonValue({ maxDepth: 2 }))
const members = fc.array(member, { maxLength: 3 })
const layout = fc.constantFrom('', ' ', '\n', '\r\n\t ')
const records = fc.array(
  fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 }),
  {
    maxLength: 5,
  },
)

/** `{ before..., key: { before..., key: [records], behind... }, behind... }` */
function written(
  keys: readonly string[],
  list: readonly string[],
  around: readonly (readonly [string, unknown][])[],
  blank: string,
): string {
  const [key, ...rest] = keys
  if (key === undefined) return `[${blank}${list.join(`${blank},${blank}`)}${blank}]`
  const text = ([name, value]: readonly [string, unknown]) =>
    `${JSON.stringify(name)}${blank}:${blank}${JSON.stringify(value)}`
  // Before it no equal key, or that would be the one that counts.
  const before = (around[0] ?? []).filter(([name]) => name !== key).map(text)
  const behind = (around[1] ?? []).map(text)
  const own = `${JSON.stringify(key)}${blank}:${blank}${written(rest, list, around.slice(2), blank)}`
  return `{${blank}${[...before, own, ...behind].join(`${blank},${blank}`)}${blank}}`
}

const numRuns = Number(process.env.FAST_CHECK_RUNS ?? 1000)

t.test('records wherever they stand, in however many pieces', async (t) => {
  let accepted = 0
  fc.assert(
    fc.property(
      path,
      fc.array(fc.tuple(records, fc.array(members, { maxLength: 8 }), layout), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.array(fc.nat(40), { maxLength: 20 }),
      fc.integer({ min: 1, max: 3 }),
      (keys, documents, pieces, capacity) => {
        const rig = new ExtentRig({ slabBytes: 1 << 16, recordsPath: keys })
        const lists = documents.map(([list]) => list.map((record) => JSON.stringify(record)))
        const body = documents
          .map(([, around, blank], i) => written(keys, lists[i]!, around, blank))
          .join('\n')
        JSON.parse(
          `[${documents.map(([, around, blank], i) => written(keys, lists[i]!, around, blank)).join()}]`,
        )
        const answer = ingestStream(rig, body, RUN_KIND.DOCUMENTS, pieces, { capacity })
        const expected = lists.flat()
        accepted += expected.length
        if (!isDeepStrictEqual(answer.accepted, expected) || answer.letters.length > 0) {
          throw new Error(`${body}\n${JSON.stringify(answer)}`)
        }
        const sent = answer.sent.split('\n').map((line) => line.trim())
        if (!isDeepStrictEqual(sent, [...expected, '']))
          throw new Error(`sent ${JSON.stringify(answer.sent)}`)
      },
    ),
    { numRuns },
  )
  t.ok(accepted > 100)
})

t.test('any document, cut or not, comes to the same', async () => {
  const garbage = fc.constantFrom('', '', '', '}', ']', ',', '"', 'nope', ',"x":', '{"logs":[')
  fc.assert(
    fc.property(
      path,
      fc.array(members, { maxLength: 8 }),
      records,
      garbage,
      fc.nat(300),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 20 }),
      (keys, around, list, tail, at, pieces) => {
        const whole = written(
          keys,
          list.map((record) => JSON.stringify(record)),
          around,
          ' ',
        )
        const cut = Math.min(at, whole.length)
        const body = whole.slice(0, cut) + tail + whole.slice(cut)
        const told = (sizes: readonly number[]) => {
          const rig = newRig(keys)
          const { accepted, letters, outcome } = ingestStream(rig, body, RUN_KIND.DOCUMENTS, sizes)
          return { accepted, letters: letters.map(({ category }) => category), outcome }
        }
        const expected = told([])
        const inPieces = told(pieces)
        if (!isDeepStrictEqual(inPieces, expected)) {
          throw new Error(`${body}\n${JSON.stringify(inPieces)}\n${JSON.stringify(expected)}`)
        }
      },
    ),
    { numRuns },
  )
})
