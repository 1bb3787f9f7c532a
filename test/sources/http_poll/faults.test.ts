/** Servers that are slow, full, moved, or break off. */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { until } from '../../helpers/until.ts'
import { PolledServer, settled, startPolling, whole } from './fixtures/poll-rig.ts'
import type { Answer } from './fixtures/poll-rig.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const ONCE = 'retry: { attempts: 1 }'

const throttle =
  (status: number, retryAfter: string): Answer =>
  (response, request, count) =>
    count === 1
      ? response.writeHead(status, { 'retry-after': retryAfter }).end('{"no":1}')
      : whole('[{"a":1}]')(response, request, count)

const to =
  (location: string, status = 302): Answer =>
  (response) =>
    response.writeHead(status, { location }).end('moved')

const slow: Answer = (response, request, count) =>
  void setTimeout(() => whole('[{"a":1}]')(response, request, count), 30)

/** A server of raw bytes: whatever is asked, it says this. */
async function rawServer(t: Test, say: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('data', () => say(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

t.test('a server that drips', async (t) => {
  let timer: NodeJS.Timeout | undefined
  const server = await PolledServer.start(t, {
    '/': (response) => {
      response.writeHead(200, NDJSON)
      let at = 0
      timer = setInterval(() => response.write('{"a":1}\n'[at++ % 8]!), 5)
    },
  })
  t.teardown(() => clearInterval(timer))
  const rig = await startPolling(t, {
    urls: [`${server.origin}/`],
    keys: `${ONCE}, request: { timeout: 300ms }`,
  })
  await settled(rig)
  t.same(rig.lastErrors(), ['no whole answer within request.timeout, 300ms'])
  const { received, accepted } = rig.collector.ledger.sources[0]!
  t.ok(accepted >= 1, 'whole lines stay in')
  t.ok(received - accepted <= 1, 'the unfinished one is bad_framing')
})

t.test('servers that say nothing', async (t) => {
  const hangs = await PolledServer.start(t, {
    '/head': () => {},
    '/body': (response) => void response.writeHead(200, NDJSON).write('{"a":1}\n'),
  })
  const rig = await startPolling(t, {
    urls: [`${hangs.origin}/head`, `${hangs.origin}/body`],
    keys: `${ONCE}, idle_timeout: 150ms`,
  })
  await settled(rig, 2)
  const silent = 'nothing came for idle_timeout, 150ms'
  t.same(rig.lastErrors(), [silent, silent])
  t.same(await rig.receiver.received(1), ['{"a":1}'])
})

t.test('no server, no host, none that speaks HTTP', async (t) => {
  const closed = await rawServer(t, () => {})
  const port = Number(new URL(closed).port)
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const free = (gone.address() as AddressInfo).port
  await new Promise<void>((resolve) => gone.close(() => resolve()))
  const mute = await rawServer(t, (socket) => socket.end('220 mail.example ESMTP\r\n'))
  const rude = await rawServer(t, (socket) => socket.destroy())
  const rig = await startPolling(t, {
    urls: [`http://127.0.0.1:${free}/`, mute, rude, `https://127.0.0.1:${port}/`],
    keys: 'request: { connect_timeout: 300ms, timeout: 2s }',
  })
  await settled(rig, 4)
  const [refused, noHttp, reset, noTls] = rig.lastErrors()
  t.match(refused, /ECONNREFUSED/)
  t.match(noHttp, /HTTP/)
  t.match(reset, /UND_ERR_SOCKET|ECONNRESET/)
  t.match(noTls, /UND_ERR_CONNECT_TIMEOUT/)
  t.same(await rig.requests(), { retry: 8, failed: 4 })
})

t.test('bodies that break off: what was framed stays, and the answer is asked for again', async (t) => {
  const half = '{"n":1}\n{"n":2}\n{"n":'
  const answers: Record<string, Answer> = {
    '/reset': (response, request, count) => {
      if (count > 1) return whole('{"n":1}\n{"n":2}\n{"n":3}\n', NDJSON)(response, request, count)
      response.writeHead(200, NDJSON).write(half)
      setTimeout(() => response.socket!.resetAndDestroy(), 50)
    },
    '/short': (response, request, count) => {
      if (count > 1) return whole('[{"m":1},{"m":2}]')(response, request, count)
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('[{"m":1},{"m"')
      setTimeout(() => response.socket!.end(), 50)
    },
  }
  const server = await PolledServer.start(t, answers)
  const rig = await startPolling(t, { urls: [`${server.origin}/reset`, `${server.origin}/short`] })
  await settled(rig, 2)
  t.same(await rig.requests(), { retry: 2, ok: 2 })
  t.same((await rig.receiver.received(8)).map((line) => line.trim()).toSorted(), [
    '{"m":1}',
    '{"m":1}',
    '{"m":2}',
    '{"n":1}',
    '{"n":1}',
    '{"n":2}',
    '{"n":2}',
    '{"n":3}',
  ])
  t.same(await rig.rejected(), { bad_framing: 2 })
})

t.test('a body longer than it said', async (t) => {
  const server = await rawServer(t, (socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[{"a":1}] and more of it',
    ),
  )
  const rig = await startPolling(t, { urls: [server], keys: 'interval: 100ms' })
  await settled(rig, 2)
  t.match(await rig.receiver.received(1), ['{"a":1}'], 'is as long as it said')
  t.equal((await rig.requests()).failed, undefined)
})

t.test('bodies without a length, to the end of the connection', async (t) => {
  const server = await rawServer(t, (socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n{"a":1}\n{"b":2}'),
  )
  const rig = await startPolling(t, { urls: [server] })
  await settled(rig)
  t.same(await rig.receiver.received(2), ['{"a":1}', '{"b":2}'])
})

t.test('throttled: the URL waits as long as the server says, the others go on', async (t) => {
  const server = await PolledServer.start(t, {
    '/seconds': throttle(429, '1'),
    '/date': throttle(503, new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000).toUTCString()),
    '/hour': throttle(503, '86400'),
    '/other': whole('[{"b":2}]'),
  })
  const rig = await startPolling(t, {
    urls: ['/seconds', '/date', '/hour', '/other'].map((path) => server.origin + path),
  })
  await settled(rig, 6)
  t.same(await rig.requests(), { throttled: 3, ok: 3 })
  t.equal(await rig.failedPolls(), 0)
  const gapMs = (path: string) => {
    const [first, second] = server.requests.filter((request) => request.path === path)
    return second!.atMs - first!.atMs
  }
  t.ok(gapMs('/seconds') >= 990, `${gapMs('/seconds')} ms`)
  // The date was made before the collector was started, one to two seconds ahead.
  t.ok(gapMs('/date') >= 200, `${gapMs('/date')} ms`)
  const next = rig.collector.topology.sources[0]!.door.polls!()[2]!.nextRequest!
  t.ok(next.getTime() - Date.now() <= 3_600_000, 'an hour at most')
  t.ok(next.getTime() - Date.now() > 3_500_000)
  t.equal((await rig.receiver.received(3)).length, 3)
})

t.test('redirects', async (t) => {
  const other = await PolledServer.start(t, { '/logs': whole('[{"other":1}]') })
  const server = await PolledServer.start(t, {
    '/relative': to('logs', 301),
    '/logs': whole('[{"own":1}]'),
    '/away': to(`${other.origin}/logs`, 307),
    '/loop': to('/loop', 308),
    '/nowhere': (response) => response.writeHead(302).end(),
    '/file': to('file:///etc/passwd'),
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`/five${n}`, to(n < 5 ? `/five${n + 1}` : '/logs')])),
  })
  const urls = ['/relative', '/away', '/loop', '/nowhere', '/file', '/five1'].map(
    (path) => server.origin + path,
  )
  const rig = await startPolling(t, {
    urls,
    keys: `${ONCE}, auth: { bearer: t0ken }, headers: { X-Api-Key: k3y, Accept: text/x }`,
  })
  await settled(rig, 6)
  t.same((await rig.receiver.received(3)).map((line) => line.trim()).toSorted(), [
    '{"other":1}',
    '{"own":1}',
    '{"own":1}',
  ])
  t.match(rig.lastErrors(), [
    null,
    null,
    'redirected more than 5 times',
    'HTTP 302 without a location',
    /redirected to what is no http/,
    null,
  ])
  t.equal(server.count('/loop'), 6)
  for (const { headers } of server.requests) {
    t.match(headers, { authorization: 'Bearer t0ken', 'x-api-key': 'k3y', accept: 'text/x' })
  }
  t.equal(other.requests.length, 1)
  const { headers } = other.requests[0]!
  t.same([headers.authorization, headers['x-api-key']], [undefined, undefined], 'no secret goes elsewhere')
  t.match(headers['user-agent'], /^spillway/)
})

t.test('never too many at once, never one URL twice, and connections are kept', async (t) => {
  const paths = Array.from({ length: 12 }, (_, n) => `/${n}`)
  const server = await PolledServer.start(t, Object.fromEntries(paths.map((path) => [path, slow])))
  const connections = new Set<unknown>()
  const rig = await startPolling(t, {
    urls: paths.map((path) => server.origin + path),
    keys: 'concurrency: 3, interval: 100ms',
  })
  const { door } = rig.collector.topology.sources[0]!
  await settled(rig, 48)
  await door.stop()
  t.equal(server.underWayMax, 3)
  for (const { headers } of server.requests) connections.add(headers.connection)
  t.same([...connections], ['keep-alive'])
  t.ok(server.connectionCount <= 3, `${server.connectionCount} connections`)
  const counts = paths.map((path) => server.count(path))
  t.ok(Math.max(...counts) - Math.min(...counts) <= 1, `each in its turn: ${counts.join()}`)
  await rig.receiver.received(server.requests.length)
})

t.test('a slow server is not asked again before it has answered', async (t) => {
  const server = await PolledServer.start(t, {
    '/': (response, request, count) =>
      void setTimeout(() => whole('[{"a":1}]')(response, request, count), 350),
  })
  const rig = await startPolling(t, { urls: [`${server.origin}/`], keys: 'interval: 100ms, concurrency: 4' })
  await settled(rig, 3)
  t.equal(server.underWayMax, 1)
  t.equal(await rig.failedPolls(), 0)
})

t.test('while there is no room no poll begins, and an answer waits without being late', async (t) => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `{"n":${n},"x":"${'y'.repeat(100)}"}`)
  const server = await PolledServer.start(t, {
    '/large': whole(`{"total":20000,"logs":[${lines.join()}],"next":null}`),
    '/other': whole('[{"b":2}]'),
  })
  const opened = Promise.withResolvers<number>()
  const rig = await startPolling(t, {
    urls: [`${server.origin}/large`, `${server.origin}/other`],
    keys: 'interval: 100ms, concurrency: 2, request: { timeout: 600ms }',
  })
  rig.receiver.answer = () => opened.promise
  await until(() => rig.collector.topology.sources[0]!.intake.full)
  const before = server.requests.length
  await new Promise((resolve) => setTimeout(resolve, 1000))
  t.equal(server.requests.length, before)
  opened.resolve(200)
  await settled(rig, 2)
  const received = () => rig.receiver.lines.filter((line) => line.includes('"n"'))
  await until(() => received().length >= lines.length)
  t.same(received().slice(0, lines.length), lines, 'all of it, in order')
  t.equal((await rig.requests()).retry, undefined)
})

t.test('while the sink lags, fewer polls go on at once; then as many as before', async (t) => {
  const records = Array.from({ length: 600 }, (_, n) => `{"n":${n},"x":"${'y'.repeat(100)}"}`)
  const paths = Array.from({ length: 8 }, (_, n) => `/${n}`)
  const answer = whole(`[${records.join()}]`)
  const server = await PolledServer.start(t, Object.fromEntries(paths.map((path) => [path, answer])))
  const opened = Promise.withResolvers<number>()
  const rig = await startPolling(t, {
    urls: paths.map((path) => server.origin + path),
    keys: 'interval: 100ms, concurrency: 4',
    arena: '{ slab_bytes: 128KiB, arena_bytes: 4MiB }',
  })
  rig.receiver.answer = () => opened.promise
  const { door } = rig.collector.topology.sources[0]!
  const allowed = () => door.pollsAtOnce?.()
  t.equal(allowed(), 4)
  await until(() => allowed() === 1)
  opened.resolve(200)
  await until(() => allowed() === 4)
  t.equal(await rig.failedPolls(), 0)
})
