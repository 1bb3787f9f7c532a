import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import { HttpSink } from '../../../src/sinks/http/index.ts'
import type { Outcome, Payload } from '../../../src/pipeline/sink.ts'
import { NEVER, context, httpConfig, payloadOf } from '../fixtures/configs.ts'
import { startReceiver } from '../fixtures/receiver.ts'
import type { Answer, Receiver } from '../fixtures/receiver.ts'

type Test = Pick<typeof t, 'teardown'>

async function startBoth(t: Test, answer?: Answer, more: object = {}): Promise<[HttpSink, Receiver]> {
  const receiver = await startReceiver(answer)
  const sink = new HttpSink(httpConfig(receiver.url, more), context)
  await sink.start()
  t.teardown(async () => {
    await sink.stop()
    await receiver.close()
  })
  return [sink, receiver]
}

/** A server of bare TCP, for answers that no HTTP server gives. */
async function startRaw(t: Test, onSocket: (socket: Socket) => void, more: object = {}): Promise<HttpSink> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const sink = new HttpSink(httpConfig(`http://127.0.0.1:${port}/`, more), context)
  await sink.start()
  t.teardown(async () => {
    await sink.stop()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return sink
}

function send(sink: HttpSink, payload: Payload = payloadOf(['{"a":1}\n'])): Promise<Outcome> {
  return sink.send(payload, NEVER)
}

const withTimeout = (timeoutMs: number) => ({
  request: { timeoutMs, connectTimeoutMs: 30_000, concurrency: 4 },
})

t.test('the request is what the configuration says', async (t) => {
  const [sink, receiver] = await startBoth(t, undefined, {
    method: 'PUT',
    headers: { 'X-Team': 'soc', 'Content-Type': 'text/plain' },
    auth: { bearer: 'secret' },
  })
  t.same(await send(sink, payloadOf(['one\n', 'two\n'], { contentEncoding: 'gzip' })), { kind: 'ack' })
  const { request, body } = receiver.received[0]!
  t.equal(`${request.method} ${request.url}`, 'PUT /in?a=1')
  t.equal(body.toString(), 'one\ntwo\n')
  t.match(request.headers, {
    'content-length': '8',
    'content-encoding': 'gzip',
    'content-type': 'text/plain',
    'user-agent': 'spillway/1.2.3',
    'x-team': 'soc',
    authorization: 'Bearer secret',
  })
  t.notOk('transfer-encoding' in request.headers)
})

t.test('basic authentication', async (t) => {
  const [sink, receiver] = await startBoth(t, undefined, {
    auth: { basic: { username: 'jörg', password: 'a:b' } },
  })
  await send(sink)
  const sent = receiver.received[0]!.request.headers.authorization!
  t.equal(Buffer.from(sent.replace('Basic ', ''), 'base64').toString(), 'jörg:a:b')
})

t.test('views of any number and size arrive whole, and a connection is used again', async (t) => {
  const [sink, receiver] = await startBoth(t)
  for (const count of [1, 2, 15, 32]) {
    const texts = Array.from({ length: count }, (_, i) => `${i}`.repeat(30_000))
    t.same(await send(sink, payloadOf(texts)), { kind: 'ack' })
    t.ok(receiver.received.at(-1)!.body.equals(Buffer.from(texts.join(''))), `${count} views`)
  }
  t.equal(receiver.connections, 1)
})

t.test('statuses become outcomes, with the words of the server', async (t) => {
  let status = 0
  const [sink, receiver] = await startBoth(t, (response) => {
    response.writeHead(status, { 'retry-after': '3', location: '/elsewhere' }).end('because\n')
  })
  for (const [next, kind] of [
    [200, 'ack'],
    [302, 'hold'],
    [401, 'hold'],
    [413, 'reject'],
    [429, 'retry'],
    [503, 'retry'],
  ] as const) {
    status = next
    const outcome = await send(sink)
    t.equal(outcome.kind, kind, `${next}`)
    if (outcome.kind !== 'ack' && outcome.kind !== 'partial') t.equal(outcome.reason, `HTTP ${next}: because`)
    if (outcome.kind === 'retry') t.equal(outcome.afterMs, 3000)
  }
  t.equal(receiver.received.length, 6, 'no redirect was followed')
  t.equal(receiver.connections, 1)
})

t.test('no answer within the time', async (t) => {
  const [sink] = await startBoth(t, () => {}, withTimeout(100))
  t.match(await send(sink), { kind: 'retry', category: 'timeout', reason: 'no answer after 100 ms' })
})

t.test('a body that never ends doesn’t take back a 200, nor hold up a 503', async (t) => {
  let status = 200
  // The head must have come by then, also on a machine that is busy.
  const answer: Answer = (response) => void response.writeHead(status).write('wait')
  const [sink] = await startBoth(t, answer, withTimeout(1500))
  t.same(await send(sink), { kind: 'ack' })
  status = 503
  t.match(await send(sink), { kind: 'retry', category: 'server_error', reason: 'HTTP 503: wait' })
})

t.test('a huge answer is cut off, and the status counts', async (t) => {
  let status = 200
  const [sink, receiver] = await startBoth(t, (response) => {
    response.writeHead(status).end(Buffer.alloc(8 << 20, 'x'))
  })
  t.same(await send(sink), { kind: 'ack' })
  status = 400
  t.match(await send(sink), { kind: 'reject', reason: /^HTTP 400: x{200}$/ })
  t.equal(receiver.connections, 2, 'the rest of the first was not waited for')
})

t.test('a connection that breaks off', async (t) => {
  const [sink] = await startBoth(t, (response) => response.destroy())
  t.match(await send(sink), { kind: 'retry', category: 'reset' })
  t.match(await send(sink, payloadOf(['a\n', 'b\n'])), { kind: 'retry', category: 'reset' })
})

t.test('nobody listens there', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const sink = new HttpSink(httpConfig(`http://127.0.0.1:${port}/`), context)
  t.teardown(() => sink.stop())
  await sink.start()
  t.match(await send(sink), { kind: 'retry', category: 'connect', reason: /ECONNREFUSED/ })
  t.match(await send(sink), { kind: 'retry', category: 'connect' })
})

t.test('a host that is not there', async (t) => {
  const sink = new HttpSink(httpConfig('http://nowhere.invalid/'), context)
  t.teardown(() => sink.stop())
  await sink.start()
  t.match(await send(sink), { kind: 'retry', category: 'dns' })
})

t.test('what is no HTTP', async (t) => {
  const sink = await startRaw(t, (socket) => socket.on('data', () => socket.write('SSH-2.0-OpenSSH\r\n')))
  t.match(await send(sink), { kind: 'retry', category: 'unknown' })
})

t.test('an early refusal of a large body closes the connection', async (t) => {
  const { promise: peer, resolve } = Promise.withResolvers<Socket>()
  const sink = await startRaw(t, (socket) => {
    socket.pause()
    socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n')
    resolve(socket)
  })
  const payload = payloadOf(['x'.repeat(12 << 20)])
  t.match(await send(sink, payload), { kind: 'reject', status: 413 })
  await once((await peer).resume(), 'close')
})

t.test('an early 200 counts once the rest has left, whatever it is made of', async (t) => {
  const large = 'y'.repeat(6 << 20)
  for (const texts of [[large], [large, large]]) {
    let read = 0
    const bytes = texts.length * large.length
    const { promise: whole, resolve } = Promise.withResolvers<void>()
    const sink = await startRaw(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      socket.on('data', (chunk: Buffer) => {
        read += chunk.length
        if (read > bytes) resolve()
      })
    })
    t.same(await send(sink, payloadOf(texts)), { kind: 'ack' })
    await whole
  }
})

t.test('an early 200 of a server that then goes away is no acknowledgement', async (t) => {
  const sink = await startRaw(t, (socket) => {
    socket.pause()
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', () =>
      setImmediate(() => socket.resetAndDestroy()),
    )
  })
  t.match(await send(sink, payloadOf(['z'.repeat(12 << 20)])), { kind: 'retry', category: 'reset' })
})

t.test('an abort ends a request at once: waiting for an answer, and while connecting', async (t) => {
  const [sink, receiver] = await startBoth(t, () => {})
  const stopping = new AbortController()
  const outcome = sink.send(payloadOf(['{}\n']), stopping.signal)
  await receiver.came(1)
  stopping.abort()
  t.match(await outcome, { kind: 'retry' })

  // An address of TEST-NET-1 (RFC 5737) that nobody answers for.
  const lost = new HttpSink(httpConfig('http://192.0.2.1:81/'), context)
  await lost.start()
  const giveUp = new AbortController()
  const unanswered = lost.send(payloadOf(['{}\n']), giveUp.signal)
  setImmediate(() => giveUp.abort())
  t.equal((await unanswered).kind, 'retry')
  await lost.stop()
})

t.test('requests at once each have a connection, and stop ends them', async (t) => {
  const [sink, receiver] = await startBoth(t, () => {})
  const outcomes = [1, 2, 3, 4].map(() => send(sink))
  await receiver.came(4)
  t.equal(receiver.connections, 4)
  await sink.stop()
  for (const outcome of await Promise.all(outcomes)) t.match(outcome, { kind: 'retry' })
  t.match(await send(sink), { kind: 'retry' }, 'and takes no more')
})
