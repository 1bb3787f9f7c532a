import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { NOTHING_LEFT, Rig, SIDES } from './rig.ts'
import type { RigOptions } from './rig.ts'
import { head, makeEvents, post, RawClient } from './raw-client.ts'
import { until } from '../../helpers/until.ts'

const LINES = { 'Content-Type': 'application/x-ndjson' }
const BODY = '{"a":1}\n'
const whole = (body: string, headers: Record<string, string> = LINES) => head(body.length, headers) + body
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const get = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

function drip(client: RawClient, text: string): void {
  let at = 0
  const timer = setInterval(() => client.send(text[at++ % text.length]!), 50)
  client.socket.once('close', () => clearInterval(timer))
}

async function curlPost(url: string, ...options: string[]) {
  const curl = spawn('curl', ['-sS', '-o', '-', '-w', '%{http_code}', '--data-binary', '@-', ...options, url])
  let text = ''
  curl.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  curl.on('error', () => (text = 'none'))
  curl.stdin.on('error', () => {})
  curl.stdin.end('{"a":1}\n'.repeat(100))
  await once(curl, 'close')
  return text
}

const shared = new Map<boolean, Promise<Rig>>()

/** For tests that need no configuration of their own: a worker takes its time to start. */
async function sharedRig(nodeHttp = false): Promise<Rig> {
  const starting = shared.get(nodeHttp) ?? Rig.start({ nodeHttp })
  shared.set(nodeHttp, starting)
  const rig = await starting
  rig.delivered.length = rig.deadLetters.length = rig.refused.length = 0
  return rig
}

/** One after another, with a rig that is shared. */
function onBothSides(name: string, test: (t: Test, rig: Rig) => Promise<void>): void {
  for (const { side, nodeHttp } of SIDES)
    t.test(`${name}: ${side}`, async (t) => test(t, await sharedRig(nodeHttp)))
}

/** At the same time, for what takes its time. */
function onBothSidesAtOnce(
  name: string,
  options: RigOptions,
  test: (t: Test, rig: Rig) => Promise<void>,
): void {
  t.test(name, async (t) => {
    await Promise.all(SIDES.map(async ({ nodeHttp }) => test(t, await Rig.start({ ...options, nodeHttp }))))
  })
}

async function balanced(t: Test, rig: Rig): Promise<void> {
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [], 'the ledger balances')
}

async function stopped(t: Test, rig: Rig): Promise<void> {
  await balanced(t, rig)
  t.strictSame(await rig.stop(), NOTHING_LEFT, 'nothing is left')
}

t.test('what is refused by its head', async (t) => {
  const rig = await Rig.start({ config: { auth: { bearer: 'secret' }, maxBodyBytes: 1024 } })
  const auth = { Authorization: 'Bearer secret' }
  const client = await RawClient.connect(rig.port)
  const send = async (text: string) => {
    client.send(text)
    return await client.answer()
  }
  t.match(await send(get('GET', '/health')), { status: 404, json: { error: /POST \// } })
  t.match(await send(get('GET', '/')), { status: 405, headers: { allow: 'POST' }, json: { error: /GET/ } })
  t.match(await send(get('POST', '/')), { status: 401, headers: { 'www-authenticate': 'Bearer' } })
  client.send('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1')
  t.match(await client.answer(), { status: 405, headers: { connection: 'close' } })
  await client.end()
  const refused = async (text: string) => {
    const one = await RawClient.connect(rig.port)
    one.send(text)
    const answer = await one.answer()
    await one.end()
    return answer
  }
  for (const header of [
    'Bearer wrong',
    'Bearer secre',
    'Bearer secrets',
    'Basic secret',
    'secret',
    'Bearer',
  ]) {
    t.match(await refused(whole(BODY, { Authorization: header })), { status: 401 }, header)
  }
  for (const coding of ['br', 'deflate', 'gzip, gzip']) {
    const answer = await refused(whole(BODY, { ...auth, 'Content-Encoding': coding }))
    t.match(answer, { status: 415, json: { error: /gzip, zstd/ } }, coding)
  }
  const long = await refused(whole('x'.repeat(1025), auth))
  t.match(long, { status: 413, json: { error: /max_body_bytes, 1 ?KiB/ } })
  t.equal(long.json.accepted, undefined, 'nothing was taken')
  const onTheWay = await refused(
    head(null, { ...auth, ...LINES }) + chunk(BODY) + chunk(`${'x'.repeat(600)}\n`) + chunk('y'.repeat(600)),
  )
  t.match(onTheWay, { status: 413, json: { error: /max_body_bytes/, accepted: 1, rejected: 1 } })
  t.match(await refused(whole(BODY, { ...auth, Expect: 'wonders' })), { status: 417 })
  for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
    const { status } = await post(rig.url, BODY, { authorization: `${scheme} secret` })
    t.equal(status, 200, scheme)
  }
  for (const path of ['/?a=b', `http://${rig.source.address}/`, `http://${rig.source.address}`]) {
    const one = await RawClient.connect(rig.port)
    one.send(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nContent-Length: 8\r\n\r\n${BODY}`,
    )
    t.match(await one.answer(), { status: 200 }, path)
    one.destroy()
  }
  t.ok(rig.refused.every(({ peer }) => /^127\.0\.0\.1:\d+$/.test(peer)))
  await stopped(t, rig)
})

onBothSides('what is not HTTP', async (t, rig) => {
  for (const [text, status] of [
    ['nonsense\r\n\r\n', 400],
    [`POST / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [`POST / HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(200)}\r\n`, 431],
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
  ] as const) {
    const client = await RawClient.connect(rig.port)
    client.send(text)
    t.match(await client.answer(), { status, headers: { connection: 'close' } }, text.slice(0, 40))
    await client.end()
  }
  const client = await RawClient.connect(rig.port)
  client.send(`${head(null, LINES)}${chunk('{"a":1}\n{"a":2')}zz\r\n`)
  t.match(await client.answer(), { status: 400, json: { accepted: 1, rejected: 1 } }, 'broken chunks')
  await client.end()
  await balanced(t, rig)
})

onBothSides('keep-alive and pipelining: answers in the order of the requests', async (t, rig) => {
  const client = await RawClient.connect(rig.port)
  for (let count = 1; count <= 20; count++) {
    client.send(whole(makeEvents(count).join('\n')))
    t.match(await client.answer(), { status: 200, json: { accepted: count } })
  }
  const counts = Array.from({ length: 50 }, (_, index) => index)
  client.send(counts.map((count) => whole(makeEvents(count).join('\n'))).join(''))
  for (const count of counts) t.match(await client.answer(), { status: 200, json: { accepted: count } })
  client.destroy()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number>()
  for (let i = 0; i < 5; i++) {
    const outgoing = request(rig.url, { method: 'POST', agent, headers: LINES })
    outgoing.end(BODY)
    const [answer] = await once(outgoing, 'response')
    ports.add(answer.socket.localPort)
    answer.resume()
    await once(answer, 'end')
  }
  t.equal(ports.size, 1, 'one connection')
  agent.destroy()
  await balanced(t, rig)
})

onBothSides('chunks that cut lines and documents anywhere', async (t, rig) => {
  for (const [text, type] of [
    ['{"a":"ä€😀"}\n{"b":2}\n', 'application/x-ndjson'],
    ['[{"a":"ä€😀"}, {"b":2}]', 'application/json'],
    ['[\n{"a":"ä€😀"},\n{"b":2}]', 'text/plain'],
  ] as const) {
    const client = await RawClient.connect(rig.port)
    client.send(head(null, { 'Content-Type': type }))
    for (const byte of Buffer.from(text))
      client.send(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]))
    client.send('0\r\n\r\n')
    t.match(await client.answer(), { status: 200, json: { accepted: 2, rejected: 0 } }, type)
    client.destroy()
    await rig.settled()
    t.strictSame(rig.delivered.splice(0), ['{"a":"ä€😀"}', '{"b":2}'])
  }
  await balanced(t, rig)
})

t.test('Expect: 100-continue', async (t) => {
  const rig = await Rig.start({ config: { maxBodyBytes: 1024 } })
  const client = await RawClient.connect(rig.port)
  client.send(head(BODY.length, { ...LINES, Expect: '100-continue' }))
  t.match(await client.answer(), { status: 100 })
  client.send(BODY)
  t.match(await client.answer(), { status: 200, json: { accepted: 1 } })
  client.send(head(5000, { ...LINES, Expect: '100-continue' }))
  t.match(await client.answer(), { status: 413, headers: { connection: 'close' } }, 'refused before 100')
  await client.end()
  await t.test('curl', async (t) => {
    const plain = await curlPost(rig.url, '-H', 'Expect: 100-continue')
    if (plain === 'none') return t.comment('there is no curl')
    t.match(plain, /"accepted":100.*\n200$/)
    t.match(
      await curlPost(rig.url, '-H', 'Content-Type: application/x-ndjson', '-H', 'Transfer-Encoding: chunked'),
      /200$/,
    )
    t.match(await curlPost(rig.url, '-H', 'Content-Encoding: br'), /415$/)
  })
  await stopped(t, rig)
})

onBothSidesAtOnce(
  'an early answer can be read, then the upload is cut off',
  { config: { maxBodyBytes: 1024 } },
  async (t, rig) => {
    const client = await RawClient.connect(rig.port)
    client.send(head(300_000, LINES))
    t.match(await client.answer(), { status: 413, headers: { connection: 'close' } })
    client.send('x'.repeat(250_000))
    client.send('x'.repeat(50_000))
    await client.end()
    t.notOk(client.reset, 'little is swallowed to its end')
    const pusher = await RawClient.connect(rig.port)
    pusher.send(head(1e9, LINES))
    const push = () => {
      if (!pusher.socket.destroyed) pusher.socket.write('x'.repeat(64 * 1024), push)
    }
    push()
    t.match(await pusher.answer(), { status: 413 })
    await pusher.end()
    t.ok(pusher.socket.bytesWritten < 1e8, 'much is not')
    await stopped(t, rig)
  },
)

// Less than the slow ones take in all, and long beside the pause between two bytes.
onBothSidesAtOnce('slow-loris heads and bodies', { config: { idleTimeoutMs: 2000 } }, async (t, rig) => {
  await rig.warm()
  const slowHead = await RawClient.connect(rig.port)
  slowHead.send('POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  drip(slowHead, 'abc')
  const silent = await RawClient.connect(rig.port)
  const slowBody = await RawClient.connect(rig.port)
  slowBody.send(`${head(1000, LINES)}{"a":1}\n{"a":`)
  const lasting = await RawClient.connect(rig.port)
  lasting.send(head(56, LINES))
  drip(lasting, '{"a":1}\n')
  t.match(await slowHead.answer(), { status: 408 })
  t.match(await slowBody.answer(), {
    status: 408,
    json: { error: /idle_timeout, 2 ?s/, accepted: 1, rejected: 1 },
  })
  t.match(await lasting.answer(), { status: 200, json: { accepted: 7 } }, 'slow is not idle')
  await Promise.all([slowHead.end(), slowBody.end(), silent.end()])
  t.ok(rig.closed.some(({ reason, peer }) => reason === 'idle' && peer.endsWith(`:${slowHead.port}`)))
  t.match(
    rig.refused.filter(({ status }) => status === 408),
    [{ peer: `127.0.0.1:${slowBody.port}` }],
  )
  await lasting.end()
  await stopped(t, rig)
})

onBothSides('cut off half way: whole records stay, the unfinished one is bad framing', async (t, rig) => {
  const reset = await RawClient.connect(rig.port)
  reset.send(`${head(1000, LINES)}{"a":1}\n{"a":`)
  await until(() => rig.source.requestsInHand === 1 && rig.intake.uncommittedBytes > 0)
  reset.socket.resetAndDestroy()
  await until(() => rig.source.requestsInHand === 0)
  await rig.settled()
  t.strictSame(rig.delivered, ['{"a":1}'])
  t.match(JSON.parse(rig.deadLetters[0]!), { category: 'bad_framing', record: '{"a":' })
  const closed = await RawClient.connect(rig.port)
  closed.send(`${head(1000, { 'Content-Type': 'application/json' })}[{"a":2},{"a":`)
  closed.socket.end()
  t.match(
    await closed.answer(),
    { status: 400, json: { accepted: 1, rejected: 1 } },
    'a half-open client is told',
  )
  await closed.end()
  await rig.settled()
  t.equal(rig.delivered.length, 2)
  t.equal(rig.deadLetters.length, 2)
  await balanced(t, rig)
})

onBothSides('a client may close its side before the answer', async (t, rig) => {
  const socket = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(whole(BODY))
  let text = ''
  for await (const part of socket) text += part
  t.match(text, /^HTTP\/1.1 200 .*"accepted":1/s)
  await balanced(t, rig)
})

t.test('max_requests and max_connections', async (t) => {
  const rig = await Rig.start({ config: { maxRequests: 2, maxConnections: 4 } })
  const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(rig.port)))
  a!.send(head(BODY.length, LINES))
  b!.send(head(BODY.length, LINES))
  await until(() => rig.source.requestsInHand === 2)
  c!.send(whole(BODY))
  t.match(await c!.answer(), {
    status: 429,
    headers: { 'retry-after': '7' },
    json: { error: /max_requests \(2\)/ },
  })
  await c!.end()
  const e = await RawClient.connect(rig.port)
  const tooMany = await RawClient.connect(rig.port)
  await tooMany.end()
  t.match(rig.closed, [{ reason: 'limit', peer: `127.0.0.1:${tooMany.port}` }])
  a!.send(BODY)
  t.match(await a!.answer(), { status: 200 })
  d!.send(whole(BODY))
  t.match(await d!.answer(), { status: 200 }, 'there is room again')
  b!.send(BODY)
  t.match(await b!.answer(), { status: 200 })
  for (const client of [a, b, d, e]) client!.destroy()
  await stopped(t, rig)
})

onBothSidesAtOnce('stop: what is in hand is answered', {}, async (t, rig) => {
  const idle = await RawClient.connect(rig.port)
  idle.send(whole(BODY))
  await idle.answer()
  const fresh = await RawClient.connect(rig.port)
  const busy = await RawClient.connect(rig.port)
  busy.send(head(BODY.length * 2, LINES) + BODY)
  await until(() => rig.source.requestsInHand === 1)
  const stopping = rig.source.stop()
  await Promise.all([idle.end(), fresh.end()])
  busy.send(BODY)
  t.match(await busy.answer(), { status: 200, headers: { connection: 'close' }, json: { accepted: 2 } })
  await stopping
  await rig.source.stop()
  await stopped(t, rig)
})

t.test('stop: what stands still is cut off', async (t) => {
  const rig = await Rig.start({ config: { idleTimeoutMs: 600 } })
  const client = await RawClient.connect(rig.port)
  client.send(`${head(1000, LINES)}${BODY}`)
  await until(() => rig.source.requestsInHand === 1)
  await rig.source.stop()
  await client.end()
  await stopped(t, rig)
  const never = new Rig()
  await never.source.stop()
  await never.stop()
})

t.test('an address in use', async (t) => {
  const rig = await Rig.start()
  const other = new Rig({ config: { listen: { host: '127.0.0.1', port: rig.port } } })
  await t.rejects(other.source.start(new AbortController().signal), {
    code: 'SPW_ERR_LISTEN_IN_USE',
    message: `sources.push.listen: cannot listen on 127.0.0.1:${rig.port}: another process does already`,
  })
  await other.stop()
  await stopped(t, rig)
})

t.test('IPv6', async (t) => {
  const rig = new Rig({ config: { listen: { host: '::1', port: 0 } } })
  try {
    await rig.source.start(new AbortController().signal)
  } catch {
    await rig.stop()
    return t.comment('no IPv6 here')
  }
  t.match(rig.source.address, /^\[::1\]:\d+$/)
  t.match(await post(rig.url, BODY + '{', LINES), { status: 200 })
  t.match(JSON.parse(rig.deadLetters[0]!).peer, /^\[::1\]:\d+$/)
  await stopped(t, rig)
})

t.test('of the shared one nothing is left either', async (t) => {
  for (const { nodeHttp } of SIDES) await stopped(t, await sharedRig(nodeHttp))
})
