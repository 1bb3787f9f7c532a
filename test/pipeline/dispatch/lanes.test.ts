import t from 'tap'
import { LAG_MS } from '../../../src/pipeline/dispatch/cutter.ts'
import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import { FAST_IN_A_ROW_MAX } from '../../../src/pipeline/dispatch/roster.ts'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { Rig } from './rig.ts'
import { settled } from './simulated-clock.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }

const bulk = (count: number) => Array.from({ length: count }, (_, n) => ({ text: `{"bulk":${n}}` }))
const severe = (name: string) => ({ text: `{"severe":"${name}"}`, fast: true })
const isFast = (text: string) => !text.includes('bulk')

/** A destination that takes one batch of ten events a second, and lags by 15 frames. */
async function throttled(config: Partial<DispatcherConfig>): Promise<Rig> {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 10, maxAgeMs: 0 },
    rateLimit: { requestsPerSecond: 1, burst: 1 },
    ...config,
  })
  rig.sink.reply = () => ACK
  for (let frame = 0; frame < 15; frame++) rig.commit(0, bulk(40))
  await rig.clock.pass(2000)
  return rig
}

t.test('severe events are delivered within two sends, and bulk goes on', async (t) => {
  const random = seededRandom(7)
  for (const concurrency of [1, 2, 4])
    for (const encoding of ['ndjson', 'json'] as const) {
      const rig = await throttled({ encoding, request: { timeoutMs: 5000, concurrency } })
      let late = 0
      for (let round = 0; round < 12; round++) {
        const name = `${round}`
        rig.commit(0, [...bulk(3), severe(name), ...bulk(3)])
        const before = rig.sink.requests.length
        await rig.clock.pass(2000 + Math.floor(random() * 2000))
        const sent = rig.sink.requests.findIndex(({ text }) => text.includes(`"severe":"${name}"`))
        if (sent === -1 || sent >= before + 2) late++
      }
      t.equal(late, 0, `${concurrency} at once, ${encoding}`)
      t.ok(rig.dispatcher.status().lagging)
      const [delivered, deliveredFast] = rig.counts.delivered
      t.ok(delivered! > 100)
      t.equal(deliveredFast, 12)
      t.strictSame(rig.ledger.imbalances(), [])
    }
})

t.test('while both lanes have something, every fourth request is of bulk', async (t) => {
  for (const concurrency of [1, 3]) {
    const rig = new Rig({
      batch: { maxBytes: 4096, maxEvents: 2, maxAgeMs: 0 },
      request: { timeoutMs: 5000, concurrency },
      rateLimit: { requestsPerSecond: 10, burst: 1 },
    })
    rig.sink.reply = () => ACK
    for (let frame = 0; frame < 20; frame++)
      rig.commit(
        0,
        bulk(20).flatMap((record) => [record, severe('often')]),
      )
    await rig.clock.pass(20_000)
    const lanes = rig.sink.requests.map(({ text }) => isFast(text)).slice(20)
    const runs = lanes.map(String).join(' ').split('false')
    t.ok(runs.length > 30)
    t.ok(
      runs.slice(1, -1).every((run) => run.trim().split(' ').length === FAST_IN_A_ROW_MAX),
      `${concurrency} at once: three fast, one bulk`,
    )
    t.strictSame(rig.ledger.imbalances(), [])
  }
})

t.test('a fast batch gets its place though all are taken by bulk that fails', async (t) => {
  for (const concurrency of [1, 2]) {
    const rig = new Rig({
      batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
      request: { timeoutMs: 5000, concurrency },
      retry: { initialMs: 60_000, maxMs: 60_000 },
    })
    rig.sink.reply = (text) => (isFast(text) ? ACK : DOWN)
    for (let frame = 0; frame < 5; frame++) rig.commit(0, bulk(1))
    await rig.clock.pass(LAG_MS)
    t.equal(rig.dispatcher.status().batches.retrying, concurrency)
    for (const name of ['a', 'b', 'c']) rig.commit(0, [severe(name)])
    await rig.clock.pass(10)
    t.strictSame(rig.counts.delivered, [0, 3])
    t.equal(rig.sink.requests.length, concurrency + 3)
  }
})

t.test('with one request at a time, fast goes before a retry that is due', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
    request: { timeoutMs: 5000, concurrency: 1 },
    retry: { initialMs: 2000, maxMs: 2000 },
  })
  await rig.add(['{"bulk":1}'])
  await rig.add(['{"bulk":2}'])
  await rig.sink.open[0]!.answer({ ...DOWN, afterMs: 2000 })
  rig.commit(0, [severe('now')])
  await rig.clock.pass(2000)
  t.equal(rig.sink.open[0]!.text, '{"severe":"now"}\n')
})

t.test(
  'a dead destination holds as many batches as requests are allowed, and one of the other lane',
  async (t) => {
    const rig = new Rig({
      batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
      request: { timeoutMs: 5000, concurrency: 3 },
    })
    rig.sink.reply = () => DOWN
    for (let frame = 0; frame < 6; frame++) rig.commit(0, [...bulk(1), severe('a'), severe('b')])
    await rig.clock.pass(10_000)
    const { batches } = rig.dispatcher.status()
    t.equal(batches.sending + batches.ready + batches.retrying, 4)
    t.ok(rig.sink.open.length <= 3)
    t.strictSame(rig.counts.held(), [6, 12])
  },
)

t.test('while a sink keeps up, frames go out whole', async (t) => {
  const rig = new Rig({ batch: { maxBytes: 4096, maxEvents: 8, maxAgeMs: 0 } })
  for (let frame = 0; frame < 6; frame++) rig.commit(0, [...bulk(3), severe(`${frame}`), ...bulk(4)])
  await settled()
  t.notOk(rig.dispatcher.status().lagging, 'a burst is no lag')
  while (rig.sink.open.length > 0) {
    t.equal(rig.sink.open[0]!.payload.views.length, 1)
    t.equal(rig.sink.open[0]!.payload.events, 8)
    await rig.clock.pass(LAG_MS / 6)
    await rig.sink.open[0]!.answer(ACK)
  }
  t.strictSame(rig.counts.delivered, [42, 6])
})

t.test('when bulk has caught up, the lanes are one again', async (t) => {
  const rig = await throttled({})
  rig.commit(0, [...bulk(2), severe('ahead')])
  await rig.clock.pass(2000)
  t.ok(rig.dispatcher.status().lagging)
  t.equal(rig.counts.delivered[1], 1)
  await rig.clock.pass(70_000)
  t.strictSame(rig.counts.delivered, [602, 1])
  t.notOk(rig.dispatcher.status().lagging)
  rig.commit(0, [...bulk(2), severe('together'), ...bulk(2)])
  await rig.clock.pass(1000)
  t.equal(rig.sink.requests.at(-1)!.payload.events, 5)
  t.equal(rig.slabsInUse, 0)
})

t.test('the age of the oldest event, by lane', async (t) => {
  const rig = new Rig()
  t.strictSame(rig.dispatcher.status().oldestMs, { bulk: 0, fast: 0 })
  rig.commit(0, bulk(1))
  await rig.clock.pass(300)
  rig.commit(0, [severe('later')])
  await rig.clock.pass(40)
  t.strictSame(rig.dispatcher.status().oldestMs, { bulk: 340, fast: 40 })
})
