/** nginx as the SIEM that throttles: `limit_req` in front of a receiver. */
import { once } from 'node:events'
import t from 'tap'
import type { Test } from 'tap'
import { startCollector } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { lacks } from './fixtures/program.ts'
import { Proxy } from './fixtures/proxy.ts'

const skip = lacks('nginx')

const EVENTS_A_BATCH = 10
/** A receiver answers in so many milliseconds. */
const LATENCY_MS = 20
/** Where the server never gets stuck, a busy machine must not look like it. */
const READ_TIMEOUT_MS = 30_000

interface Way {
  readonly receiver: Receiver
  readonly proxy: Proxy
  /** Requests that the sink may have in flight now. */
  readonly allowed: () => number
  /** Sends so many batches of events in, and resolves when the receiver has them all, each of them once. */
  through(batches: number): Promise<void>
}

async function startWay(
  t: Test,
  limits: { requestsPerSecond: number; burst: number; readTimeoutMs?: number },
  sink: string,
): Promise<Way> {
  const receiver = await Receiver.start(t)
  receiver.answer = () => after(LATENCY_MS, 200)
  const proxy = await Proxy.start(t, {
    to: new URL(receiver.url).host,
    readTimeoutMs: READ_TIMEOUT_MS,
    ...limits,
  })
  const collector = await startCollector(
    t,
    `
data_dir: ./data
workers: 1
sources:
  push: { type: http, listen: 127.0.0.1:0, schema: any, max_record_bytes: 32KiB }
sinks:
  siem:
    type: http
    url: '${proxy.url}'
    batch: { max_events: ${EVENTS_A_BATCH}, max_age: 50ms }
    retry: { initial: 100ms, max: 1s }
    breaker: { cooldown: 100ms, max_cooldown: 500ms }
    ${sink}`,
  )
  const url = `http://${collector.address('push')}/`
  let made = 0
  return {
    receiver,
    proxy,
    allowed: () => collector.topology.sinks[0]!.dispatcher.status().concurrency.allowed,
    async through(batches) {
      const lines = Array.from({ length: batches * EVENTS_A_BATCH }, () => `{"n":${made++}}\n`)
      const body = lines.join('')
      const { ok } = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      })
      t.ok(ok)
      await receiver.received(made)
      const expected = Array.from({ length: made }, (_, n) => `{"n":${n}}`)
      t.same(receiver.lines.toSorted(byNumber), expected, 'every event once')
    },
  }
}

function byNumber(a: string, b: string): number {
  return JSON.parse(a).n - JSON.parse(b).n
}

function after(delayMs: number, status: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(status), delayMs))
}

/**
 * Where one more at once than fits is tried, that one is refused each round trip. Here one or two fit, 50 requests a second
 * of 20 ms and more each: a third would be refused if it were tried all the time, half as many as are delivered.
 */
const REFUSED_PER_DELIVERED_MAX = 0.5

t.test('above the limit of the proxy, which is not known', { skip }, async (t) => {
  const way = await startWay(t, { requestsPerSecond: 50, burst: 10 }, '')
  const startedMs = Date.now()
  await way.through(100)
  const [delivered, refused] = [way.proxy.count(200), way.proxy.count(429)]
  t.comment(`${delivered} delivered, ${refused} refused, in ${Date.now() - startedMs} ms`)
  t.equal(delivered + refused, way.proxy.passed().length)
  t.ok(refused > 0, 'the limit was felt')
  t.ok(refused <= delivered * REFUSED_PER_DELIVERED_MAX, 'and not fought')
  t.ok(way.allowed() <= 10, `${way.allowed()} at once: near the one or two that fit`)
})

t.test('a rate limit just below the proxy’s: nothing is refused', { skip }, async (t) => {
  const rateLimit = 'rate_limit: { requests_per_second: 95, burst: 5 }'
  const way = await startWay(t, { requestsPerSecond: 100, burst: 10 }, rateLimit)
  const startedMs = Date.now()
  await way.through(120)
  const requests = way.proxy.passed().length
  t.comment(`${requests} requests in ${Date.now() - startedMs} ms`)
  t.equal(way.proxy.count(200), requests)
})

t.test('502 and 504 while the server behind it is down or stuck, and then on', { skip }, async (t) => {
  const way = await startWay(t, { requestsPerSecond: 1000, burst: 1000, readTimeoutMs: 500 }, '')
  await way.through(10)
  const { receiver } = way
  // The server behind it, told to answer otherwise, and when that many have felt it.
  const answering = (count: number, answer: Receiver['answer']) =>
    new Promise<void>((resolve) => {
      let felt = 0
      receiver.answer = (request, body) => {
        if (++felt === count) resolve()
        return answer(request, body)
      }
    })
  const down = answering(3, ({ socket }) => {
    socket.destroy()
    return 500
  })
  const delivered = way.through(50)
  await down
  await answering(2, async ({ socket }) => {
    await once(socket, 'close')
    return 500
  })
  receiver.answer = () => after(LATENCY_MS, 200)
  const healedMs = Date.now()
  await delivered
  t.comment(`all there ${Date.now() - healedMs} ms after it worked again`)
  t.ok(way.proxy.count(502) >= 3)
  t.ok(way.proxy.count(504) >= 1)
})
