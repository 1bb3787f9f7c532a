import t from 'tap'
import type { Test } from 'tap'
import { Dispatcher } from '../../../src/pipeline/dispatch/dispatcher.ts'
import { RETRY_AFTER_MAX_MS } from '../../../src/pipeline/dispatch/destination.ts'
import { SEND_GRACE_MS } from '../../../src/pipeline/dispatch/sender.ts'
import { VIEW_RUNS_MAX } from '../../../src/pipeline/dispatch/payload-builder.ts'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { SinkCounts } from '../../../src/pipeline/ledger.ts'
import { Rig, ScriptedSink } from './rig.ts'
import { settled } from './simulated-clock.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }
const EXPIRED_TOKEN: Outcome = { kind: 'hold', reason: 'token expired', status: 401 }

/** Every event is a batch, and goes at once. */
const SINGLES = { batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 } }
const PAIRS = { batch: { maxBytes: 4096, maxEvents: 2, maxAgeMs: 0 } }

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}`)
const texts = (rig: Rig) => rig.sink.requests.map(({ text }) => text.replaceAll(/[^\d\n]/g, '').trim())

function checkDone(t: Test, rig: Rig): void {
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(rig.counts.held(), [0, 0])
  t.equal(rig.slabsInUse, 0)
}

t.test('a batch goes when it is old enough, and its frame is let go when it is acknowledged', async (t) => {
  const rig = new Rig()
  await rig.add(['{"a":1}', '{"a":2}'])
  t.equal(rig.sink.requests.length, 0)
  await rig.clock.pass(99)
  t.equal(rig.sink.requests.length, 0)
  await rig.clock.pass(1)
  t.equal(rig.sink.requests[0]!.text, '{"a":1}\n{"a":2}\n')
  t.match(rig.sink.requests[0]!.payload, {
    bytes: 16,
    events: 2,
    contentType: 'application/x-ndjson',
    contentEncoding: '',
    views: { length: 1 },
  })
  t.strictSame(rig.counts.held(), [2, 0])
  t.strictSame(rig.ledger.imbalances(), [])
  t.match(rig.dispatcher.status(), { state: 'running', batches: { sending: 1 }, framesWaiting: 0 })
  await rig.sink.open[0]!.answer(ACK)
  t.strictSame(rig.counts.delivered, [2, 0])
  t.equal(rig.counts.deliveredBytes, 16)
  t.strictSame(rig.toldOf('eventsDelivered'), [[2, 0, 100]])
  checkDone(t, rig)
})

t.test('what is for others, and what the filter leaves out, is counted and let go', async (t) => {
  const rig = new Rig(SINGLES, { filterIndex: 4 })
  rig.sink.reply = () => ACK
  rig.commit(2, [{ text: '{"other":1}' }])
  rig.commit(0, [{ text: '{"out":1}', routes: 0 }])
  rig.commit(0, [{ text: '{"out":2}', routes: 0 }, { text: '{"in":1}', fast: true }, { text: '{"in":2}' }])
  t.strictSame(rig.ledger.imbalances(), [], 'counted in the step that commits')
  t.match(rig.counts, { filtered: 2, offered: [1, 1] })
  await settled()
  t.strictSame(rig.counts.delivered, [1, 1])
  checkDone(t, rig)
})

t.test('at most `concurrency` requests at once, the rest stays in the log', async (t) => {
  const rig = new Rig(SINGLES)
  for (let n = 0; n < 6; n++) await rig.add(numbered(n, 1))
  t.strictSame(texts(rig), ['0', '1'])
  t.equal(rig.dispatcher.status().framesWaiting, 4)
  await rig.sink.open[1]!.answer(ACK)
  t.strictSame(texts(rig), ['0', '1', '2'])
})

t.test('more runs than can be views, JSON and compression go through encode tasks', async (t) => {
  const gaps = Array.from({ length: VIEW_RUNS_MAX + 1 }, (_, n) => ({ text: `{"n":${n}}`, gap: 'bad\n' }))
  const lines = new Rig({ batch: { maxBytes: 4096, maxEvents: 100, maxAgeMs: 0 } })
  lines.commit(0, gaps.slice(1))
  await settled()
  t.equal(lines.encodes, 0)
  t.equal(lines.sink.requests[0]!.payload.views.length, VIEW_RUNS_MAX)
  lines.commit(0, gaps)
  await settled()
  t.equal(lines.encodes, 1)
  t.match(lines.sink.requests[1]!.payload, { views: { length: 1 }, events: gaps.length })
  t.equal(lines.sink.requests[1]!.text, gaps.map(({ text }) => `${text}\n`).join(''))

  const json = new Rig({ ...PAIRS, encoding: 'json' })
  json.sink.reply = () => ACK
  await json.add(numbered(1, 2))
  t.equal(json.sink.requests[0]!.text, '[{"n":1},{"n":2}]')
  t.equal(json.sink.requests[0]!.payload.contentType, 'application/json')
  checkDone(t, json)

  const packed = new Rig({ ...PAIRS, compression: 'zstd' })
  await packed.add(numbered(1, 2))
  t.equal(packed.sink.requests[0]!.payload.contentEncoding, 'zstd')
  await packed.sink.open[0]!.answer(DOWN)
  t.equal(packed.slabOwner.held, 0, 'no output slab while it waits')
  packed.sink.reply = () => ACK
  await packed.clock.pass(100)
  t.equal(packed.encodes, 2)
  checkDone(t, packed)
})

t.test('an encode task that failed is done again, and the order is kept', async (t) => {
  const rig = new Rig({ ...SINGLES, encoding: 'json' })
  const { encoder } = rig
  rig.encoder = { encode: () => Promise.reject(new Error('the worker died')) }
  rig.sink.reply = () => ACK
  await rig.add(numbered(1, 1))
  rig.encoder = encoder
  await rig.add(numbered(2, 3))
  t.strictSame(texts(rig), [])
  t.match(rig.toldOf('sinkTaskFailed'), [[{ message: 'the worker died' }]])
  await rig.clock.pass(1000)
  t.strictSame(texts(rig), ['1', '2', '3', '4'])
  checkDone(t, rig)
})

t.test('transient failures: sent again after a growing pause, without end', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  await rig.clock.pass(100 + 200 + 400 + 800 + 1000 + 1000)
  const times = rig.sink.requests.map(({ atMs }) => atMs - rig.sink.requests[0]!.atMs)
  t.strictSame(times, [0, 100, 300, 700, 1500, 2500, 3500])
  await rig.clock.pass(3_600_000)
  t.equal(rig.letters.lines.length, 0)
  t.equal(rig.dispatcher.waitingForOperator, null, 'a dead destination is no matter of readiness')
  t.match(rig.dispatcher.status(), { batches: { retrying: 1 }, lastFailure: 'unavailable' })
  t.strictSame(rig.toldOf('sinkRetry')[0], ['server_error', 'unavailable', 100, 503])
  rig.sink.reply = () => ACK
  await rig.clock.pass(1000)
  checkDone(t, rig)
})

t.test('a dead destination holds as many batches as requests are allowed', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.reply = () => DOWN
  for (let n = 0; n < 9; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(20_000)
  t.same(new Set(texts(rig)), new Set(['0', '1']))
  t.strictSame(rig.counts.held(), [9, 0])
})

t.test('what asks for a pause gets it, for the whole sink', async (t) => {
  const rig = new Rig(SINGLES)
  await rig.add(numbered(1, 1))
  await rig.sink.open[0]!.answer({ ...DOWN, afterMs: 5000 })
  await rig.add(numbered(2, 1))
  t.equal(rig.dispatcher.status().pausedForMs, 5000)
  await rig.clock.pass(4999)
  t.strictSame(texts(rig), ['1'])
  await rig.clock.pass(101)
  t.same(texts(rig).toSorted(), ['1', '1', '2'], 'what was told to come back does so a little spread')
  await rig.sink.open[0]!.answer({ ...DOWN, afterMs: 1e15 })
  t.equal(rig.dispatcher.status().pausedForMs, RETRY_AFTER_MAX_MS)
})

t.test('to come back "at once" is no time to come back at', async (t) => {
  const rig = new Rig({ ...PAIRS, request: { timeoutMs: 5000, concurrency: 1 } })
  rig.sink.reply = () => ({
    kind: 'retry',
    category: 'throttled',
    reason: 'slow down',
    status: 429,
    afterMs: 0,
  })
  await rig.add(['1', '2'])
  await rig.clock.pass(1000)
  t.ok(rig.sink.requests.length <= 5, `${rig.sink.requests.length} requests`)
})

t.test('who refuses compressed bodies gets them as they are, those on their way too', async (t) => {
  const rig = new Rig({
    ...PAIRS,
    compression: 'auto',
    request: { timeoutMs: 5000, concurrency: 4 },
    rateLimit: { requestsPerSecond: 10, burst: 1 },
  })
  for (let n = 0; n < 4; n += 2) await rig.add([`${n}`, `${n + 1}`])
  await rig.clock.pass(250)
  for (const request of rig.sink.open.slice()) await request.answer(ACK)
  for (let n = 4; n < 10; n += 2) await rig.add([`${n}`, `${n + 1}`])
  await rig.clock.pass(450)
  const packed = rig.sink.open.filter(({ payload }) => payload.contentEncoding === 'gzip')
  t.ok(packed.length >= 2, 'near its limit')
  for (const request of packed)
    await request.answer({ kind: 'hold', reason: 'unsupported media type', status: 415 })
  t.equal(rig.dispatcher.waitingForOperator, null)
  for (const request of rig.sink.open.slice()) await request.answer(ACK)
  rig.sink.reply = () => ACK
  await rig.clock.pass(2000)
  t.strictSame(rig.counts.delivered, [10, 0])
  t.equal(rig.toldOf('compressionRefused').length, 1)
  t.equal(rig.toldOf('sinkHeld').length, 0)
  t.equal(rig.slabsInUse, 0)
})

t.test('operator must act: everything stops but one probe now and then', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.reply = () => EXPIRED_TOKEN
  for (let n = 1; n <= 5; n++) await rig.add(numbered(n, 1))
  t.match(rig.dispatcher.status(), { state: 'waiting_for_operator', waitingForOperator: 'token expired' })
  const before = rig.sink.requests.length
  t.equal(before, 1, 'the second batch was cut after the first answer')
  await rig.clock.pass(3500)
  t.equal(rig.sink.requests.length - before, 3)
  t.equal(new Set(texts(rig)).size, 1, 'the same batch')
  t.equal(rig.toldOf('sinkHeld').length, 4)
  t.equal(rig.letters.lines.length, 0)
  rig.sink.reply = () => DOWN
  await rig.clock.pass(1000)
  t.equal(rig.dispatcher.waitingForOperator, 'token expired', 'another failure is no sign that it works')
  rig.sink.reply = () => ACK
  await rig.clock.pass(2000)
  t.equal(rig.dispatcher.waitingForOperator, null)
  t.equal(rig.toldOf('sinkResumed').length, 1)
  checkDone(t, rig)
})

t.test('on hold with encoded batches, the probe gets its slab', async (t) => {
  const rig = new Rig({ ...SINGLES, encoding: 'json', request: { timeoutMs: 5000, concurrency: 4 } })
  for (let n = 1; n <= 6; n++) rig.commit(0, [{ text: `{"n":${n}}` }])
  await settled()
  t.strictSame(texts(rig), ['1', '2'], 'two output slabs')
  await rig.sink.open[0]!.answer(EXPIRED_TOKEN)
  await rig.sink.open[0]!.answer(EXPIRED_TOKEN)
  t.equal(rig.slabOwner.held, 0)
  rig.sink.reply = () => ACK
  await rig.clock.pass(1000)
  t.strictSame(rig.counts.delivered, [6, 0])
  checkDone(t, rig)
})

t.test('retry.max_age: what could not be delivered becomes a dead letter', async (t) => {
  const rig = new Rig({ ...PAIRS, retry: { initialMs: 100, maxMs: 1000, maxAgeMs: 3000 } })
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 2))
  await rig.clock.pass(2400)
  t.equal(rig.letters.lines.length, 0)
  await rig.clock.pass(2000)
  t.match(rig.letters.lines, [
    { category: 'expired', reason: 'unavailable', status: 503, record: '{"n":1}' },
    { category: 'expired', record: '{"n":2}' },
  ])
  checkDone(t, rig)
})

t.test('the rate limit holds for retries too', async (t) => {
  const rig = new Rig({ ...SINGLES, rateLimit: { requestsPerSecond: 2, burst: 1 } })
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  t.equal(rig.sink.requests.length, 0, 'the bucket starts empty')
  await rig.clock.pass(10_000)
  const times = rig.sink.requests.map(({ atMs }) => atMs)
  t.ok(times.length >= 8)
  for (const [index, atMs] of times.entries()) t.ok(index === 0 || atMs - times[index - 1]! >= 500)
})

t.test('batches are cut to what the rate limit lets through at once', async (t) => {
  const rig = new Rig({ rateLimit: { eventsPerSecond: 3 } })
  rig.sink.reply = () => ACK
  await rig.add(numbered(1, 7))
  await rig.clock.pass(5000)
  t.strictSame(
    rig.sink.requests.map(({ payload }) => payload.events),
    [3, 3, 1],
  )
})

t.test('a sink that throws is told of, and tried again', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.reply = () => {
    throw new TypeError('a defect')
  }
  await rig.add(numbered(1, 1))
  t.strictSame(rig.toldOf('sinkRequest'), [['error']])
  t.match(rig.toldOf('sinkRetry'), [['unknown', /a defect/]])
  rig.sink.reply = () => ACK
  await rig.clock.pass(100)
  checkDone(t, rig)
})

t.test('a sink that does not answer in time is told to stop', async (t) => {
  const rig = new Rig(SINGLES)
  await rig.add(numbered(1, 1))
  await rig.clock.pass(5000 + SEND_GRACE_MS)
  t.ok(rig.sink.requests[0]!.signal.aborted)
  await rig.clock.pass(100)
  t.equal(rig.sink.requests.length, 2)
})

t.test('a drain sends at once and ends when all is settled', async (t) => {
  const rig = new Rig()
  rig.sink.reply = () => ACK
  await rig.add(numbered(1, 3))
  const { signal } = new AbortController()
  t.strictSame(await rig.dispatcher.drain(signal), { delivered: 3, undelivered: 0 })
  t.strictSame(await rig.dispatcher.drain(signal), { delivered: 3, undelivered: 0 }, 'called again')
  t.equal(rig.dispatcher.status().state, 'stopped')
  t.equal(rig.clock.pending, 0)
  checkDone(t, rig)
})

t.test('what is still held at the deadline becomes dead letters, source by source', async (t) => {
  const rig = new Rig({ ...PAIRS, batch: { maxBytes: 4096, maxEvents: 5, maxAgeMs: 0 } })
  rig.sink.reply = (text) => (text.includes('":1}') ? null : DOWN)
  for (let frame = 0; frame < 6; frame++) await rig.add(numbered(10 * frame, 7), frame % 2)
  const deadline = new AbortController()
  const drained = rig.dispatcher.drain(deadline.signal)
  await rig.clock.pass(1000)
  t.equal(rig.dispatcher.status().state, 'draining')
  deadline.abort()
  t.strictSame(await drained, { delivered: 0, undelivered: 42 })
  for (const [index, source] of ['push', 'lines'].entries()) {
    const letters = rig.letters.lines.filter((letter) => letter.source === source)
    const expected = [0, 2, 4].flatMap((frame) => numbered(10 * (frame + index), 7))
    t.strictSame(
      letters.map(({ record }) => record),
      expected,
      `${source} in order`,
    )
  }
  t.match(rig.letters.lines.at(-1), { category: 'undelivered', attempts: 0, reason: /stopped/ })
  t.equal(rig.clock.pending, 0)
  checkDone(t, rig)
})

t.test('dead letters that fill more than one slab', async (t) => {
  const rig = new Rig({ batch: { maxBytes: 8000, maxEvents: 100, maxAgeMs: 0 } })
  rig.sink.reply = () => DOWN
  await rig.add(Array.from({ length: 60 }, (_, n) => `{"n":${n},"pad":"${'\\u0041'.repeat(8)}"}`))
  const deadline = new AbortController()
  deadline.abort()
  t.strictSame(await rig.dispatcher.drain(deadline.signal), { delivered: 0, undelivered: 60 })
  const numbers = rig.letters.lines.map(({ record }) => (JSON.parse(record) as { n: number }).n)
  t.strictSame(
    numbers,
    Array.from({ length: 60 }, (_, n) => n),
  )
  t.ok(rig.encodes > 1)
  checkDone(t, rig)
})

t.test('a sink that never ends does not keep the drain', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.send = () => new Promise(() => {})
  await rig.add(numbered(1, 1))
  const deadline = new AbortController()
  deadline.abort()
  const drained = rig.dispatcher.drain(deadline.signal)
  await rig.clock.pass(SEND_GRACE_MS)
  t.strictSame(await drained, { delivered: 0, undelivered: 1 })
  checkDone(t, rig)
})

t.test('while dead letters cannot be encoded or written, they are tried again', async (t) => {
  const rig = new Rig({ ...SINGLES, retry: { initialMs: 1, maxMs: 1, maxAgeMs: 1 } })
  const { encoder } = rig
  rig.encoder = { encode: () => Promise.reject(new Error('the worker died')) }
  rig.sink.reply = () => DOWN
  await rig.add(numbered(1, 1))
  await rig.clock.pass(2500)
  t.ok(rig.toldOf('sinkTaskFailed').length >= 2)
  t.strictSame(rig.counts.held(), [1, 0])
  t.equal(rig.dispatcher.status().batches.givingUp, 1)
  t.strictSame(rig.ledger.imbalances(), [])
  rig.encoder = encoder
  await rig.clock.pass(1000)
  t.match(rig.letters.lines, [{ category: 'expired' }])
  checkDone(t, rig)
})

t.test('two sinks over one log: a frame stays until both have settled it', async (t) => {
  const rig = new Rig(SINGLES)
  const sink = new ScriptedSink(rig.clock)
  const counts = new SinkCounts('archive', [0])
  const second = new Dispatcher({ ...rig.options, name: 'archive', sink, counts, inputs: [0] })
  second.start()
  rig.sink.reply = () => DOWN
  sink.reply = () => ACK
  for (let n = 0; n < 5; n++) await rig.add(numbered(n, 1))
  t.strictSame(counts.delivered, [5, 0], 'the dead one is its own problem')
  t.equal(rig.frames.released, 0)
  rig.sink.reply = () => ACK
  await rig.clock.pass(5000)
  t.equal(rig.frames.released, 5)
  t.equal(rig.slabsInUse, 0)
})

t.test('stopping: twice, before the start, and while it drains', async (t) => {
  const idle = new Rig()
  await idle.dispatcher.stop()
  await idle.dispatcher.stop()
  idle.dispatcher.start()
  t.equal(idle.dispatcher.status().state, 'stopped')
  t.strictSame(await idle.dispatcher.drain(new AbortController().signal), { delivered: 0, undelivered: 0 })

  const rig = new Rig({ ...SINGLES, retry: { initialMs: 1, maxMs: 1, maxAgeMs: 1 } })
  rig.encoder = { encode: () => Promise.reject(new Error('the worker died')) }
  rig.sink.reply = (text) => (text.includes(':1}') ? DOWN : null)
  await rig.add(numbered(1, 2))
  await rig.clock.pass(10)
  const drained = rig.dispatcher.drain(new AbortController().signal)
  await rig.dispatcher.stop()
  t.strictSame(await drained, { delivered: 0, undelivered: 0 })
  t.ok(rig.sink.requests.find(({ text }) => text.includes(':2}'))!.signal.aborted)
  t.strictSame(rig.counts.held(), [2, 0], 'what is held stays held')
  t.equal(rig.clock.pending, 0)
})
