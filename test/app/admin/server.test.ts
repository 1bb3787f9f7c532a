import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { Script, createContext } from 'node:vm'
import { Registry } from 'prom-client'
import t from 'tap'
import type { Test } from 'tap'
import { DASHBOARD_CSP } from '../../../src/app/admin/dashboard.ts'
import { AdminServer } from '../../../src/app/admin/server.ts'
import { observedCollector } from './fixtures/observed.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

async function startServer(t: Test, listen = LOOPBACK) {
  const made = observedCollector()
  const errors: unknown[] = []
  const server = new AdminServer({
    listen,
    registry: new Registry(),
    observed: made.observed,
    onError: (error) => errors.push(error),
  })
  await server.start()
  t.teardown(() => server.stop())
  const ask = (
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) => askServer(server.address, path, options)
  return { ...made, server, ask, errors }
}

async function askServer(
  address: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string },
) {
  const { body, ...rest } = options
  const asked = request(`http://${address}${path}`, { ...rest, agent: false })
  asked.end(body)
  const [answer] = await once(asked, 'response')
  const text = Buffer.concat(await answer.toArray()).toString()
  return { status: answer.statusCode as number, headers: answer.headers as Record<string, string>, text }
}

t.test('health', async (t) => {
  const { ask, notReady } = await startServer(t)
  t.equal((await ask('/health/live')).status, 200)
  const ready = await ask('/health/ready')
  t.equal(ready.status, 200)
  t.strictSame(JSON.parse(ready.text), { ready: true, reasons: [] })
  notReady.push({ component: 'siem', reason: '401 from the destination' })
  const not = await ask('/health/ready?verbose')
  t.equal(not.status, 503)
  t.strictSame(JSON.parse(not.text), {
    ready: false,
    reasons: [{ component: 'siem', reason: '401 from the destination' }],
  })
  t.equal((await ask('/health/live')).status, 200, 'it lives all the same')
})

t.test('status', async (t) => {
  const { ask, source } = await startServer(t)
  const status = JSON.parse((await ask('/status')).text)
  t.match(status, { version: '0.1.0', uptime_s: 7, state: 'running', memory_limit_bytes: 123_456 })
  t.strictSame(status.ledger, {
    sources: {
      push: {
        received: 17,
        received_bytes: 4000,
        accepted: 8,
        rejected: { malformed_json: 2 },
        shed: 7,
        shed_by_severity: { 0: 4, 2: 3 },
      },
    },
    sinks: {
      siem: {
        filtered: 1,
        offered: { bulk: 5, fast: 2 },
        delivered: { bulk: 3, fast: 1 },
        delivered_bytes: 1234,
        held: { bulk: 1, fast: 1 },
        dead_lettered: { refused: 1 },
        discarded: {},
      },
    },
    dlq: { found: 4, queued: 6, replayed: 0, purged: 0, evicted: 1 },
    balanced: true,
    imbalances: [],
  })
  t.strictSame(status.arena, { slabs: { free: 60, filling: 1, working: 2, held: 1 } })
  t.strictSame(status.rings, { push: { depth: 3, entries: 1024, uncommitted_bytes: 77 } })
  t.strictSame(status.workers, { threads: 2, allowed: 3 })
  t.strictSame(status.datagrams, { net: { kernel_drops: 5, discarded: 0, receive_buffer_bytes: 4096 } })
  t.strictSame(status.event_time.push, {
    last_minute: {
      events: 8,
      lag_ms: { p50: 250, p99: 4500, max: 9000 },
      skew_ms: { p50: 0, p99: 1500, max: 3000 },
    },
    since_start: {
      events: 80,
      lag_ms: { p50: 250, p99: 4500, max: 90_000 },
      skew_ms: { p50: 0, p99: 1500, max: 30_000 },
    },
    untimed: 11,
    ahead: 1,
  })
  const { next_probe: nextProbe } = status.sinks.siem.breaker
  t.ok(Math.abs(Date.parse(nextProbe) - Date.now() - 4000) < 2000, nextProbe)
  t.strictSame(status.sinks, {
    siem: {
      state: 'waiting_for_operator',
      waiting_for_operator: 'token expired',
      batches: { sending: 1, ready: 2, retrying: 3, refused: 4, giving_up: 5 },
      frames_waiting: 6,
      lagging: true,
      oldest_ms: { bulk: 9000, fast: 40 },
      paused_for_ms: 700,
      last_failure: '401',
      breaker: { state: 'open', cause: 'connect ECONNREFUSED', next_probe: nextProbe, failures: 5 },
      concurrency: { mode: 'adaptive', allowed: 12, rtt_ms: 31.5 },
      rate_limit: {
        near: true,
        keys: 30,
        waiting_keys: 2,
        shared_requests: 0,
        quota_used_up: { keys: 1, for_s: 3600 },
      },
      out_of_order_events: 2,
      out_of_order_share: 0.5,
    },
  })
  t.strictSame(status.journal, {
    bytes: 3 * 2 ** 30,
    max_bytes: 10 * 2 ** 30,
    fill: 0.31,
    segments: 24,
    healthy: true,
    full: false,
    shed_below: 3,
    left_sinks: ['old'],
  })
  source.received++
  const broken = JSON.parse((await ask('/status')).text).ledger
  t.equal(broken.balanced, false)
  t.strictSame(broken.imbalances, [{ where: 'source push: received', left: 18, right: 17 }])
})

t.test('metrics', async (t) => {
  const { ask } = await startServer(t)
  const { text, headers } = await ask('/metrics')
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
  for (const line of [
    'spillway_received_events_total{source="push"} 17',
    'spillway_received_bytes_total{source="push"} 4000',
    'spillway_accepted_events_total{source="push"} 8',
    'spillway_rejected_events_total{source="push",category="malformed_json"} 2',
    'spillway_rejected_events_total{source="push",category="bad_framing"} 0',
    'spillway_shed_events_total{source="push",severity="2",reason="journal_full"} 3',
    'spillway_journal_bytes 3221225472',
    'spillway_journal_limit_bytes 10737418240',
    'spillway_filtered_events_total{sink="siem"} 1',
    'spillway_offered_events_total{sink="siem",lane="fast"} 2',
    'spillway_delivered_events_total{sink="siem",lane="bulk"} 3',
    'spillway_delivered_bytes_total{sink="siem"} 1234',
    'spillway_dead_lettered_events_total{sink="siem",category="refused"} 1',
    'spillway_held_events{sink="siem",lane="bulk"} 1',
    'spillway_dlq_events 6',
    'spillway_dlq_found_events 4',
    'spillway_dlq_evicted_events_total 1',
    'spillway_dlq_replayed_events_total 0',
    'spillway_dlq_purged_events_total 0',
    'spillway_uncommitted_bytes{source="push"} 77',
    'spillway_arena_slabs{state="working"} 2',
    'spillway_kernel_udp_drops_total{source="net"} 5',
    'spillway_ring_depth{source="push"} 3',
    'spillway_breaker_state{sink="siem"} 2',
    'spillway_breaker_next_probe_seconds{sink="siem"} 4',
    'spillway_sink_waiting_for_operator{sink="siem"} 1',
    'spillway_sink_concurrency{sink="siem"} 12',
    'spillway_sink_paused_for_seconds{sink="siem"} 0.7',
    'spillway_limiter_waiting_keys{sink="siem"} 2',
    'spillway_oldest_held_seconds{sink="siem",lane="bulk"} 9',
    'spillway_oldest_held_seconds{sink="siem",lane="fast"} 0.04',
    'spillway_out_of_order_events_total{sink="siem"} 2',
    'spillway_event_lag_seconds{source="push",quantile="0.99"} 4.5',
    'spillway_event_lag_seconds{source="push",quantile="1"} 9',
    'spillway_event_skew_seconds{source="push",quantile="0.5"} 0',
    'spillway_untimed_events_total{source="push"} 11',
    'spillway_ahead_events_total{source="push"} 1',
    'spillway_workers 2',
  ]) {
    t.ok(text.split('\n').includes(line), line)
  }
  t.equal((await ask('/metrics')).text, text, 'a scrape changes nothing')
})

t.test('label values are escaped', async (t) => {
  const { ask, sink } = await startServer(t)
  sink.deadLettered.set('quo"te\\back\nline', 0)
  t.ok((await ask('/metrics')).text.includes('category="quo\\"te\\\\back\\nline"'))
})

t.test('the dashboard needs nothing else and runs nothing else', async (t) => {
  const { ask } = await startServer(t)
  const { status, text, headers } = await ask('/')
  t.equal(status, 200)
  t.equal(headers['content-security-policy'], DASHBOARD_CSP)
  t.match(headers['content-type'], /^text\/html/)
  t.notMatch(text, /https?:|src=|href=|innerHTML|onclick/)
  const script = /<script>(.*)<\/script>/s.exec(text)![1]!
  t.doesNotThrow(() => new Script(script))

  const page = createContext({ fetch: () => new Promise(() => {}) })
  new Script(script).runInContext(page)
  const poll = { url: 'http://a/', last_error: 'HTTP 401' }
  page['status'] = {
    polls: { pull: [poll, { ...poll, last_error: null }, poll, poll, poll, poll] },
    datagrams: { net: { kernel_drops: 1200, discarded: 34 } },
  }
  const troubleOf = (name: string): unknown => new Script(`trouble(status, '${name}')`).runInContext(page)
  t.equal(troubleOf('pull'), 'http://a/: HTTP 401; http://a/: HTTP 401; http://a/: HTTP 401; and 2 more')
  t.equal(troubleOf('net'), '1,234 datagrams dropped')
  t.equal(troubleOf('push'), '')

  const journal = { bytes: 2 ** 30, max_bytes: 2 ** 31, fill: 0.5, segments: 8, healthy: true, full: false }
  const cellsOf = (shown: unknown): unknown => {
    page['journal'] = shown
    return new Script('journalCells(journal).join()').runInContext(page)
  }
  t.equal(cellsOf(null), 'in memory,,,,')
  t.equal(cellsOf({ ...journal, shed_below: 0 }), 'on disk,1024.0 MiB,2048.0 MiB,50 %,8')
  t.match(
    cellsOf({ ...journal, healthy: false, full: true, shed_below: 3 }),
    /^its disk fails; full; sheds severity below 3,/,
  )
})

t.test('what the dashboard says of delivery', async (t) => {
  const { ask } = await startServer(t)
  const script = /<script>(.*)<\/script>/s.exec((await ask('/')).text)![1]!
  const page = createContext({ fetch: () => new Promise(() => {}) })
  new Script(script).runInContext(page)
  const shown = (code: string): unknown => new Script(code).runInContext(page)
  page['status'] = JSON.parse((await ask('/status')).text)
  t.match(
    shown("deliveryCells('siem', status.sinks.siem).join('|')"),
    /^siem\|open: connect ECONNREFUSED, probe in [34]\.\d s\|12 adaptive\|700 ms\|near it; 2 keys wait; 1 over the quota of the day for 60 min\|9\.0 s\|40 ms\|50\.0 %\|401$/,
  )
  t.equal(
    shown("breakerText({ state: 'half_open', cause: 'HTTP 503', next_probe: null }, 0)"),
    'half-open: HTTP 503',
  )
  t.equal(shown("breakerText({ state: 'closed', cause: '', next_probe: null }, 0)"), 'closed')
  t.equal(shown('limitText(null)'), 'none')
  t.equal(shown("lagCells(status.event_time.push).join('|')"), '4.5 s (9.0 s)|1.5 s (3.0 s)')
  t.equal(shown("lagCells(status.event_time.quiet).join('|')"), '|')
  t.equal(shown('lettersByCategory(status.ledger).join()'), 'malformed_json,2,refused,1')
  t.equal(
    shown("[0.4, 999, 119000, 121000, 7200000].map(timeText).join('|')"),
    '0 ms|999 ms|119.0 s|2 min|2.0 h',
  )
})

/** As much of a document as the dashboard uses. */
class MadeElement {
  textContent = ''
  className = ''
  #children: MadeElement[] = []

  append(...children: MadeElement[]): void {
    this.#children.push(...children)
  }

  replaceChildren(...children: MadeElement[]): void {
    this.#children = children
  }

  get text(): string {
    return [this.textContent, ...this.#children.map(({ text }) => text)].join('|')
  }
}

t.test('the dashboard shows a whole status, twice', async (t) => {
  const { ask } = await startServer(t)
  const { text } = await ask('/')
  const parts = new Map([...text.matchAll(/ id="([a-z]+)"/g)].map(([, id]) => [id!, new MadeElement()]))
  const page = createContext({
    document: { getElementById: (id: string) => parts.get(id), createElement: () => new MadeElement() },
    fetch: async () => ({ json: async () => JSON.parse((await ask('/status')).text) }),
    performance,
    setTimeout: () => {},
  })
  const run = (code: string): unknown => new Script(code).runInContext(page)
  await run(/<script>(.*)<\/script>/s.exec(text)![1]!.replace(/poll\(\)\s*$/, 'poll().then(poll)'))
  t.equal(parts.get('state')!.text, 'running, up 7 s, version 0.1.0')
  t.match(parts.get('sources')!.text, /\|push\|17\|0\/s\|8\|2\|7\|3\|/)
  t.match(parts.get('delivery')!.text, 'open: connect ECONNREFUSED')
  t.match(parts.get('categories')!.text, /malformed_json\|refused\|\|\|2\|1$/)
  for (const [id, { text: shown }] of parts) {
    if (id !== 'wrong') t.not(shown, '', id)
    t.notMatch(shown, /undefined|NaN|Invalid|\[object/, id)
  }
})

t.test('only reading', async (t) => {
  const { ask } = await startServer(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await ask('/status', { method, body: 'ignored', headers: { 'content-length': '7' } })
    t.equal(answer.status, 405, method)
    t.equal(answer.headers['allow'], 'GET, HEAD')
    t.equal(answer.headers['connection'], 'close')
  }
  const head = await ask('/status', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.text, '')
  const foreign = await ask('/status', { headers: { origin: 'https://evil.example' } })
  t.equal(foreign.headers['access-control-allow-origin'], undefined)
  for (const path of ['/nothing', '/__proto__', '/toString', '//']) {
    t.equal((await ask(path)).status, 404, path)
  }
})

t.test('no other name is served on loopback', async (t) => {
  const { ask } = await startServer(t)
  for (const host of [
    'evil.example',
    'evil.example:9600',
    '10.0.0.1',
    '[fe80::1]:80',
    '127.0.0.1.evil.example',
  ]) {
    t.equal((await ask('/status', { headers: { host } })).status, 421, host)
  }
  for (const host of ['localhost', 'LOCALHOST:9600', '127.0.0.1:1', '127.8.9.1', '[::1]:9600', '[::1]']) {
    t.equal((await ask('/status', { headers: { host } })).status, 200, host)
  }
})

t.test('on other addresses any name will do', async (t) => {
  const { server } = await startServer(t, { host: '0.0.0.0', port: 0 })
  const address = server.address.replace('0.0.0.0', '127.0.0.1')
  t.equal((await askServer(address, '/health/live', { headers: { host: 'pod-7.example' } })).status, 200)
})

t.test('a provider that throws is an answer of 500', async (t) => {
  const { ask, sink, errors } = await startServer(t)
  sink.held = () => {
    throw new Error('walked off the end')
  }
  for (const path of ['/status', '/metrics']) t.equal((await ask(path)).status, 500, path)
  t.equal(errors.length, 2)
  t.equal((await ask('/health/live')).status, 200)
})

t.test('a port in use', async (t) => {
  const { server, observed } = await startServer(t)
  const port = Number(server.address.split(':').at(-1))
  const second = new AdminServer({ listen: { host: '127.0.0.1', port }, registry: new Registry(), observed })
  await t.rejects(second.start(), {
    code: 'SPW_ERR_LISTEN_IN_USE',
    message: `admin.listen: cannot listen on 127.0.0.1:${port}: another process does already`,
  })
  await second.stop()
})

t.test('an address that this host does not have', async (t) => {
  const { observed } = observedCollector()
  const server = new AdminServer({
    listen: { host: '192.0.2.1', port: 0 },
    registry: new Registry(),
    observed,
  })
  await t.rejects(server.start(), { code: 'SPW_ERR_LISTEN_FAILED', message: /does not have that address/ })
})

t.test('stop ends open connections, twice and before start', async (t) => {
  const { server } = await startServer(t)
  const socket = connect(Number(server.address.split(':').at(-1)), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /status HT')
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await server.stop()
  await closed
  await server.stop()
  t.equal(server.address, '')
  const { observed } = observedCollector()
  await new AdminServer({ listen: LOOPBACK, registry: new Registry(), observed }).stop()
})

t.test('Expect: 100-continue is answered without the body', async (t) => {
  const { server } = await startServer(t)
  const [host, port] = server.address.split(':')
  const socket = connect(Number(port), host)
  socket.write('PUT / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n')
  const text = Buffer.concat(await socket.toArray()).toString()
  t.match(text, /^HTTP\/1.1 405 /)
})
