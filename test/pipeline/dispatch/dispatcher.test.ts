import t from 'tap'
import { Rig } from './rig.ts'

t.test('a batch goes when it is old enough, and its frame is let go when it is acknowledged', async (t) => {
  const rig = new Rig()
  await rig.add(['{"a":1}', '{"a":2}'])
  t.equal(rig.sink.requests.length, 0)
  await rig.clock.pass(99)
  t.equal(rig.sink.requests.length, 0)
  await rig.clock.pass(1)
  t.equal(rig.sink.requests[0]!.text, '{"a":1}\n{"a":2}\n')
  t.match(rig.sink.requests[0]!.payload, { bytes: 16, events: 2, contentType: 'application/x-ndjson' })
  t.strictSame(rig.counts.held(), [2, 0])
  t.strictSame(rig.ledger.imbalances(), [])
  await rig.sink.open[0]!.answer({ kind: 'ack' })
  t.strictSame(rig.counts.delivered, [2, 0])
  t.strictSame(rig.counts.held(), [0, 0])
  t.strictSame(rig.ledger.imbalances(), [])
  t.equal(rig.slabsInUse, 0)
})

t.test('a drain sends at once and ends when all is settled', async (t) => {
  const rig = new Rig()
  rig.sink.reply = () => ({ kind: 'ack' })
  await rig.add(['{"a":1}'])
  t.strictSame(await rig.dispatcher.drain(new AbortController().signal), { delivered: 1, undelivered: 0 })
  t.equal(rig.slabsInUse, 0)
  t.equal(rig.clock.pending, 0)
})
