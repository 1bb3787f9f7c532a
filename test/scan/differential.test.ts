/**
 * What the kernel accepts, `JSON.parse` and TypeBox accept, with the same severity and time: over valid events, events
 * with one thing changed, random JSON and random bytes, at random places of a larger buffer full of garbage.
 */
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import { scannerOf } from '../helpers/scanner-of.ts'
import { compileSlowPath } from '../../src/scan/slow-path.ts'
import { skipValue } from '../../src/scan/skip.ts'
import { compileClassifier } from '../../src/schema/classify.ts'
import { compileOracle } from '../../src/schema/oracle.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'
import { samples, testSpecs } from './specs.ts'

const RUNS = Number(process.env.FAST_CHECK_RUNS ?? 3000)
const seed = Number(process.env.FAST_CHECK_SEED ?? 20260115)
t.comment(`fast-check seed ${seed} (FAST_CHECK_SEED sets another)`)

const limits = { maxDepth: 12 }

/** Garbage that would be taken for part of a record, were the scanner to read on. */
const garbage = fc.constantFrom('', '}', ',"a":1}', '"', ']}', '  {"severity":1}', '\\', '0', 'e5', '\u0000')

const number = fc.oneof(
  fc.integer({ min: -2, max: 12 }).map(String),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc.constantFrom(
    '-0',
    '0.0',
    '5.0',
    '1e2',
    '1E-3',
    '1e999',
    '01',
    '1.',
    '-',
    '.5',
    '10000000000000000000000',
    '1.7684640001234567e9',
    '1768464000.1234567',
    '1768464000.0019999',
    '1768464000123',
    '99999999999999999',
    '9'.repeat(320),
  ),
)
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '"INFO"',
    '"WARN"',
    '"\\u0049NFO"',
    '"a\\/b"',
    '"\\ud800"',
    '"\\x"',
    '"\u0001"',
    '"10.0.0.1"',
    '"2026-01-15T08:00:00Z"',
    '"2026-01-15t08:00:60.5+01:00"',
    '"2026-02-30T08:00:00Z"',
    '"1998-12-31T23:59:60Z"',
    '"2026-01-15T08:00:00Z[x]"',
    '"abc"',
    '"ABC-1234"',
  ),
)
const blanks = fc.constantFrom('', '', '', '', ' ', '\t', '\r', '\n', '  \r\n ')

const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    text,
    fc.constantFrom('true', 'false', 'null', 'nul', 'trues', ''),
    fc
      .tuple(fc.array(tie('tree'), { maxLength: 4 }), blanks)
      .map(([items, gap]) => `[${gap}${items.join(`,${gap}`)}]`),
    fc
      .tuple(fc.array(fc.tuple(text, tie('tree')), { maxLength: 4 }), blanks)
      .map(
        ([members, gap]) =>
          `{${gap}${members.map(([key, value]) => `${key}:${gap}${value}`).join(`${gap},`)}${gap}}`,
      ),
  ),
}))

/** A sample with some of its members' values replaced, left out, doubled, moved or renamed, and blanks put in. */
function changed(sample: Readonly<Record<string, unknown>>): fc.Arbitrary<string> {
  const members = Object.entries(sample).map(
    ([key, value]) => [JSON.stringify(key), JSON.stringify(value)] as const,
  )
  const change = fc.record({
    what: fc.constantFrom('replace', 'drop', 'double', 'last', 'escape', 'rename', 'break', 'none'),
    at: fc.nat(Math.max(0, members.length - 1)),
    value: fc.oneof(tree, fc.constantFrom('0', ...members.map(([, value]) => value))),
    key: text,
  })
  return fc.tuple(fc.array(change, { maxLength: 2 }), blanks, blanks).map(([changes, before, after]) => {
    let list: (readonly [string, string])[] = [...members]
    for (const { what, at, value, key } of changes) {
      const member = list[Math.min(at, list.length - 1)]
      if (member === undefined) break
      const [name, old] = member
      if (what === 'replace') list = list.map((other) => (other === member ? [name, value] : other))
      else if (what === 'drop') list = list.filter((other) => other !== member)
      else if (what === 'double') list.push([name, value])
      else if (what === 'last') list = [...list.filter((other) => other !== member), member]
      else if (what === 'escape')
        list = list.map((other) => (other === member ? [escapeFirst(name), old] : other))
      else if (what === 'rename') list = list.map((other) => (other === member ? [key, old] : other))
      else if (what === 'break') list.push(['', ''])
    }
    return `${before}{${after}${list.map(([key, value]) => `${key}${after}:${before}${value}`).join(`${before},${after}`)}}`
  })
}

function escapeFirst(name: string): string {
  return name.length < 3 ? name : `"\\u${name.charCodeAt(1).toString(16).padStart(4, '0')}${name.slice(2)}`
}

/** One byte of the record is replaced, removed or put in. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:\\ \t\r\n0.eE-+u'))),
  how: fc.constantFrom('replace', 'remove', 'insert', 'none', 'none'),
})

function mutate(record: Buffer, { at, byte, how }: { at: number; byte: number; how: string }): Buffer {
  const index = Math.floor(at * record.length)
  if (how === 'none') return record
  const rest = record.subarray(how === 'insert' ? index : index + 1)
  return Buffer.concat([
    record.subarray(0, index),
    how === 'remove' ? Buffer.alloc(0) : Buffer.of(byte),
    rest,
  ])
}

interface Truth {
  severity: number
  timeMs: number
}

function truthOf(spec: SchemaSpec): (record: Uint8Array) => Truth | null {
  const oracle = compileOracle(spec.schema)
  const { severityOf, timeMsOf } = compileClassifier(spec)
  return (record) => {
    if (!isUtf8(record) || skipValue(record, 0, record.length, limits.maxDepth, true) === -3) return null
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(record))
    } catch {
      return null
    }
    if (!oracle.check(value)) return null
    return { severity: severityOf(value), timeMs: timeMsOf(value) }
  }
}

for (const [name, spec] of Object.entries(testSpecs)) {
  t.test(`${name}: the kernel accepts nothing that the oracle does not`, (t) => {
    const scanner = scannerOf(spec, limits)
    const slowPath = compileSlowPath(spec, limits)
    const truth = truthOf(spec)
    let accepted = 0
    let decided = 0

    const check = (record: Buffer, before: string, after: string): void => {
      const from = Buffer.byteLength(before)
      const to = from + record.length
      const bytes = Buffer.concat([
        Buffer.from(before),
        record,
        Buffer.from(`\n${after}`),
        Buffer.alloc(64, 0x0a),
      ])
      const utf8 = isUtf8(record)
      const ends = { line: scanner.scanLine(bytes, from), value: 0 }
      const line = { ...scanner }
      ends.value = scanner.scanValue(bytes, from)
      for (const [found, end, isLine] of [
        [line, ends.line, true],
        [scanner, ends.value, false],
      ] as const) {
        if (end < 0 || end > to || !utf8) continue
        const scanned = record.subarray(0, end - from)
        const said = { severity: found.severity, timeMs: found.timeMs }
        const expected = truth(scanned)
        if (expected === null) throw new Error(`accepted: ${scanned.toString()}`)
        if (said.severity !== expected.severity || !Object.is(said.timeMs, expected.timeMs)) {
          throw new Error(`${JSON.stringify(said)} for ${JSON.stringify(expected)}: ${scanned.toString()}`)
        }
        const breaks = scanned.includes(0x0a) || scanned.includes(0x0d)
        if (found.rawBreaks !== breaks || (isLine && scanned.includes(0x0a)))
          throw new Error(`breaks: ${scanned.toString()}`)
        decided++
      }
      const verdict = slowPath.decide(bytes, from, to)
      const expected = truth(record)
      if (verdict.accepted !== (expected !== null))
        throw new Error(`slow path: ${verdict.category} ${record.toString()}`)
      if (expected !== null) {
        accepted++
        if (verdict.severity !== expected.severity || !Object.is(verdict.timeMs, expected.timeMs))
          throw new Error('slow path')
      }
    }

    const source = fc.oneof(
      { weight: 6, arbitrary: fc.oneof(...samples[name]!.map(changed)) },
      { weight: 1, arbitrary: tree },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    )
    fc.assert(
      fc.property(source, mutation, garbage, garbage, (record, change, before, after) => {
        check(mutate(Buffer.from(record), change), before, after)
      }),
      { seed, numRuns: RUNS },
    )
    t.comment(`${decided} of ${2 * accepted} decided by the kernel`)
    t.ok(accepted > RUNS / 50, `${accepted} records were valid`)
    if (spec.name !== 'undecidable') t.ok(decided > accepted / 2, `${decided} were decided by the kernel`)
    t.end()
  })
}
