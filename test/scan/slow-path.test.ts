import t from 'tap'
import { simdjson } from '../../src/scan/simdjson.ts'
import { compileSlowPath, crossCheck } from '../../src/scan/slow-path.ts'
import type { Verdict } from '../../src/scan/slow-path.ts'
import { builtinSpecs } from '../../src/schema/builtin.ts'
import { loadUserSpec } from '../../src/schema/user.ts'

const soc = compileSlowPath(builtinSpecs.soc, { maxDepth: 8 })
const any = compileSlowPath(builtinSpecs.any, { maxDepth: 8 })

function decide(path: typeof soc, record: string | Uint8Array): Verdict {
  const bytes = Buffer.concat([Buffer.from('}"'), Buffer.from(record), Buffer.from('"{')])
  return { ...path.decide(bytes, 2, bytes.length - 2) }
}

const event = {
  timestamp: '2026-01-15T08:00:00.5Z',
  source_ip: '10.0.0.1',
  event_type: 'x',
  severity: 7,
}

t.test('accepted', (t) => {
  t.strictSame(decide(soc, ` ${JSON.stringify(event)}\r`), {
    accepted: true,
    severity: 7,
    timeMs: Date.UTC(2026, 0, 15, 8, 0, 0, 500),
    rawBreaks: false,
    category: '',
    path: '',
    expected: '',
  })
  t.equal(decide(soc, JSON.stringify(event, null, 2)).rawBreaks, true)
  t.equal(decide(any, '{"a":"\\r\\n"}\r').rawBreaks, false)
  t.equal(decide(any, '{"a":\r1}').rawBreaks, true)
  t.end()
})

t.test('schema violations say where and what', (t) => {
  for (const [change, path, expected] of [
    [{ timestamp: undefined }, '/timestamp', 'must be present'],
    [{ timestamp: 'yesterday' }, '/timestamp', 'must match format "rfc3339"'],
    [{ timestamp: '2026-01-15T08:00:00Z[Europe/Berlin]' }, '/timestamp', 'must match format "rfc3339"'],
    [{ source_ip: 1 }, '/source_ip', 'must be string'],
    [{ severity: 11 }, '/severity', 'must be <= 10'],
    [{ severity: 1.5 }, '/severity', 'must be integer'],
    [{ raw_payload: [] }, '/raw_payload', 'must be object or null'],
  ] as const) {
    const verdict = decide(soc, JSON.stringify({ ...event, ...change }))
    t.match(verdict, { accepted: false, category: 'schema_violation', path, expected, severity: 0 }, path)
  }
  t.match(decide(any, '[1]'), { category: 'schema_violation', path: '', expected: 'must be object' })
  const level = { event_id: 'a', timestamp: 1, source: 's', payload: {}, severity: 'FATAL' }
  const logEvent = compileSlowPath(builtinSpecs.log_event, { maxDepth: 8 })
  t.match(decide(logEvent, JSON.stringify(level)), {
    path: '/severity',
    expected: /^must be "DEBUG" or "INFO"/,
  })
  const closed = loadUserSpec(
    'closed',
    { properties: { a: { enum: [1, 'x'] } }, additionalProperties: false },
    {},
  )
  const closedPath = compileSlowPath(closed, { maxDepth: 8 })
  t.match(decide(closedPath, '{"b/c":1}'), { path: '/b~1c', expected: 'must not be present' })
  t.match(decide(closedPath, '{"a":2}'), { path: '/a', expected: 'must be one of [1,"x"]' })
  const long = decide(closedPath, JSON.stringify({ ['n'.repeat(100_000)]: 1 }))
  t.equal(long.path.length, 256, 'an attacker chooses names')
  t.end()
})

t.test('malformed', (t) => {
  for (const record of [
    '',
    ' ',
    '{',
    '{"a":1}}',
    '{"a":1} 2',
    'nope',
    '{"a":01}',
    '{"a":"\n"}',
    '\ufeff{}',
    '{"a":1}\0',
  ]) {
    t.match(decide(any, record), { accepted: false, category: 'malformed_json' }, JSON.stringify(record))
  }
  t.end()
})

t.test('well-formed where simdjson is stricter than RFC 8259', (t) => {
  const deep = compileSlowPath(builtinSpecs.any, { maxDepth: 2000 })
  for (const record of [
    '{"a":123456789012345678901234567890}',
    '{"a":1e999}',
    '{"a":"\\ud800"}',
    `{"a":${'['.repeat(1500)}${']'.repeat(1500)}}`,
  ]) {
    t.equal(decide(deep, record).accepted, true, record.slice(0, 40))
  }
  t.end()
})

t.test('UTF-8', (t) => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const record = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])
    t.match(decide(any, record), { accepted: false, category: 'invalid_utf8' }, record.toString('hex'))
  }
  t.equal(decide(any, '{"ü":"\u{1f600}"}').accepted, true)
  t.end()
})

t.test('depth', (t) => {
  t.equal(decide(any, `{"a":${'['.repeat(7)}${']'.repeat(7)}}`).accepted, true, 'the record itself is 1')
  t.equal(decide(any, `{"a":${'['.repeat(8)}${']'.repeat(8)}}`).category, 'oversize_record')
  for (const record of [
    '['.repeat(100_000),
    '{"a":'.repeat(100_000),
    '['.repeat(100_000) + ']'.repeat(100_000),
  ]) {
    t.equal(decide(any, record).category, 'oversize_record')
  }
  t.end()
})

t.test('a flood of malformed records makes no SyntaxErrors, and a sample is shown to simdjson', (t) => {
  const { parse } = JSON
  t.teardown(() => {
    JSON.parse = parse
  })
  let calls = 0
  JSON.parse = (text: string): unknown => {
    calls++
    return parse(text)
  }
  const asked = crossCheck.asked
  for (let i = 0; i < 50; i++) {
    for (const record of ['{"a":1', '{"a":tru}', '{"a" 1}', '[1,]']) decide(any, record)
  }
  t.equal(calls, 0)
  if (simdjson.isValid !== null) t.ok(crossCheck.asked - asked >= 3, `${crossCheck.asked - asked} of 200`)
  t.equal(crossCheck.disagreements, 0)
  t.end()
})
