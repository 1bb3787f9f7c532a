/** `spillway send` as its users meet it: a child process, real collectors, and receivers that play tricks. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { Batch } from '../../src/commands/send/batch.ts'
import { HttpConnection } from '../../src/commands/send/http-connection.ts'
import type { SendResult } from '../../src/commands/send/report.ts'
import { Tally } from '../../src/commands/send/tally.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import {
  CTRL_C,
  cursorRestored,
  noTerminal,
  run,
  shownLines,
  startCli,
  startInTerminal,
} from './fixtures/cli.ts'

const SOURCES = `
sources:
  push: { type: http, listen: 127.0.0.1:0, auth: { bearer: secret-token } }
  lines: { type: tcp, listen: 127.0.0.1:0 }
sinks: { out: { type: blackhole } }
`

function resultOf({ out }: { out: string }): SendResult {
  return JSON.parse(out)
}

/** A TCP receiver that keeps all it is sent; `closed` resolves when a connection is over. */
async function tcpReceiver(
  test: Test,
  onConnection: (socket: Socket) => unknown = (socket) => socket.resume(),
) {
  const chunks: Buffer[] = []
  const server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    test.teardown(() => socket.destroy())
    socket.on('error', () => {}).on('data', (chunk: Buffer) => chunks.push(chunk))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, text: () => Buffer.concat(chunks).toString() }
}

type Answer = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void

async function httpReceiver(test: Test, answer: Answer): Promise<string> {
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, Buffer.concat(chunks), response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

t.test('to a collector over HTTP and TCP: every event is taken, and counted by its answers', async (t) => {
  const collector = await startCollector(t, SOURCES)
  const [push, lines] = collector.ledger.sources
  const url = `http://${collector.address('push')}/`
  const counts = ['--count', '1234', '--batch', '100', '--connections', '2', '--json']
  const [http, tcp, refused] = await Promise.all([
    run(t, 'send', url, ...counts, '--gzip', '--token', 'secret-token'),
    run(t, 'send', '--to', `tcp://${collector.address('lines')}`, '--count', '5k', '--connections', '3'),
    run(t, 'send', url, '--count', '10', '--token', 'another'),
  ])
  t.match(http, { code: 0 })
  t.match(resultOf(http), { complete: true, sent: 1234, accepted: 1234, rejected: 0, refused: 0, unsent: 0 })
  t.match(resultOf(http).request_ms, { p50: Number, p95: Number, p99: Number })
  t.match(tcp, { code: 0, out: /sent +5,000 [^]*events\/s/ })
  t.notMatch(tcp.out, /accepted|POST/, 'TCP has no answers')
  t.equal(push!.accepted, 1234)
  t.equal(lines!.received, 5000)
  t.equal(lines!.accepted, 5000)
  t.match(refused, {
    code: 1,
    out: '',
    err: /refuses every request: HTTP 401: the bearer token is missing or wrong/,
  })
})

t.test('429 and 503 are obeyed and sent again, other refusals are counted', async (t) => {
  const statuses = [429, 503, 200, 413, 200]
  const bodies: string[] = []
  const headers: unknown[] = []
  const url = await httpReceiver(t, (request, body, response) => {
    const status = statuses.shift() ?? 200
    bodies.push(
      request.headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString(),
    )
    headers.push(request.headers)
    response
      .writeHead(status, { 'retry-after': '0' })
      .end(status === 413 ? '{"error":"far too\\nlong"}' : 'fine')
  })
  const ended = await run(
    t,
    'send',
    url,
    '--count',
    '30',
    '--batch',
    '10',
    '--header',
    'x-tenant: blue',
    '--header',
    'x-b: 1',
  )
  t.equal(ended.code, 1)
  t.match(ended.out, /sent +20\b[^]*accepted +20\b[^]*refused +10\b[^]*resent +2\b/)
  t.match(ended.out, 'the receiver said: HTTP 429: fine')
  t.equal(bodies[0], bodies[2], 'the same request again')
  t.match(headers[0], { 'x-tenant': 'blue', 'x-b': '1', 'content-type': 'application/x-ndjson' })
})

t.test('dead letters of the receiver are told, and are no failure', async (t) => {
  const collector = await startCollector(t, SOURCES)
  const file = join(temporaryDirectory(t), 'events.ndjson')
  const event = '{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"x","severity":1}'
  writeFileSync(file, `${event}\r\n\n{"severity":"high"}\n\r\n${event}`)
  const url = `http://${collector.address('push')}/`
  const ended = await run(t, 'send', url, '--token', 'secret-token', '--file', file)
  t.match(ended, { code: 0, out: /sent +3\b[^]*accepted +2\b[^]*rejected +1\b.*dead letters/ })
  t.match(ended.out, /the receiver said: schema_violation[^]*: must/)
})

t.test('a file over TCP: its lines, once or as often as it takes', async (t) => {
  const [once_, looped] = await Promise.all([tcpReceiver(t), tcpReceiver(t)])
  const file = join(temporaryDirectory(t), 'lines.log')
  const long = 'x'.repeat(600_000)
  writeFileSync(file, `one\n\ntwo\r\n${long}\nlast`)
  const results = await Promise.all([
    run(t, 'send', `tcp://127.0.0.1:${once_.port}`, '--file', file),
    run(
      t,
      'send',
      `syslog://127.0.0.1:${looped.port}`,
      '--file',
      file,
      '--count',
      '6',
      '--framing',
      'octet-counting',
    ),
  ])
  t.same(
    results.map(({ code }) => code),
    [0, 0],
  )
  t.equal(once_.text(), `one\ntwo\n${long}\nlast\n`)
  t.equal(looped.text(), `3 one3 two600000 ${long}4 last3 one3 two`)
})

const RFC_5424 =
  /^<\d{1,3}>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [\w-]+ \w+ \d+ \w+ \[meta@32473 seq="(\d{10})"\] .+$/u
const RFC_3164 = /^<\d{1,3}>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w-]+ \w+\[\d+\]: .+ seq=(\d{10})$/u

/** The numbers of messages that have this form; one that has not fails. */
function numbers(test: Test, messages: readonly string[], form: RegExp): Set<string> {
  const wrong = messages.filter((message) => !form.test(message))
  test.same(wrong.slice(0, 3), [], 'all have the form')
  return new Set(messages.map((message) => form.exec(message)?.[1] ?? ''))
}

t.test('syslog: RFC 5424 and 3164, both framings of RFC 6587, and datagrams', async (t) => {
  const [counted, lines] = await Promise.all([tcpReceiver(t), tcpReceiver(t)])
  const datagrams: string[] = []
  const udp = createSocket('udp4').on('message', (message) => datagrams.push(message.toString()))
  t.teardown(() => udp.close())
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const results = await Promise.all([
    run(t, 'send', `syslog://127.0.0.1:${counted.port}`, '--count', '300', '--framing', 'octet-counting'),
    run(t, 'send', `syslog+tcp://127.0.0.1:${lines.port}`, '--count', '300', '--format', 'rfc3164'),
    run(t, 'send', `syslog+udp://127.0.0.1:${udp.address().port}`, '--count', '150', '--rate', '2k'),
  ])
  t.same(
    results.map(({ code }) => code),
    [0, 0, 0],
  )
  const messages: string[] = []
  for (let rest = Buffer.from(counted.text()); rest.length > 0;) {
    const [, length] = /^(\d+) /.exec(rest.toString('latin1', 0, 8))!
    const from = length!.length + 1
    messages.push(rest.toString('utf8', from, from + Number(length)))
    rest = rest.subarray(from + Number(length))
  }
  t.equal(numbers(t, messages, RFC_5424).size, 300)
  t.equal(numbers(t, lines.text().split('\n').slice(0, -1), RFC_3164).size, 300)
  t.equal(numbers(t, datagrams, RFC_5424).size, 150)
})

t.test('nobody there: what to do, on standard error', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const cases = [`http://127.0.0.1:${port}/`, `tcp://127.0.0.1:${port}`, `syslog+udp://127.0.0.1:${port}`]
  for (const ended of await Promise.all(cases.map((url) => run(t, 'send', url, '--count', '500')))) {
    t.equal(ended.code, 1)
    t.match(
      ended.err,
      /^cannot reach .*nothing listens there; is the collector running\? `spillway run` starts one/m,
    )
    t.notMatch(ended.out, /accepted/)
  }
})

t.test('a port of another protocol', async (t) => {
  const tally = new Tally()
  const mute = await tcpReceiver(t)
  const plain = await httpReceiver(t, (_request, _body, response) => response.end())
  const stop = new AbortController().signal
  const url = new URL(`http://127.0.0.1:${mute.port}/`)
  const connection = new HttpConnection({
    url,
    headers: {},
    gzip: false,
    tally,
    stop,
    firstAnswerTimeoutMs: 50,
  })
  t.teardown(() => connection.close())
  await t.rejects(connection.send(new Batch(1024)), {
    message: /^cannot reach http:.*it takes connections and does not answer; is that a port for HTTP\?$/,
  })
  const ended = await run(t, 'send', plain.replace('http:', 'https:'), '--count', '5')
  t.match(ended, { code: 1, err: /^cannot reach https:.*: what listens there does not speak TLS$/m })
})

t.test('a receiver that closes, and a file that is none', async (t) => {
  const closing = await tcpReceiver(t, (socket) => socket.destroy())
  const [lost, noFile] = await Promise.all([
    run(t, 'send', `tcp://127.0.0.1:${closing.port}`, '--count', '1M'),
    run(t, 'send', `tcp://127.0.0.1:${closing.port}`, '--file', join(temporaryDirectory(t), 'none')),
  ])
  t.match(lost, { code: 1, err: /the connection to tcp:.* broke: .*; what was on its way may be lost/ })
  t.match(noFile, { code: 1, out: '', err: /^cannot read .*none: ENOENT/ })
})

t.test('Ctrl-C in a pipe: a line a second, then the table', async (t) => {
  const receiver = await tcpReceiver(t)
  const url = `tcp://127.0.0.1:${receiver.port}`
  const cli = startCli(t, ['send', url, '--rate', '200', '--count', '1M', '--json'])
  await cli.said(/^1 s 0 %: \d+ sent, \d+\/s$/m)
  cli.child.kill('SIGINT')
  const ended = await cli.ended
  t.equal(ended.code, 1)
  const result = resultOf(ended)
  t.match(result, { interrupted: true, complete: false, error: null, unsent: 0 })
  t.ok(result.sent > 0 && result.sent < 10_000, 'at the rate asked for')
  t.equal(receiver.text().split('\n').length - 1, result.sent, 'all that was counted has come')
})

t.test('--duration, a receiver that reads late, and a reader that is gone', async (t) => {
  const late = await tcpReceiver(t, (socket) => setTimeout(() => socket.resume(), 300))
  const cli = startCli(t, ['send', `tcp://127.0.0.1:${late.port}`, '--duration', '500ms', '--json'])
  const deaf = startCli(t, ['send', `tcp://127.0.0.1:${late.port}`, '--count', '10'])
  deaf.child.stdout.destroy()
  t.match(await deaf.ended, { code: 0 }, 'no reader of the table is no failure')
  const ended = await cli.ended
  t.equal(ended.code, 0)
  t.ok(resultOf(ended).seconds < 5)
  t.equal(late.text().split('\n').length - 1, resultOf(ended).sent + 10)
})

t.test('in a terminal: a bar that fits, and the cursor comes back', { skip: noTerminal }, async (t) => {
  const receiver = await tcpReceiver(t)
  const url = `tcp://127.0.0.1:${receiver.port}`
  const clis = [80, 40].map((columns) => {
    return { columns, cli: startInTerminal(t, columns, 'send', url, '--count', '1M', '--rate', '5k') }
  })
  for (const { columns, cli } of clis) {
    await cli.said(/\d % +[\d,]{4,} sent/)
    cli.child.stdin.write(CTRL_C)
    const { code, out } = await cli.ended
    t.equal(code, 1, 'it was not all sent')
    t.match(out, /sent +[\d,]+/)
    t.ok(
      shownLines(out).every((line) => line.length <= columns),
      `nothing wraps at ${columns}`,
    )
    t.ok(cursorRestored(out))
  }
})
