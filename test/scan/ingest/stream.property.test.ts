/**
 * Streams made of known records, however they are framed and cut: what is accepted, refused and sent is what an oracle
 * says that knows nothing of framing: JSON.parse, record by record, over strictly decoded UTF-8.
 */
import fc from 'fast-check'
import t from 'tap'
import { RUN_KIND, RUN_OUTCOME } from '../../../src/memory/frame-region.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { ExtentRig, ingestExtent, ingestStream, LINES } from '../../helpers/extent-rig.ts'
import type { RigLimits } from '../../helpers/extent-rig.ts'

const MAX_RECORD_BYTES = 240
const MAX_DEPTH = 6
const rig = new ExtentRig({
  schema: builtinSpecs.log_event,
  maxRecordBytes: MAX_RECORD_BYTES,
  maxDepth: MAX_DEPTH,
  slabBytes: 1 << 16,
})
const SEVERITIES = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']

/** '' when `record` is to be accepted, else the category. */
function oracle(record: Buffer): string {
  if (record.length > MAX_RECORD_BYTES) return 'oversize_record'
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(record)
  } catch {
    return 'invalid_utf8'
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'malformed_json'
  }
  if (depthOf(value) > MAX_DEPTH) return 'oversize_record'
  return isLogEvent(value) ? '' : 'schema_violation'
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function isLogEvent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { event_id, timestamp, source, payload, severity } = value as Record<string, unknown>
  return (
    typeof event_id === 'string' &&
    typeof timestamp === 'number' &&
    typeof source === 'string' &&
    typeof payload === 'object' &&
    payload !== null &&
    !Array.isArray(payload) &&
    (severity === undefined || SEVERITIES.includes(severity as string))
  )
}

const payload = fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 })
const event = fc.record(
  {
    event_id: fc.string({ unit: 'grapheme', maxLength: 8 }),
    timestamp: fc.integer({ min: 0, max: 2_000_000_000 }),
    source: fc.string({ maxLength: 5 }),
    payload,
    severity: fc.constantFrom(...SEVERITIES),
  },
  { requiredKeys: ['event_id', 'timestamp', 'source', 'payload'] },
)
const wrong = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  event.map((value) => ({ ...value, severity: 'LOUD' })),
  event.map((value) => ({ ...value, payload: { logs: ['x'.repeat(MAX_RECORD_BYTES)] } })),
  event.map((value) => ({ ...value, payload: { deep: [[[[[[[']'], '}']]]]]] } })),
  fc.constant({ logs: 7 }),
)
/** Blanks between tokens, now and then with line breaks in them. */
const layout = fc.constantFrom('', '', ' ', '\t', '\r', '\n', '\r\n ')
const wellFormed = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: event }, wrong), layout, fc.boolean())
  .map(([value, blank, notUtf8]) => {
    const text = JSON.stringify(value, null, 1)
      .replaceAll('\n', blank)
      .replaceAll(/(?<=[{[,:])(?= )/g, '')
    const record = Buffer.from(text)
    const quote = record.indexOf('"')
    // One string in some gets a byte that is no UTF-8.
    return notUtf8 && quote !== -1 && text.length % 5 === 0
      ? Buffer.concat([record.subarray(0, quote + 1), Buffer.of(0xc3, 0x28), record.subarray(quote + 1)])
      : record
  })
const malformed = fc
  .constantFrom('{', '}', 'nope', '{"a":}', '[1,]', '"', '\u0000', '{} {}', '01', '\\')
  .map((text) => Buffer.from(text))
const limits = fc.oneof(
  fc.constant({}),
  fc.record({ capacity: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ recordLimit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ outBytes: fc.integer({ min: 8000, max: 9000 }) }),
) as fc.Arbitrary<RigLimits>

/** As it is sent: one line. In JSON a raw line break is always between tokens. */
const asLine = (record: Buffer): string => record.toString().replaceAll(/[\r\n]/g, ' ')

interface Outcome {
  accepted: string[]
  sent: string
  letters: { category: string }[]
  /** Index within the stream; absent where there are several. */
  errors?: { index: number; category: string }[]
}

function agrees(outcome: Outcome, records: readonly Buffer[], broken = false): void {
  const verdicts = records.map(oracle)
  if (broken) verdicts.push('bad_framing')
  const accepted = records.filter((_, i) => verdicts[i] === '').map(asLine)
  const refused = verdicts.filter((category) => category !== '')
  same(outcome.accepted, accepted)
  same(
    outcome.sent.split('\n').map((line) => line.replaceAll(/^[ \t\r]+|[ \t\r]+$/g, '')),
    [...accepted, ''],
  )
  same(
    outcome.letters.map(({ category }) => category),
    refused,
  )
  if (outcome.errors === undefined) return
  const known = verdicts
    .map((category, index) => ({ category, index }))
    .filter(({ category }) => category !== '')
  for (const { index, category } of outcome.errors)
    same(known.find((one) => one.index === index)?.category, category)
  if (refused.length <= 5) same(outcome.errors.length, refused.length)
}

function same(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)}\nshould be ${JSON.stringify(expected)}`)
  }
}

t.test('lines', async () => {
  const line = fc
    .oneof({ weight: 6, arbitrary: wellFormed }, malformed)
    .filter((record) => !record.includes(0x0a) && record.toString().trim() !== '')
  const end = fc.constantFrom('\n', '\n', '\r\n', ' \t\n', '\n\n', '\n \r\n\t')
  fc.assert(
    fc.property(fc.array(fc.tuple(line, end, fc.boolean()), { maxLength: 12 }), limits, (lines, room) => {
      const runs: { bytes: Buffer; kind: number }[] = []
      for (const [record, separator, newRun] of lines) {
        const bytes = Buffer.concat([record, Buffer.from(separator)])
        const last = runs.at(-1)
        // A run is made of whole lines.
        if (last === undefined || (newRun && last.bytes.at(-1) === 0x0a)) runs.push({ bytes, kind: LINES })
        else last.bytes = Buffer.concat([last.bytes, bytes])
      }
      if (runs.length === 0) return
      if (runs.at(-1)!.bytes.at(-1) !== 0x0a)
        runs.at(-1)!.bytes = Buffer.concat([runs.at(-1)!.bytes, Buffer.from('\n')])
      const answer = ingestExtent(rig, runs, room)
      agrees(
        { accepted: answer.accepted, sent: answer.sent, letters: answer.letters },
        lines.map(([record]) => record),
      )
    }),
    { numRuns: 500 },
  )
})

/** Records in a container; concatenated numbers need something between them. */
const container = fc.tuple(
  fc.constantFrom('array', 'envelope', 'documents', 'spaced'),
  fc.array(wellFormed, { maxLength: 6 }),
  fc.constantFrom(',', ' ,', ', ', ',\n  ', '\r\n,\t'),
)
const BETWEEN = { array: '', envelope: '', documents: '\n', spaced: ' \n\n ' }

function framed(kind: keyof typeof BETWEEN, records: readonly Buffer[], comma: string): Buffer {
  const glue = Buffer.from(kind === 'array' || kind === 'envelope' ? comma : BETWEEN[kind])
  const inside = Buffer.concat(records.flatMap((record, i) => (i === 0 ? [record] : [glue, record])))
  if (kind === 'array') return Buffer.concat([Buffer.from('['), inside, Buffer.from(' ]')])
  if (kind === 'envelope') return Buffer.concat([Buffer.from('{ "logs":[ '), inside, Buffer.from(']\n}')])
  return inside
}

const isContainer = (record: Buffer): boolean => record.toString().trimStart().startsWith('[')

const stream = fc.array(container, { maxLength: 4 }).filter((parts) =>
  // As documents, arrays are containers themselves, and errors stand where scalars touch.
  parts.every(([kind, records]) => kind === 'array' || kind === 'envelope' || !records.some(isContainer)),
)
const TAILS = [
  ']',
  '}',
  ',',
  'nope',
  '[{"a":},',
  '{"event_id":"x"',
  '[{"event_id":"x"',
  '"',
  '[7',
  '{"logs":[',
  '\u0000',
]

t.test('documents, arrays and envelopes', async (t) => {
  let parts = 0
  let accepted = 0
  const refused: Record<string, number> = {}
  fc.assert(
    fc.property(
      stream,
      fc.option(fc.constantFrom(...TAILS), { freq: 3 }),
      fc.array(fc.nat(200), { maxLength: 20 }),
      limits,
      (containers, tail, pieces, room) => {
        const records = containers.flatMap(([, list]) => list)
        const bodies = containers.map(([kind, list, comma]) => framed(kind, list, comma))
        const body = Buffer.concat([
          ...bodies.flatMap((one) => [one, Buffer.from('\n')]),
          Buffer.from(tail ?? ''),
        ])
        const answer = ingestStream(rig, body, RUN_KIND.DOCUMENTS, pieces, room)
        parts += answer.parts
        accepted += answer.accepted.length
        for (const { category } of answer.letters) refused[category] = (refused[category] ?? 0) + 1
        // What a broken tail still held.
        const held = tail === '[7' ? [Buffer.from('7')] : []
        agrees(answer, [...records, ...held], tail !== null)
        same(answer.outcome, tail === null ? RUN_OUTCOME.DOCUMENTS : RUN_OUTCOME.BAD_FRAMING)
      },
    ),
    { numRuns: 1000 },
  )
  t.comment(`${parts} parts, ${accepted} accepted`, refused)
  t.ok(accepted > 500)
  t.same(Object.keys(refused).toSorted(), [
    'bad_framing',
    'invalid_utf8',
    'oversize_record',
    'schema_violation',
  ])
})
