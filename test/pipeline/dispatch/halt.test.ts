/** How a dispatcher over a log on disk ends, and what it puts back into it. */
import t from 'tap'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { SEND_GRACE_MS } from '../../../src/pipeline/dispatch/sender.ts'
import { PatchyLog } from './patchy-log.ts'
import { Rig } from './rig.ts'
import { settled } from './simulated-clock.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }
const BAD_FIELD: Outcome = { kind: 'reject', reason: 'bad field', status: 400 }
const SINGLES = { batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 } }

const never = new AbortController().signal
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}`)

t.test('a halt waits for what is in flight, and sends nothing more', async (t) => {
  const rig = new Rig(SINGLES)
  await rig.add(numbered(0, 5))
  const halted = rig.dispatcher.halt(never)
  t.equal(rig.dispatcher.halt(never), halted, 'called again')
  t.equal(rig.dispatcher.status().state, 'draining')
  await rig.clock.pass(1000)
  await rig.sink.open[0]!.answer(ACK)
  await rig.sink.open[0]!.answer(DOWN)
  await halted
  t.equal(rig.sink.requests.length, 2)
  t.strictSame(rig.counts.delivered, [1, 0])
  t.strictSame(rig.counts.held(), [4, 0])
  t.strictSame(rig.ledger.imbalances(), [])
  t.equal(rig.clock.pending, 0)
  t.equal(rig.dispatcher.status().state, 'stopped')
})

t.test('at the deadline of a halt, what is in flight is told to end', async (t) => {
  const rig = new Rig(SINGLES)
  await rig.add(numbered(0, 3))
  const deadline = new AbortController()
  const halted = rig.dispatcher.halt(deadline.signal)
  await rig.clock.pass(100)
  t.notOk(rig.sink.requests[0]!.signal.aborted)
  deadline.abort()
  await halted
  t.ok(rig.sink.requests[0]!.signal.aborted)
  t.strictSame(rig.counts.held(), [3, 0])
  t.equal(rig.letters.lines.length, 0)
})

t.test('a halt waits for the dead letters of what was refused', async (t) => {
  const rig = new Rig(SINGLES)
  const write = rig.letters.write.bind(rig.letters)
  rig.letters.write = async (...args) => {
    await new Promise<void>((resolve) => void rig.clock.setTimeout(resolve, 400))
    return write(...args)
  }
  await rig.add(numbered(1, 2))
  await rig.sink.open[0]!.answer(BAD_FIELD)
  await rig.sink.open[0]!.answer(ACK)
  await rig.clock.pass(1000)
  const halted = rig.dispatcher.halt(never)
  await rig.sink.open[0]!.answer(BAD_FIELD)
  await rig.clock.pass(399)
  t.equal(rig.dispatcher.status().batches.givingUp, 1)
  await rig.clock.pass(1)
  await halted
  t.equal(rig.letters.lines.length, 1)
  t.strictSame(rig.counts.held(), [0, 0])
})

t.test('a halt before the start, and in a drain', async (t) => {
  const idle = new Rig()
  await idle.dispatcher.halt(never)
  t.equal(idle.dispatcher.status().state, 'stopped')

  const rig = new Rig(SINGLES)
  rig.sink.reply = () => DOWN
  await rig.add(numbered(0, 4))
  const drained = rig.dispatcher.drain(never)
  await rig.clock.pass(500)
  await rig.dispatcher.halt(never)
  t.strictSame(await drained, { delivered: 0, undelivered: 0 })
  t.strictSame(rig.counts.held(), [4, 0], 'the log keeps it')
  t.equal(rig.clock.pending, 0)
})

t.test('a drain that leaves the rest to the log', async (t) => {
  const rig = new Rig(SINGLES)
  await rig.add(numbered(0, 4))
  const deadline = new AbortController()
  const drained = rig.dispatcher.drain(deadline.signal, 'log')
  await rig.sink.open[0]!.answer(ACK)
  rig.sink.reply = () => DOWN
  await rig.clock.pass(500)
  deadline.abort()
  t.strictSame(await drained, { delivered: 1, undelivered: 0 })
  t.equal(rig.letters.lines.length, 0)
  t.strictSame(rig.counts.held(), [3, 0])
})

t.test('a batch that holds back the look-ahead is put to the end of the log', async (t) => {
  let log: PatchyLog | null = null
  const pairs = { batch: { maxBytes: 4096, maxEvents: 2, maxAgeMs: 0 } }
  const rig = new Rig(
    pairs,
    { filterIndex: 3 },
    24,
    (clock, frames) => (log = new PatchyLog(frames, clock, 3)),
  )
  rig.sink.reply = (text) => (text.includes(':1}') ? DOWN : ACK)
  rig.commit(0, [{ text: '{"n":0}', routes: 0 }, { text: '{"n":1}', fast: true }, { text: '{"n":2}' }])
  await settled()
  t.equal(rig.dispatcher.status().batches.retrying, 1)
  for (let n = 3; n < 12; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(100)
  t.ok(log!.deferrals > 0)
  t.strictSame(rig.counts.delivered, [9, 0], 'the others are not held back')
  t.strictSame(rig.counts.held(), [1, 1])
  t.strictSame(rig.ledger.imbalances(), [])
  t.equal(rig.letters.lines.length, 0)
  rig.sink.reply = () => ACK
  await rig.clock.pass(2000)
  t.strictSame(rig.counts.delivered, [10, 1])
  t.equal(rig.sink.requests.at(-1)!.text, '{"n":1}\n{"n":2}\n')
  t.equal(rig.slabsInUse, 0)
})

t.test('what is being deferred when it all ends is waited for, but not for ever', async (t) => {
  for (const isCommitted of [true, false]) {
    const commits: (() => void)[] = []
    const rig = new Rig(SINGLES, {}, 24, (clock, frames) => {
      const log = new PatchyLog(frames, clock, 2)
      log.commitLater = (commit) => void commits.push(commit)
      return log
    })
    rig.sink.reply = (text) => (text.includes(':0}') ? DOWN : ACK)
    for (let n = 0; n < 6; n++) await rig.add(numbered(n, 1))
    t.equal(commits.length, 1)
    t.equal(rig.slabOwner.held, 1, 'the frame to be written')
    let over = false
    const halted = rig.dispatcher.halt(never).then(() => (over = true))
    await rig.clock.pass(SEND_GRACE_MS / 2)
    t.notOk(over)
    if (isCommitted) commits[0]!()
    else await rig.clock.pass(SEND_GRACE_MS / 2)
    await halted
    t.strictSame(rig.ledger.imbalances(), [])
    t.equal(rig.counts.held()[0] + rig.counts.delivered[0]!, 6)
    t.equal(rig.clock.pending, 0)
  }
})

t.test('what the log lost is discarded, and the log is told what became of all', async (t) => {
  let log: PatchyLog | null = null
  const rig = new Rig(SINGLES, {}, 24, (clock, frames) => (log = new PatchyLog(frames, clock)))
  rig.sink.reply = (text) => (text.includes(':0}') ? BAD_FIELD : ACK)
  for (let n = 0; n < 3; n++) await rig.add(numbered(n, 1))
  const reader = log!.options!
  rig.sources[0]!.received += 3
  rig.sources[0]!.accepted += 3
  reader.onOffered(2, 1, 0)
  reader.onDiscarded('corrupt', 1, 1)
  reader.onDiscarded('corrupt', 1, 0)
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(reader.settledCounts(), {
    delivered: [2, 0],
    deliveredBytes: 16,
    deadLettered: { refused: 1 },
    discarded: { corrupt: 3 },
  })
})
