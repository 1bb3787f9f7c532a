/** JSONTestSuite, BLNS and real logs through the kernel and the slow path. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scannerOf } from '../helpers/scanner-of.ts'
import { compileSlowPath } from '../../src/scan/slow-path.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'

const vectors = process.env.SPILLWAY_VECTORS ?? ''
const limits = { maxDepth: 256 }
const skip = existsSync(join(vectors, 'json-conformance')) ? false : 'SPILLWAY_VECTORS is not set'
const SOC =
  '{"timestamp":"2026-01-15T08:00:00Z","source_ip":"10.0.0.1","event_type":"x","severity":3,"raw_payload":'

interface Decision {
  accepted: boolean
  category: string
  byKernel: boolean
}

function decider(schema: 'soc' | 'any'): (record: Uint8Array) => Decision {
  const scanner = scannerOf(builtinSpecs[schema], limits)
  const slowPath = compileSlowPath(builtinSpecs[schema], limits)
  return (record) => {
    const bytes = Buffer.concat([Buffer.from('x,'), record, Buffer.alloc(65, 0x0a)])
    const to = 2 + record.length
    const { accepted, category } = slowPath.decide(bytes, 2, to)
    const byValue = scanner.scanValue(bytes, 2)
    const byLine = scanner.scanLine(bytes, 2)
    // Without line breaks both framings are one.
    if (!record.includes(0x0a) && byLine !== byValue)
      throw new Error(`scanLine ${byLine}, scanValue ${byValue}`)
    return { accepted, category, byKernel: byValue === to }
  }
}

/** The suite's rule for i_ files, and for all of them: `JSON.parse` over strictly decoded UTF-8. */
function parses(record: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(record))
    return true
  } catch {
    return false
  }
}

const wrappers = [
  ['any', 'any', '{"v": ', '}'],
  ['soc', 'soc', `${SOC}{"v": `, '}}'],
] as const

for (const [name, schema, before, after] of wrappers) {
  t.test(`JSONTestSuite in a record of ${name}`, { skip }, (t) => {
    const decide = decider(schema)
    const folder = join(vectors, 'json-conformance', 'JSONTestSuite', 'test_parsing')
    let files = 0
    for (const file of readdirSync(folder)) {
      if (!/^[yni]_/.test(file)) continue
      files++
      const value = readFileSync(join(folder, file))
      const record = Buffer.concat([Buffer.from(before), value, Buffer.from(after)])
      const { accepted, category, byKernel } = decide(record)
      const isTooDeep = category === 'oversize_record'
      // A few n_ files are only wrong by themselves: `{"v": ` and `}` around `1,"a":2` make an object of it.
      const expected = parses(record)
      if (!isTooDeep) t.equal(accepted, expected, `${file}: ${category}`)
      if (file.startsWith('y_')) t.ok(accepted, `${file} is accepted`)
      if (file.startsWith('n_') && !expected) t.notOk(accepted, `${file} is rejected`)
      if (!isTooDeep && byKernel) t.ok(expected || !isUtf8Clean(record), `${file} is for the kernel`)
      if (isTooDeep)
        t.match(file, /structure_(?:100000_opening_arrays|open_array_object|500_nested_arrays)/, file)
    }
    t.ok(files > 100, `${files} files`)
    t.end()
  })
}

/** The kernel leaves UTF-8 to its caller. */
function isUtf8Clean(record: Uint8Array): boolean {
  return Buffer.from(record.toString()).equals(record) || !record.some((byte) => byte >= 0x80)
}

t.test('big list of naughty strings: each is a value that the kernel takes', { skip }, (t) => {
  const folder = join(vectors, 'json-conformance', 'blns')
  const decide = decider('soc')
  let count = 0
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    for (const text of JSON.parse(readFileSync(join(folder, file), 'utf8')) as string[]) {
      const record = Buffer.from(`${SOC}${JSON.stringify({ v: text, [text]: 1 })}}`)
      const { accepted, byKernel } = decide(record)
      if (!accepted || !byKernel) t.fail(JSON.stringify(text))
      count++
    }
  }
  t.ok(count > 100, `${count} strings`)
  t.end()
})

t.test('real logs: every JSON object is accepted by the kernel', { skip }, (t) => {
  const folder = join(vectors, 'events-json')
  const decide = decider('any')
  let lines = 0
  let byKernel = 0
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:json|ndjson|jsonl|log)$/.test(file)) continue
    const text = readFileSync(join(folder, file), 'utf8')
    // One event a line, or one document a file.
    for (const line of parses(Buffer.from(text)) ? [text] : text.split('\n')) {
      if (!line.startsWith('{') || !parses(Buffer.from(line))) continue
      const decision = decide(Buffer.from(line.trimEnd()))
      if (!decision.accepted) t.fail(`${file}: ${line}`)
      if (decision.byKernel) byKernel++
      lines++
    }
  }
  t.ok(lines > 1000, `${lines} events`)
  t.equal(byKernel, lines, 'none needed the slow path')
  t.end()
})
