/** A dispatcher whose sources, or values of a field, have limits or an order of their own. */
import t from 'tap'
import type { Test } from 'tap'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { PatchyLog } from './patchy-log.ts'
import { Rig } from './rig.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }
const TENANTS = { per: { field: 'tenant', maxKeys: 100 } } as const

const events = (tenant: string, from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"tenant":"${tenant}","n":${from + index}}`)
const tenantsOf = (text: string) => new Set([...text.matchAll(/"tenant":"(\w+)"/g)].map(([, name]) => name))
const numbersOf = (text: string) => [...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))

function checkDone(t: Test, rig: Rig): void {
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(rig.counts.held(), [0, 0])
  t.equal(rig.slabsInUse, 0)
}

t.test('a batch holds events of one tenant, and each tenant has the limit for itself', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 10, maxAgeMs: 100 },
    rateLimit: { eventsPerSecond: 10, ...TENANTS },
  })
  rig.sink.reply = () => ACK
  const flood = events('a', 0, 60)
  for (let n = 0; n < 6; n++)
    await rig.add([
      ...flood.slice(10 * n, 10 * n + 5),
      ...events('b', n, 1),
      ...flood.slice(10 * n + 5, 10 * n + 10),
    ])
  await rig.clock.pass(2500)
  const sent = (tenant: string) =>
    rig.sink.requests.filter(({ text }) => tenantsOf(text).has(tenant)).flatMap(({ text }) => numbersOf(text))
  t.ok(rig.sink.requests.every(({ text }) => tenantsOf(text).size === 1))
  t.strictSame(sent('b'), [0, 1, 2, 3, 4, 5], 'not held up')
  t.ok(sent('a').length <= 10 + 25, `${sent('a').length} of the flood`)
  t.strictSame(rig.ledger.imbalances(), [])
  await rig.clock.pass(6000)
  t.strictSame(sent('a'), flood.flatMap(numbersOf), 'in order')
  checkDone(t, rig)
})

t.test('in order: one batch of a source after another, others meanwhile', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 2, maxAgeMs: 0 },
    request: { timeoutMs: 5000, concurrency: 4 },
    order: 'per_source',
  })
  for (let n = 0; n < 6; n += 2) await rig.add(events('x', n, 2), 0)
  for (let n = 10; n < 16; n += 2) await rig.add(events('x', n, 2), 1)
  await rig.clock.pass(10)
  t.strictSame(
    rig.sink.open.map(({ text }) => numbersOf(text)),
    [
      [0, 1],
      [10, 11],
    ],
  )
  await rig.sink.open[0]!.answer(DOWN)
  await rig.clock.pass(10)
  t.equal(rig.sink.open.length, 1, 'what failed goes first')
  rig.sink.reply = () => ACK
  await rig.sink.open[0]!.answer(ACK)
  await rig.clock.pass(2000)
  const taken = rig.sink.requests.slice(2).map(({ text }) => numbersOf(text))
  t.strictSame(
    taken.filter(([n]) => n! < 10),
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  )
  t.strictSame(
    taken.filter(([n]) => n! >= 10),
    [
      [12, 13],
      [14, 15],
    ],
  )
  checkDone(t, rig)
})

t.test('in order under a limit of the sink: who waits longest goes, large batches too', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 10, maxAgeMs: 0 },
    rateLimit: { eventsPerSecond: 10 },
    order: 'per_source',
  })
  rig.sink.reply = () => ACK
  await rig.add(events('x', 100, 10), 0)
  for (let n = 0; n < 40; n++) {
    await rig.add(events('y', n, 1), 1)
    await rig.clock.pass(100)
  }
  const sent = rig.sink.requests.flatMap(({ text }) => numbersOf(text))
  t.ok(sent.includes(100), 'not passed by small ones for ever')
  await rig.clock.pass(7000)
  checkDone(t, rig)
})

t.test('events without a tenant keep nobody waiting either', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 10, maxAgeMs: 0 },
    rateLimit: { eventsPerSecond: 10, per: { field: 'tenant', maxKeys: 2 } },
  })
  rig.sink.reply = (text) => (tenantsOf(text).size === 0 && rig.sink.requests.length === 1 ? DOWN : ACK)
  await rig.add(Array.from({ length: 10 }, (_, n) => `{"n":${n}}`))
  await rig.clock.pass(1100)
  t.equal(rig.sink.requests.length, 1)
  await rig.add(events('a', 20, 1))
  await rig.clock.pass(300)
  t.equal(rig.sink.requests.length, 2, 'while what failed waits for its limit')
  await rig.clock.pass(2000)
  t.strictSame(rig.toldOf('limiterKeysFull'), [], 'two keys, two limits')
  checkDone(t, rig)
})

t.test('tenants without a limit of their own leave the line to others while they wait', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 10, maxAgeMs: 0 },
    request: { timeoutMs: 5000, concurrency: 4 },
    rateLimit: { requestsPerSecond: 1, per: { field: 'tenant', maxKeys: 1 } },
  })
  rig.sink.reply = () => ACK
  await rig.add(events('a', 0, 1))
  await rig.add(['b', 'c', 'd', 'e'].flatMap((tenant) => events(tenant, 0, 1)))
  await rig.clock.pass(1100)
  t.equal(rig.sink.requests.length, 2, 'who has a limit, and one of those who share one')
  t.equal(rig.dispatcher.status().batches.ready, 0)
  await rig.clock.pass(4000)
  checkDone(t, rig)
})

t.test('what waits for its limit gives way, at the end of the log', async (t) => {
  let log: PatchyLog | null = null
  const rig = new Rig(
    {
      batch: { maxBytes: 4096, maxEvents: 5, maxAgeMs: 0 },
      rateLimit: { eventsPerSecond: 1, ...TENANTS },
    },
    {},
    24,
    (clock, frames) => (log = new PatchyLog(frames, clock, 3)),
  )
  rig.sink.reply = () => ACK
  for (let n = 0; n < 10; n++) await rig.add(events('a', n, 1))
  await rig.clock.pass(300)
  for (const tenant of ['b', 'c', 'd']) await rig.add(events(tenant, 100, 1))
  await rig.clock.pass(2700)
  t.ok(log!.deferrals > 0)
  const delivered = rig.sink.requests.map(({ text }) => [...tenantsOf(text)][0])
  t.ok(
    ['b', 'c', 'd'].every((tenant) => delivered.includes(tenant)),
    delivered.join(),
  )
  t.strictSame(rig.ledger.imbalances(), [])
  t.ok(log!.deferrals < 1000, `${log!.deferrals} deferrals`)
  await rig.clock.pass(20_000)
  checkDone(t, rig)
})

t.test('what is left at the end becomes dead letters, whatever it waits for', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 5, maxAgeMs: 0 },
    rateLimit: { requestsPerSecond: 0.001, ...TENANTS },
  })
  await rig.add([...events('a', 0, 7), ...events('b', 0, 7)])
  await rig.clock.pass(100)
  const deadline = new AbortController()
  deadline.abort()
  t.strictSame(await rig.dispatcher.drain(deadline.signal), { delivered: 0, undelivered: 14 })
  checkDone(t, rig)
})
