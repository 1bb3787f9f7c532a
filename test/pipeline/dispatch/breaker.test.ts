import t from 'tap'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { PROBE_EVENTS_MAX } from '../../../src/pipeline/dispatch/probing.ts'
import { SEND_GRACE_MS } from '../../../src/pipeline/dispatch/sender.ts'
import { Rig } from './rig.ts'
import { settled } from './simulated-clock.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }

const SINGLES = { batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 } }
const BREAKER = { breaker: { failures: 3, cooldownMs: 1000, maxCooldownMs: 8000 } }

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}`)
const states = (rig: Rig) => rig.toldOf('breakerChanged').map(([state]) => state)

t.test(
  'opens after as many failed round trips, probes with a growing cooldown, closes with a success',
  async (t) => {
    const rig = new Rig({ ...SINGLES, ...BREAKER, retry: { initialMs: 10, maxMs: 100 } })
    rig.sink.reply = () => DOWN
    for (let n = 0; n < 5; n++) await rig.add(numbered(n, 1))
    await rig.clock.pass(500)
    t.strictSame(states(rig), ['open'])
    t.match(rig.dispatcher.status(), {
      state: 'running',
      waitingForOperator: null,
      breaker: { state: 'open', cause: 'unavailable', failures: 3 },
    })
    const openedAtMs = rig.sink.requests.at(-1)!.atMs
    const before = rig.sink.requests.length
    await rig.clock.pass(60_000)
    const probes = rig.sink.requests.slice(before).map(({ atMs }) => atMs - openedAtMs)
    t.strictSame(probes.slice(0, 6), [1000, 3000, 7000, 15_000, 23_000, 31_000], 'doubled up to max_cooldown')
    rig.sink.reply = () => ACK
    await rig.clock.pass(8000)
    t.equal(rig.dispatcher.status().breaker.state, 'closed')
    t.strictSame(states(rig).slice(-2), ['half_open', 'closed'])
    t.strictSame(rig.counts.delivered, [5, 0], 'all that waited goes at once')
    t.strictSame(rig.ledger.imbalances(), [])
  },
)

t.test('failures of requests that were under way together are one', async (t) => {
  const rig = new Rig({ ...SINGLES, ...BREAKER, request: { timeoutMs: 5000, concurrency: 8 } })
  for (let n = 0; n < 8; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(1)
  for (const request of rig.sink.open.slice()) await request.answer(DOWN)
  t.equal(rig.dispatcher.status().breaker.failures, 1)
  await rig.clock.pass(1000)
  t.equal(rig.sink.open.length, 8)
  await rig.sink.open[0]!.answer(DOWN)
  await rig.sink.open[0]!.answer(DOWN)
  t.equal(rig.dispatcher.status().breaker.failures, 2)
  await rig.sink.open[0]!.answer(ACK)
  t.equal(rig.dispatcher.status().breaker.failures, 0, 'any success')
})

t.test('the probe is small', async (t) => {
  const batch = { maxBytes: 1 << 20, maxEvents: 1000, maxAgeMs: 0 }
  const rig = new Rig({ ...BREAKER, batch })
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1000, 150))
  await rig.add(numbered(2000, 150))
  await rig.clock.pass(20_000)
  const events = rig.sink.requests.map((request) => request.payload.events)
  t.ok(events.slice(-3).every((count) => count <= PROBE_EVENTS_MAX))
  rig.sink.reply = () => ACK
  await rig.clock.pass(20_000)
  t.strictSame(rig.counts.delivered, [300, 0])
  t.strictSame(rig.ledger.imbalances(), [])
  t.equal(rig.slabsInUse, 0)
})

t.test('a health probe decides, where there is one', async (t) => {
  const rig = new Rig({ ...SINGLES, ...BREAKER, retry: { initialMs: 10, maxMs: 100 } })
  let healthy = false
  const probesAtMs: number[] = []
  rig.sink.probe = async () => {
    probesAtMs.push(rig.clock.now())
    return healthy ? ACK : DOWN
  }
  rig.sink.reply = () => DOWN
  for (let n = 0; n < 5; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(500)
  const before = rig.sink.requests.length
  await rig.clock.pass(10_000)
  t.equal(rig.sink.requests.length, before, 'no event is risked')
  t.equal(probesAtMs.length, 3)
  healthy = true
  rig.sink.reply = () => ACK
  await rig.clock.pass(8000)
  t.strictSame(rig.counts.delivered, [5, 0])
})

t.test('a health probe that is refused itself decides nothing: a batch does', async (t) => {
  const rig = new Rig({ ...SINGLES, breaker: { ...BREAKER.breaker, failures: 1 } })
  rig.sink.probe = async () => ({ kind: 'hold', reason: 'no such path', status: 404 })
  rig.sink.reply = () => (rig.sink.requests.length === 1 ? DOWN : ACK)
  await rig.add(numbered(1, 1))
  await rig.clock.pass(5000)
  t.strictSame(rig.counts.delivered, [1, 0])
  t.equal(rig.dispatcher.status().breaker.state, 'closed')
})

t.test('a probe has no backoff to wait for, encoded or not', async (t) => {
  for (const encoding of ['ndjson', 'json'] as const) {
    const breaker = { failures: 1, cooldownMs: 100, maxCooldownMs: 100 }
    const rig = new Rig({ ...SINGLES, encoding, breaker, retry: { initialMs: 60_000, maxMs: 60_000 } })
    rig.sink.reply = () => (rig.sink.requests.length === 1 ? DOWN : ACK)
    await rig.add(numbered(1, 1))
    await rig.clock.pass(300)
    t.strictSame(rig.counts.delivered, [1, 0], encoding)
  }
})

t.test('a throttled answer feeds the pause first, and the breaker when nothing succeeds', async (t) => {
  const rig = new Rig({ ...SINGLES, ...BREAKER })
  rig.sink.reply = () => ({
    kind: 'retry',
    category: 'throttled',
    reason: 'slow down',
    status: 429,
    afterMs: 2000,
  })
  for (let n = 0; n < 5; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(2500)
  t.equal(rig.dispatcher.status().breaker.state, 'closed')
  t.match(rig.toldOf('sinkPaused')[0], [2000, 'slow down', 429])
  await rig.clock.pass(4000)
  t.equal(rig.dispatcher.status().breaker.state, 'open')
  const times = rig.sink.requests.map(({ atMs }) => atMs)
  for (const [index, atMs] of times.entries())
    t.ok(
      index < 2 || atMs - times[index - 2]! >= 2000,
      'two in flight, and none before the time that was named',
    )
})

t.test('an answer of the last requests closes it again', async (t) => {
  const rig = new Rig({ ...SINGLES, breaker: { ...BREAKER.breaker, failures: 1 } })
  await rig.add(numbered(1, 1))
  await rig.add(numbered(2, 1))
  await rig.sink.open[0]!.answer(DOWN)
  t.equal(rig.dispatcher.status().breaker.state, 'open')
  await rig.sink.open[0]!.answer(ACK)
  t.equal(rig.dispatcher.status().breaker.state, 'closed')
})

t.test('open, it can be stopped and drained', async (t) => {
  const rig = new Rig({ ...SINGLES, breaker: { ...BREAKER.breaker, failures: 1 } })
  rig.sink.probe = (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(DOWN)))
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  await rig.clock.pass(1500)
  const deadline = new AbortController()
  const drained = rig.dispatcher.drain(deadline.signal)
  deadline.abort()
  await settled()
  t.match(await drained, { undelivered: 1 })
  t.strictSame(rig.ledger.imbalances(), [])
  t.equal(rig.clock.pending, 0)
})

t.test('a health check that is well while batches fail: the cooldown grows all the same', async (t) => {
  const rig = new Rig({ ...SINGLES, ...BREAKER, retry: { initialMs: 10, maxMs: 100 } })
  rig.sink.probe = async () => ACK
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  await rig.clock.pass(100_000)
  const opened = rig.toldOf('breakerChanged').filter(([state]) => state === 'open').length
  t.ok(opened <= 17, `${opened} times`)
  t.ok(rig.sink.requests.length <= 3 * opened)
  rig.sink.reply = () => ACK
  await rig.clock.pass(10_000)
  t.strictSame(rig.counts.delivered, [1, 0])
})

t.test('a health probe that is not answered in time is told to stop', async (t) => {
  const rig = new Rig({ ...SINGLES, breaker: { ...BREAKER.breaker, failures: 1 } })
  let aborted = 0
  rig.sink.probe = (signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        aborted++
        resolve(DOWN)
      })
    })
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  await rig.clock.pass(1000 + 5000 + SEND_GRACE_MS + 1)
  t.equal(aborted, 1)
  t.equal(rig.dispatcher.status().breaker.state, 'open', 'and the next one comes')
})
