import t from 'tap'
import { sendPlan } from '../../../src/commands/send/plan.ts'
import type { SendOptions } from '../../../src/commands/send/plan.ts'

t.test('without options: 10,000 events to the default of run', async (t) => {
  t.match(sendPlan(undefined, {}), {
    target: { kind: 'http', url: { href: 'http://127.0.0.1:8080/' }, port: 8080 },
    eventsMax: 10_000,
    eventsPerSecond: Infinity,
    durationMs: Infinity,
    connections: 1,
    batchEventsMax: 500,
    file: null,
    format: 'json',
    framing: 'newline',
    headers: { 'content-type': 'application/x-ndjson' },
  })
})

t.test('each target has its kind, host, port and defaults', async (t) => {
  t.match(sendPlan('tcp://[::1]:8081', {}).target, { kind: 'tcp', host: '::1', port: 8081 })
  t.match(sendPlan('syslog://logs.example', {}), { target: { kind: 'syslog', port: 514 }, format: 'rfc5424' })
  t.match(sendPlan('https://logs.example/in?x=1', {}).target, { kind: 'http', host: 'logs.example' })
  t.match(sendPlan('syslog+udp://127.0.0.1:5514', { format: 'rfc3164' }), {
    format: 'rfc3164',
    framing: 'datagram',
    eventsPerSecond: 10_000,
    batchEventsMax: 64,
  })
})

t.test('a file is sent once, or until the count or the time', async (t) => {
  t.match(sendPlan('tcp://h:1', { file: 'f' }), { eventsMax: Infinity, looped: false })
  t.match(sendPlan('tcp://h:1', { file: 'f', count: '5k' }), { eventsMax: 5000, looped: true })
  t.match(sendPlan('tcp://h:1', { file: 'f', duration: '5s' }), {
    eventsMax: Infinity,
    looped: true,
    durationMs: 5000,
  })
})

t.test('headers', async (t) => {
  const { headers } = sendPlan(undefined, {
    header: ['X-Tenant: blue', 'content-type:text/plain'],
    token: 't0k',
    gzip: true,
  })
  t.same(headers, {
    'content-type': 'text/plain',
    'content-encoding': 'gzip',
    authorization: 'Bearer t0k',
    'x-tenant': 'blue',
  })
})

t.test('what is wrong is told with the option', async (t) => {
  const cases: readonly (readonly [string | undefined, SendOptions, RegExp])[] = [
    ['localhost:8080', {}, /--to: localhost:8080 is no URL/],
    ['127.0.0.1', {}, /--to: .* no URL/],
    ['ftp://h', {}, /ftp:.* is none of http/],
    ['tcp://h', {}, /names no port/],
    ['tcp://h:1/path', {}, /has a path/],
    ['tcp://:1', {}, /--to/],
    ['http://u:p@h/', {}, /credentials go into --token/],
    ['http://h/', { to: 'http://g/' }, /give one of them/],
    [undefined, { count: '0' }, /--count: 0 is no whole number from 1/],
    [undefined, { rate: 'fast' }, /--rate: fast/],
    [undefined, { duration: '5' }, /--duration: 5 is no time/],
    [undefined, { connections: '5k' }, /--connections: 5k is no whole number from 1 to 1000/],
    [undefined, { batch: '1M' }, /--batch/],
    [undefined, { header: ['nonsense'] }, /--header: nonsense is no header/],
    [undefined, { header: ['a: b\r\nc: d'] }, /--header/],
    [undefined, { format: 'rfc5424' }, /--format: only syslog/],
    ['tcp://h:1', { framing: 'newline' }, /--framing: only syslog/],
    ['tcp://h:1', { gzip: true }, /--gzip: only http/],
    ['tcp://h:1', { header: ['a: b'] }, /--header: only http/],
    ['syslog+udp://h', { batch: '5' }, /--batch: a datagram is one event/],
    ['syslog://h', { format: 'cef' }, /--format: cef is none of rfc5424, rfc3164/],
    ['syslog://h', { framing: 'nul' }, /--framing: nul is none of newline, octet-counting/],
  ]
  for (const [url, options, message] of cases) {
    t.throws(
      () => sendPlan(url, options),
      { code: 'SPW_ERR_OPTION_INVALID', exitCode: 2, message },
      String(message),
    )
  }
})
