import t from 'tap'
import { decodeOne } from './decode-one.ts'
import type { RawPayload } from './decode-one.ts'

const HEADER = '<29>1 2016-01-15T01:00:43Z hn S - - '

/** Structured data of RFC 5424, and the message behind it. */
function read(text: string): { data: unknown; message: string | undefined } {
  const {
    structured_data: data,
    message,
    hostname,
    app_name: appName,
  } = decodeOne(HEADER + text).event.raw_payload
  t.strictSame([hostname, appName], ['hn', 'S'], 'the fields before it are right')
  return { data, message }
}

const whole: [text: string, data: unknown, message?: string][] = [
  ['[id] x', { id: {} }, 'x'],
  ['[id]', { id: {} }],
  ['[id] ', { id: {} }],
  ['[id pk=""]', { id: { pk: '' } }],
  ['[a x="1"][b] m', { a: { x: '1' }, b: {} }, 'm'],
  [
    '[origin][meta sequence="1" service="s"] "GET /"',
    { origin: {}, meta: { sequence: '1', service: 's' } },
    '"GET /"',
  ],
  ['[a x="q\\"b\\\\c\\]d"] m', { a: { x: 'q"b\\c]d' } }, 'm'],
  ['[a x="\\\\"] m', { a: { x: '\\' } }, 'm'],
  ['[a x="\\n \\x"] m', { a: { x: '\\n \\x' } }, 'm'],
  ['[a x="]"] m', { a: { x: ']' } }, 'm'],
  ['[a x="one\ntwo\u0001"] m', { a: { x: 'one\ntwo\u0001' } }, 'm'],
  ['[a gr="κόσμε" es="ñ"][beta pr="₡"] 𐌼', { a: { gr: 'κόσμε', es: 'ñ' }, beta: { pr: '₡' } }, '𐌼'],
  ['[a x= "1" y ="2" z = "3" ] m', { a: { x: '1', y: '2', z: '3' } }, 'm'],
  ['[a@32473  x="1"] m', { 'a@32473': { x: '1' } }, 'm'],
  // Elements of one id are one, and of parameters of one name the last counts.
  ['[a][a] m', { a: {} }, 'm'],
  ['[a x="1"][b y="2"][a z="3"] m', { a: { x: '1', z: '3' }, b: { y: '2' } }, 'm'],
  ['[a x="1" x="2"] m', { a: { x: '2' } }, 'm'],
  ['[a x="1"][b x="5"][a x="2" y="3"] m', { a: { x: '2', y: '3' }, b: { x: '5' } }, 'm'],
  ['[__proto__ x="1"] m', JSON.parse('{"__proto__":{"x":"1"}}'), 'm'],
]

for (const [text, data, message] of whole) {
  t.test(text, (t) => {
    t.strictSame(read(text), { data, message })
    t.equal(JSON.stringify(read(text).data), JSON.stringify(data), 'in this order, each name once')
    t.end()
  })
}

const broken: [text: string, message: string, data?: unknown][] = [
  ['[ ] m', '[ ] m'],
  ['[]] m', '[]] m'],
  ['[id', '[id'],
  ['[id x', '[id x'],
  ['[id x="1"', '[id x="1"'],
  ['[id x="1', '[id x="1'],
  ['[id x="1\\', '[id x="1\\'],
  ['[incorrect x=] m', '[incorrect x=] m'],
  ['[meta escape="a""] m "GET"', '[meta escape="a""] m "GET"'],
  ['[meta escape="\\"] m "GET"', '[meta escape="\\"] m "GET"'],
  ['[id x="1"]text', '[id x="1"]text'],
  ['[WAN_LOCAL-default-D]IN=eth0 OUT=', '[WAN_LOCAL-default-D]IN=eth0 OUT='],
  [`[${'x'.repeat(33)}] m`, `[${'x'.repeat(33)}] m`],
  ['[a x="1"][b y=2] m', '[b y=2] m', { a: { x: '1' } }],
  ['[a x="1"] [b y=2] m', '[b y=2] m', { a: { x: '1' } }],
  ['[action:"Accept"; flags:"1"; ifdir:"in"]', '[action:"Accept"; flags:"1"; ifdir:"in"]'],
]

for (const [text, message, data] of broken) {
  t.test(`broken: ${text}`, (t) => {
    t.strictSame(read(text), { data, message })
    t.end()
  })
}

t.test('no more elements and parameters than there is room for, and none is lost', (t) => {
  const elements = Array.from({ length: 70 }, (_, index) => `[id${index} a="${index}"]`)
  const many = read(`${elements.join('')} m`)
  t.equal(Object.keys(many.data as object).length, 64)
  t.equal(many.message, `${elements.slice(64).join('')} m`)
  const params = Array.from({ length: 300 }, (_, index) => ` p${index}="${index}"`).join('')
  t.strictSame(read(`[one x="1"][two${params}] m`), {
    data: { one: { x: '1' } },
    message: `[two${params}] m`,
  })
  t.end()
})

function legacy(text: string): RawPayload {
  return decodeOne(`<46>Jan  5 15:33:03 host rsyslogd: ${text}`).event.raw_payload
}

t.test('in RFC 3164 messages only what has parameters', (t) => {
  const first = legacy(' [origin software="rsyslogd" x-pid="20506"] start')
  t.strictSame(
    [first.structured_data, first.message],
    [{ origin: { software: 'rsyslogd', 'x-pid': '20506' } }, 'start'],
  )
  for (const text of [
    '[software="rsyslogd" x-pid="20506"] start',
    '[audit] user=x',
    '[origin software="a"]start',
    '[Tue Jun 08 11:54:08.929301 2021] [php7:emerg] [pid 1] x',
  ]) {
    const { structured_data: data, message } = legacy(text)
    t.strictSame([data, message], [undefined, text])
  }
  t.end()
})
