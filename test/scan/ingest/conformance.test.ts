/** JSONTestSuite through whole extents, as a client would send each file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { DOCUMENTS, ExtentRig, LINES } from '../../helpers/extent-rig.ts'

const folder = join(process.env['SPILLWAY_VECTORS'] ?? '', 'json-conformance/JSONTestSuite/test_parsing')
const skip = existsSync(folder) ? false : 'SPILLWAY_VECTORS is not set'
const SOC =
  '{"timestamp":"2026-01-15T08:00:00Z","source_ip":"10.0.0.1","event_type":"x","severity":3,"raw_payload":'
const MAX_DEPTH = 256

/** Deeper than MAX_DEPTH, if only by brackets: refused whatever it is. */
const TOO_DEEP = new Set([
  'n_structure_100000_opening_arrays.json',
  'n_structure_open_array_object.json',
  'i_structure_500_nested_arrays.json',
])

/** No JSON text, but nothing that could be refused either: no document, or two without elements. */
const NOTHING = new Set(['n_structure_no_data.json', 'n_single_space.json', 'n_structure_double_array.json'])

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

for (const { schema, before, behind } of [
  { schema: 'any', before: '{"v":', behind: '}' },
  { schema: 'soc', before: `${SOC}{"v":`, behind: '}}' },
] as const) {
  t.test(`wrapped, through ${schema}`, { skip }, async (t) => {
    const rig = new ExtentRig({ schema: builtinSpecs[schema], maxRecordBytes: 1 << 19, maxDepth: MAX_DEPTH })
    const count = { accepted: 0, rejected: 0 }
    for (const name of readdirSync(folder)) {
      const file = readFileSync(join(folder, name))
      const record = Buffer.concat([Buffer.from(before), file, Buffer.from(behind)])
      const run = {
        bytes: Buffer.concat([record, Buffer.from('\n')]),
        kind: file.includes(0x0a) ? DOCUMENTS : LINES,
      }
      const answer = rig.ingest([{ bytes: '{"n":1}\n' }, run, { bytes: '{"n":2}\n' }])
      const expected = isJson(record) && !TOO_DEEP.has(name)
      if (name.startsWith('y_')) t.ok(expected, name)
      if (name.startsWith('n_')) t.notOk(expected, name)
      const neighbours = schema === 'any' ? 2 : 0
      t.equal(answer.runs[1]!.accepted, expected ? 1 : 0, name)
      t.equal(answer.counts.accepted, neighbours + (expected ? 1 : 0), name)
      t.equal(answer.counts.records, answer.counts.accepted + answer.letters.length, name)
      if (expected) {
        count.accepted++
        const sent = answer.records[neighbours / 2]!.text
        t.equal(sent, record.toString().replaceAll(/[\r\n]/g, ' '), name)
      } else {
        count.rejected++
        t.ok(answer.runs[1]!.rejected > 0, name)
      }
    }
    t.comment(count)
  })
}

t.test('as they are, as documents', { skip }, async (t) => {
  const rig = new ExtentRig({ maxRecordBytes: 1 << 19, maxDepth: MAX_DEPTH })
  for (const name of readdirSync(folder)) {
    const file = readFileSync(join(folder, name))
    const answer = rig.ingest([
      { bytes: '{"n":1}\n' },
      { bytes: Buffer.concat([file, Buffer.from('\n')]), kind: DOCUMENTS },
      { bytes: '{"n":2}\n' },
    ])
    const [, run] = answer.runs
    t.equal(answer.counts.accepted, 2 + run!.accepted, `${name}: the neighbours are there`)
    t.equal(run!.records, run!.accepted + run!.rejected, name)
    if (isJson(file)) {
      const value: unknown = JSON.parse(file.toString())
      const events = Array.isArray(value) ? value : [value]
      const objects = events.filter(
        (event) => typeof event === 'object' && event !== null && !Array.isArray(event),
      )
      t.equal(run!.records, events.length, name)
      if (!TOO_DEEP.has(name)) t.equal(run!.accepted, objects.length, name)
    } else if (name.startsWith('n_') && !NOTHING.has(name)) {
      t.ok(run!.rejected > 0, `${name} is refused`)
    }
  }
})
