/** The life of the source: what a stop waits for, and what is left afterwards. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../helpers/until.ts'
import { PolledServer, settled, startPolling, whole } from './fixtures/poll-rig.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

t.test('an answer under way is read to its end, and no poll begins', async (t) => {
  const finish = Promise.withResolvers<void>()
  const server = await PolledServer.start(t, {
    '/': (response) => {
      response.writeHead(200, NDJSON).write('{"a":1}\n{"b":')
      void finish.promise.then(() => response.end('2}\n'))
    },
    '/other': whole('[{"c":3}]'),
  })
  const rig = await startPolling(t, {
    urls: [`${server.origin}/`, `${server.origin}/other`],
    keys: 'interval: 100ms',
  })
  await until(() => rig.collector.ledger.sources[0]!.accepted >= 2 && server.count('/') === 1)
  const { door } = rig.collector.topology.sources[0]!
  const stopped = door.stop(new AbortController().signal)
  // One may have been on its way.
  await new Promise((resolve) => setTimeout(resolve, 100))
  const others = server.count('/other')
  await new Promise((resolve) => setTimeout(resolve, 250))
  finish.resolve()
  await stopped
  await door.stop()
  t.equal(server.count('/other'), others)
  await until(() => rig.receiver.lines.includes('{"b":2}'))
})

t.test('at the deadline it is broken off: what was framed stays, no socket is left', async (t) => {
  const before = sockets()
  const server = await PolledServer.start(t, {
    '/body': (response) => void response.writeHead(200, NDJSON).write('{"a":1}\n{"b":'),
    '/head': () => {},
    '/retry': whole('', {}, 500),
  })
  const rig = await startPolling(t, {
    urls: ['/body', '/head', '/retry'].map((path) => server.origin + path),
    keys: 'retry: { initial: 1h, max: 1h }',
  })
  await until(() => rig.collector.ledger.sources[0]!.accepted === 1 && server.requests.length === 3)
  await rig.collector.stop()
  const { received, accepted } = rig.collector.ledger.sources[0]!
  t.same([received, accepted], [2, 1])
  t.same(await rig.rejected(), { bad_framing: 1 })
  t.same(rig.receiver.lines, ['{"a":1}'])
  t.equal(await rig.failedPolls(), 0, 'which is no fault of the servers')
  server.closeConnections()
  await until(() => sockets() <= before)
})

t.test('without a deadline it waits as long as a request may take', async (t) => {
  const server = await PolledServer.start(t, { '/': () => {} })
  const rig = await startPolling(t, { urls: [`${server.origin}/`], keys: 'request: { timeout: 200ms }' })
  const { door } = rig.collector.topology.sources[0]!
  await until(() => server.requests.length === 1)
  await door.stop()
  t.match(rig.lastErrors()[0], /request.timeout|the collector stops/)
})

t.test('stopped before it was started, and with a deadline that is over', async (t) => {
  const server = await PolledServer.start(t, { '/': () => {} })
  const rig = await startPolling(t, { urls: [`${server.origin}/`] })
  const { door } = rig.collector.topology.sources[0]!
  await until(() => server.requests.length === 1)
  await door.stop(AbortSignal.abort())
  t.same(rig.lastErrors(), ['the collector stops'])
  await door.start(new AbortController().signal)
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.equal(server.requests.length, 1)
})

t.test('what /status says', async (t) => {
  const server = await PolledServer.start(t, { '/good': whole('[{"a":1}]') })
  const rig = await startPolling(t, { urls: [`${server.origin}/good?key=s3cret`, `${server.origin}/good`] })
  await settled(rig, 2)
  const response = await fetch(`http://${rig.collector.admin.address}/status`)
  const text = await response.text()
  t.notMatch(text, 's3cret')
  const { polls } = JSON.parse(text)
  t.match(polls.pull, [
    { url: `${server.origin}/good?...`, last_success: null, last_error: 'HTTP 404', next_request: String },
    { url: `${server.origin}/good`, last_success: /^20/, last_error: null, next_request: /^20/ },
  ])
  const metrics = await (await fetch(`http://${rig.collector.admin.address}/metrics`)).text()
  t.match(metrics, 'spillway_poll_requests_total{source="pull",outcome="ok"} 1')
  t.match(metrics, 'spillway_polls_failed_total{source="pull"} 1')
  t.match(metrics, 'spillway_poll_request_seconds_count{source="pull"} 2')
  t.equal(rig.collector.address('pull'), `${server.origin}/good?... and 1 more`)
})

interface Recorded {
  readonly scope: string
  readonly path: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly response: unknown
}

const vectors = process.env.SPILLWAY_VECTORS
const recordings = vectors === undefined ? '' : join(vectors, 'http-pull/octokit-fixtures')

t.test(
  'recorded conversations',
  { skip: vectors === undefined && 'SPILLWAY_VECTORS is not set' },
  async (t) => {
    await t.test('every page, each a URL', async (t) => {
      const pages = read('paginate-issues.json')
      const server = await PolledServer.start(
        t,
        Object.fromEntries(
          pages.map(({ path, status, headers, response }) => {
            const { 'content-length': _recorded, ...rest } = headers
            return [path, whole(JSON.stringify(response), rest, status)]
          }),
        ),
      )
      const rig = await startPolling(t, { urls: pages.map(({ path }) => server.origin + path) })
      await settled(rig, pages.length)
      const elements = pages.flatMap(({ response }) => response as unknown[])
      const received = await rig.receiver.received(elements.length)
      t.ok(elements.length > 10)
      t.same(
        received.map((line) => JSON.stringify(JSON.parse(line))).toSorted(),
        elements.map((element) => JSON.stringify(element)).toSorted(),
      )
      t.same(await rig.requests(), { ok: pages.length })
    })

    await t.test('a redirect to another host', async (t) => {
      const [moved, archive] = read('get-archive.json') as [Recorded, Recorded]
      const other = await PolledServer.start(t, {
        [archive.path]: whole(Buffer.from(String(archive.response), 'hex'), {
          'content-type': 'application/x-gzip',
        }),
      })
      const server = await PolledServer.start(t, {
        [moved.path]: whole('', { location: other.origin + archive.path }, moved.status),
      })
      const rig = await startPolling(t, { urls: [server.origin + moved.path] })
      await settled(rig)
      t.equal(other.count(archive.path), 1)
      t.same(await rig.rejected(), { bad_framing: 1 }, 'an archive is no JSON')
    })
  },
)
