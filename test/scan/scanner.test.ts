import t from 'tap'
import { eventShapes, makeEvents } from '../../bench/scan-events.ts'
import { memoryOf } from '../../src/memory/web-assembly.ts'
import { compileScanner, UNDECIDED } from '../../src/scan/scanner.ts'
import { scannerOf } from '../helpers/scanner-of.ts'
import { compileSlowPath } from '../../src/scan/slow-path.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'
import type { SchemaSpec } from '../../src/schema/spec.ts'
import { loadUserSpec } from '../../src/schema/user.ts'

const limits = { maxDepth: 8 }

function padded(text: string): Buffer {
  return Buffer.from(text + '\n'.repeat(64))
}

for (const shape of Object.keys(eventShapes) as (keyof typeof eventShapes)[]) {
  t.test(`no ${shape} event needs the slow path`, (t) => {
    const { memory, length, lines } = makeEvents(shape, 500)
    const scanner = compileScanner(builtinSpecs.soc, limits, memory)
    let at = 0
    for (const line of lines) {
      const event = JSON.parse(line) as { severity: number; timestamp: string }
      const end = at + Buffer.byteLength(line)
      if (scanner.scanLine(at) !== end || scanner.scanValue(at, end) !== end) t.fail(line)
      if (scanner.severity !== event.severity || scanner.timeMs !== Date.parse(event.timestamp)) t.fail(line)
      at = end + 1
    }
    t.equal(at, length)
    t.end()
  })
}

t.test('orders and blanks that others write', (t) => {
  const scanner = scannerOf(builtinSpecs.soc, limits)
  const event = {
    source_ip: 'x',
    severity: 10,
    extra: [],
    timestamp: '2026-01-15T08:00:00Z',
    event_type: 'é',
  }
  const pretty = JSON.stringify(event, null, 2)
  const python = JSON.stringify(event, null, 1).replaceAll(/\n */g, ' ')
  t.equal(scanner.scanLine(padded(python), 0), Buffer.byteLength(python))
  t.equal(scanner.rawBreaks, false)
  t.equal(scanner.scanLine(padded(pretty), 0), UNDECIDED, 'a line ends at its line feed')
  t.equal(scanner.scanValue(padded(pretty), 0), Buffer.byteLength(pretty))
  t.equal(scanner.rawBreaks, true)
  t.equal(scanner.scanLine(padded(`  ${python} \t\r`), 0), Buffer.byteLength(python) + 2)
  t.equal(scanner.rawBreaks, false, 'what follows the value is not its own')
  t.end()
})

t.test('severity and time', (t) => {
  const plain: SchemaSpec = { name: 's', schema: {}, version: '', declaresLogs: false }
  const byPointer = { severity: '/s', timestamp: '/t' }
  for (const [options, record, severity, timeMs] of [
    [{}, '{"s":3}', 0, Number.NaN],
    [byPointer, '{"s":3.9,"t":1.0019}', 3, 1001],
    [byPointer, '{"s":99,"t":1768464000123}', 10, 1768464000123],
    [byPointer, '{"s":-1,"t":-1.5}', 0, -1500],
    [byPointer, '{"s":null,"t":"x"}', 0, Number.NaN],
    [byPointer, '{"t":1768464000.1234567}', 0, 1768464000123],
    [{ ...byPointer, severityAbsent: 4 }, '{"s":true}', 4, Number.NaN],
    [{ ...byPointer, severityAbsent: 4 }, '{"t":"2026-01-15T08:00:00+01:00"}', 4, Date.UTC(2026, 0, 15, 7)],
    [{ ...byPointer, severityMap: { HI: 9 }, severityAbsent: 2 }, '{"s":"HI"}', 9, Number.NaN],
    [{ ...byPointer, severityMap: { HI: 9 }, severityAbsent: 2 }, '{"s":"HO"}', 2, Number.NaN],
    [{ severity: '/a/b' }, '{"a":{"c":1,"b":5}}', 5, Number.NaN],
    [{ severity: '/a/b' }, '{"a":"b"}', 0, Number.NaN],
  ] as const) {
    const scanner = scannerOf({ ...plain, ...options }, limits)
    const bytes = padded(record)
    t.equal(scanner.scanLine(bytes, 0), record.length, record)
    t.strictSame([scanner.severity, scanner.timeMs], [severity, timeMs], record)
    const verdict = compileSlowPath({ ...plain, ...options }, limits).decide(bytes, 0, record.length)
    t.strictSame([verdict.severity, verdict.timeMs], [severity, timeMs], `${record} on the slow path`)
  }
  t.end()
})

t.test('what only the slow path can know', (t) => {
  const scanner = scannerOf(builtinSpecs.soc, limits)
  const event = '"timestamp":"2026-01-15T08:00:00Z","source_ip":"","event_type":"x"'
  for (const [what, record] of [
    ['a key twice', `{${event},"severity":3,"severity":4}`],
    ['an escaped key', `{${event},"severit\\u0079":3}`],
    ['an escaped unknown key', `{${event},"severity":3,"\\u0061":3}`],
    ['an integer in other words', `{${event},"severity":3.0}`],
    ['too deep', `{${event},"severity":3,"raw_payload":${'{"a":'.repeat(8)}1${'}'.repeat(8)}}`],
    ['nothing', ''],
  ] as const) {
    t.equal(scanner.scanLine(padded(record), 0), UNDECIDED, what)
    t.equal(scanner.scanValue(padded(record), 0), UNDECIDED, what)
  }
  t.end()
})

t.test('bytes that end without a line feed are undecided, not an error', (t) => {
  const scanner = scannerOf(builtinSpecs.any, limits)
  const record = Buffer.from('{"a":"b')
  for (let length = 0; length <= record.length; length++) {
    t.equal(scanner.scanLine(record.subarray(0, length), 0), UNDECIDED)
    t.equal(scanner.scanValue(record.subarray(0, length), 0), UNDECIDED)
  }
  t.end()
})

t.test('more keys and values than a word has bits', (t) => {
  const names = Array.from({ length: 70 }, (_, index) => `key${index}`)
  const document = {
    type: 'object',
    required: names,
    properties: Object.fromEntries(names.map((name) => [name, { enum: names }])),
  }
  const scanner = scannerOf(loadUserSpec('wide', document, {}), limits)
  const event = Object.fromEntries(names.map((name, index) => [name, names[69 - index]]))
  const whole = JSON.stringify(event)
  t.equal(scanner.scanLine(padded(whole), 0), whole.length)
  for (const name of names) {
    const { [name]: _, ...rest } = event
    t.equal(scanner.scanLine(padded(JSON.stringify(rest)), 0), UNDECIDED, name)
  }
  t.end()
})

t.test('required names of a schema that stands within itself, written once', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `key${index}`)
  const document = {
    type: ['object', 'null'],
    required: names,
    additionalProperties: { $ref: '#' },
  }
  const scanner = scannerOf(loadUserSpec('nested', document, {}), limits)
  const of = (value: unknown) => Object.fromEntries(names.map((name) => [name, value]))
  const good = JSON.stringify(of(of(null)))
  t.equal(scanner.scanLine(padded(good), 0), good.length)
  const { key7: _, ...rest } = of(null)
  t.equal(scanner.scanLine(padded(JSON.stringify({ ...of(null), key3: rest })), 0), UNDECIDED)
  t.end()
})

t.test('many values in a severity map', (t) => {
  const severityMap = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`level${index}`, index % 11]),
  )
  const spec = loadUserSpec('levels', { type: 'object' }, { severity: '/l', severityMap })
  const scanner = scannerOf(spec, limits)
  t.equal(scanner.scanLine(padded('{"l":"level39"}'), 0), 15)
  t.equal(scanner.severity, 39 % 11)
  t.end()
})

t.test('keys are predicted, never believed', (t) => {
  const long = 'a name of thirty-two bytes, as it is'
  const document = {
    type: 'object',
    required: ['id', long],
    additionalProperties: { type: 'boolean' },
    properties: {
      id: { type: 'string' },
      inner: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
      [long]: { type: 'number' },
      [`${long}, more`]: { type: 'string' },
    },
  }
  const scanner = scannerOf(loadUserSpec('keys', document, {}), limits)
  const good = [
    `{"id":"x","inner":{"id":1},"${long}":2}`,
    `{"inner":{"id":1,"free":{"id":null}},"id":"x","${long}":2,"${long}, more":"y"}`,
    `{"id": "x", "inner": {"free": {"id": []}, "id": 1}, "${long}": 2, "other": true}`,
    `{"${long}":2,"id" :"x","i":true,"id2":false,"inne":true,"inner2":false}`,
  ]
  const bad = [
    `{"id":"x","inner":{"id":"1"},"${long}":2}`,
    `{"id":"x","inner":{},"${long}":2}`,
    `{"id":"x","id":"x","${long}":2}`,
    `{"id":"x","${long}, more":"y"}`,
    `{"id":"x","${long}":2,"${long}":2}`,
    `{"id":"x","${long}":"2"}`,
    `{"id":"x","${long}":2,"other":"true"}`,
  ]
  // Each after each other one, so that every prediction is wrong at some time.
  for (const before of [...good, ...bad]) {
    for (const record of [...good, ...bad]) {
      scanner.scanLine(padded(before), 0)
      t.equal(scanner.scanLine(padded(record), 0), good.includes(record) ? record.length : UNDECIDED, record)
    }
  }
  t.end()
})

t.test('more keys than are remembered', (t) => {
  const scanner = scannerOf(builtinSpecs.any, limits)
  const names = Array.from({ length: 2000 }, (_, index) => `k${index}`)
  for (let turn = 0; turn < 3; turn++) {
    const record = JSON.stringify(Object.fromEntries(names.map((name) => [name, { [name]: turn }])))
    t.equal(scanner.scanLine(padded(record), 0), record.length)
    names.reverse()
  }
  t.end()
})

t.test('a value that runs on at the end of the memory', (t) => {
  for (const tail of [
    '{"a":',
    '{"a',
    '{"a":"b\\u00',
    '[1',
    '[tru',
    '{"a":1,',
    '"0123456789abcde',
    '{"k":"',
    '-',
  ]) {
    // Bytes, line feeds and zeros fill whole pages.
    const bytes = Buffer.alloc(65_536 - 128, 0x20)
    bytes.write(tail, bytes.length - tail.length)
    const scanner = compileScanner(builtinSpecs.any, limits, memoryOf(bytes))
    const from = bytes.length - tail.length
    t.equal(scanner.scanLine(from), UNDECIDED, tail)
    t.equal(scanner.scanValue(from, bytes.length), UNDECIDED, tail)
  }
  t.end()
})
