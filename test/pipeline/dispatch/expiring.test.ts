import t from 'tap'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { Rig } from './rig.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }
const EXPIRED_TOKEN: Outcome = { kind: 'hold', reason: 'HTTP 401', status: 401 }

const MAX_AGE = {
  batch: { maxBytes: 4096, maxEvents: 2, maxAgeMs: 0 },
  breaker: { failures: 2, cooldownMs: 60_000, maxCooldownMs: 60_000 },
  retry: { initialMs: 10, maxMs: 100, maxAgeMs: 3000 },
}

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}`)

t.test('while the breaker is open, what waits expires without being sent', async (t) => {
  for (const concurrency of [1, 4, 'adaptive'] as const) {
    const rig = new Rig({ ...MAX_AGE, request: { timeoutMs: 5000, concurrency } })
    rig.sink.reply = () => DOWN
    await rig.add(numbered(1, 20))
    await rig.clock.pass(2000)
    await rig.add(numbered(21, 4))
    t.equal(rig.letters.lines.length, 0)
    const requests = rig.sink.requests.length
    await rig.clock.pass(1500)
    t.equal(rig.sink.requests.length, requests)
    t.strictSame(
      rig.letters.lines.map(({ record }) => record).toSorted(),
      numbered(1, 20).toSorted(),
      `concurrency ${concurrency}`,
    )
    for (const { category, reason } of rig.letters.lines)
      t.match({ category, reason }, { category: 'expired', reason: 'unavailable' })
    rig.sink.reply = () => ACK
    await rig.clock.pass(1000)
    t.equal(rig.letters.lines.length, 20, 'the younger ones are kept until they are as old')
    await rig.clock.pass(1000)
    t.equal(rig.letters.lines.length, 24)
    t.strictSame(rig.ledger.imbalances(), [])
    await rig.clock.pass(60_000)
    await rig.add(numbered(25, 1))
    await rig.clock.pass(10)
    t.strictSame(rig.counts.delivered, [1, 0], 'the next event is the probe')
  }
})

t.test('nothing expires while the operator is asked to act', async (t) => {
  const rig = new Rig(MAX_AGE)
  rig.sink.reply = () => EXPIRED_TOKEN
  await rig.add(numbered(1, 10))
  await rig.clock.pass(20_000)
  t.equal(rig.letters.lines.length, 0)
  rig.sink.reply = () => ACK
  await rig.clock.pass(1000)
  t.strictSame(rig.counts.delivered, [10, 0])
})
