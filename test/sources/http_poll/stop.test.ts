/** The life of the source: what a stop waits for, and what is left afterwards. */
import t from 'tap'
import { Collector } from '../../../src/app/collector.ts'
import { parseConfig } from '../../../src/app/config/load.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'
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

t.test('may be stopped before it was started, and twice', async (t) => {
  const directory = temporaryDirectory(t)
  const text = `sources: { pull: { type: http_poll, urls: ['http://127.0.0.1:1/'] } }\nsinks: { out: { type: blackhole } }`
  const { config } = parseConfig(text, 'test.yaml', directory, { env: {}, cwd: directory, cores: 2 })
  const collector = new Collector(config, { logger: createLogger({ level: 'silent' }) })
  const { door } = collector.topology.sources[0]!
  await Promise.all([door.stop(), door.stop()])
  await door.stop()
  await collector.stop()
})

t.test('a deadline that is over, and no start after a stop', async (t) => {
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
