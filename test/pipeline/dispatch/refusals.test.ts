/** What a destination refuses for its content: divided, believed or doubted, settled item by item. */
import t from 'tap'
import type { Test } from 'tap'
import { REFUSED_IN_A_ROW_MAX, REFUSED_WHOLE_MAX } from '../../../src/pipeline/dispatch/outcome-handler.ts'
import { LONG_REFUSED_MS } from '../../../src/pipeline/dispatch/roster.ts'
import type { Outcome, Payload } from '../../../src/pipeline/sink.ts'
import { Rig } from './rig.ts'

const ACK: Outcome = { kind: 'ack' }
const DOWN: Outcome = { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503 }
const EXPIRED_TOKEN: Outcome = { kind: 'hold', reason: 'token expired', status: 401 }
const BAD_FIELD: Outcome = { kind: 'reject', reason: 'bad field', status: 400 }
const TOO_LARGE: Outcome = { kind: 'reject', reason: 'too large', status: 413 }

const SINGLES = { batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 } }
const HUNDREDS = { batch: { maxBytes: 1 << 20, maxEvents: 100, maxAgeMs: 0 } }

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `{"n":${from + index}}`)
const numbersOf = (text: string) => [...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))

function checkDone(t: Test, rig: Rig): void {
  t.strictSame(rig.ledger.imbalances(), [])
  t.strictSame(rig.counts.held(), [0, 0])
  t.equal(rig.slabsInUse, 0)
}

/** Numbers that a destination took, over all requests that it acknowledged. */
function picky(rig: Rig, refuses: (n: number) => boolean): number[] {
  const taken: number[] = []
  rig.sink.reply = (text) => {
    const numbers = numbersOf(text)
    if (numbers.some(refuses)) return BAD_FIELD
    taken.push(...numbers)
    return ACK
  }
  return taken
}

t.test('a refused batch is divided until the guilty events stand alone', async (t) => {
  const rig = new Rig(HUNDREDS)
  const guilty = new Set([7, 42, 43])
  const taken = picky(rig, (n) => guilty.has(n))
  await rig.add(numbered(0, 100))
  await rig.clock.pass(10)
  t.strictSame(
    taken.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n).filter((n) => !guilty.has(n)),
  )
  t.strictSame(
    rig.letters.lines
      .map(({ record, category, reason, status }) => ({ record, category, reason, status }))
      .toSorted((a, b) => a.record.length - b.record.length || a.record.localeCompare(b.record)),
    [...guilty].map((n) => ({ record: `{"n":${n}}`, category: 'refused', reason: 'bad field', status: 400 })),
  )
  t.ok(rig.letters.lines[0]!.attempts >= 7, 'attempts of the batches that it was in count')
  t.ok(rig.sink.requests.length < 3 * 2 * 8 + 10, `${rig.sink.requests.length} requests`)
  t.equal(rig.toldOf('sinkHeld').length, 0)
  t.strictSame(rig.toldOf('batchSplit')[0], [100, 'bad field', 400])
  checkDone(t, rig)
})

t.test('of one that refuses everything nothing is believed', async (t) => {
  const rig = new Rig(HUNDREDS)
  rig.sink.reply = () => BAD_FIELD
  for (let n = 0; n < 500; n += 100) await rig.add(numbered(n, 100))
  await rig.clock.pass(10)
  t.equal(rig.letters.lines.length, 0)
  t.match(rig.dispatcher.status(), { state: 'waiting_for_operator', waitingForOperator: 'bad field' })
  const before = rig.sink.requests.length
  t.ok(before <= 2 * REFUSED_IN_A_ROW_MAX + 20, `${before} requests`)
  await rig.clock.pass(20_000)
  t.equal(rig.sink.requests.length - before, 20, 'one probe every retry.max')
  const taken = picky(rig, (n) => n === 250)
  await rig.clock.pass(5000)
  t.equal(taken.length, 499, 'what was refused is tried once more')
  t.match(rig.letters.lines, [{ record: '{"n":250}' }])
  t.equal(rig.dispatcher.waitingForOperator, null)
  checkDone(t, rig)
})

t.test('a whole batch refused to the last event is enough', async (t) => {
  const rig = new Rig(HUNDREDS)
  rig.sink.reply = () => BAD_FIELD
  await rig.add(numbered(0, 4))
  await rig.clock.pass(1)
  t.equal(rig.sink.requests.length, 7)
  t.equal(rig.dispatcher.waitingForOperator, 'bad field')
  picky(rig, () => false)
  await rig.clock.pass(5000)
  t.equal(rig.letters.lines.length, 0)
  checkDone(t, rig)
})

t.test('many single refusals in a row are doubted, though something was accepted before', async (t) => {
  const rig = new Rig(SINGLES, {}, 400)
  const taken = picky(rig, (n) => n > 0 && n < 300)
  for (let n = 0; n < 300; n++) await rig.add(numbered(n, 1))
  await rig.clock.pass(10)
  t.strictSame(taken, [0])
  t.ok(rig.letters.lines.length < REFUSED_IN_A_ROW_MAX)
  t.equal(rig.dispatcher.waitingForOperator, 'bad field')
})

t.test('a single refused event waits for something to be accepted, and then has one more try', async (t) => {
  const rig = new Rig(SINGLES)
  const taken = picky(rig, (n) => n === 1)
  await rig.add(numbered(1, 1))
  t.match(rig.dispatcher.status(), { state: 'running', batches: { refused: 1 } })
  t.equal(rig.letters.lines.length, 0)
  await rig.add(numbered(2, 1))
  t.strictSame(taken, [2])
  t.match(rig.letters.lines, [
    {
      source: 'push',
      sink: 'siem',
      category: 'refused',
      reason: 'bad field',
      status: 400,
      record: '{"n":1}',
      attempts: 2,
    },
  ])
  t.strictSame(rig.toldOf('eventsDeadLettered'), [['refused', 1, 'bad field']])
  checkDone(t, rig)
})

t.test(
  'with nothing else to prove it, the operator hears of a refused event that stays refused',
  async (t) => {
    const rig = new Rig(SINGLES)
    rig.sink.reply = () => BAD_FIELD
    await rig.add(numbered(1, 1))
    t.equal(rig.dispatcher.waitingForOperator, null)
    await rig.clock.pass(1000 * (REFUSED_WHOLE_MAX - 1))
    t.equal(rig.dispatcher.waitingForOperator, 'bad field')
    picky(rig, () => false)
    await rig.clock.pass(2000)
    t.equal(rig.dispatcher.waitingForOperator, null)
    checkDone(t, rig)
  },
)

t.test('an event that stays refused is told of, and others still go', async (t) => {
  const rig = new Rig({ ...SINGLES, retry: { initialMs: 100, maxMs: 30_000 } })
  picky(rig, (n) => n === 1)
  await rig.add(numbered(1, 1))
  await rig.clock.pass(LONG_REFUSED_MS)
  t.equal(rig.dispatcher.waitingForOperator, 'bad field')
  await rig.add(numbered(2, 1))
  await rig.clock.pass(3000)
  t.equal(rig.dispatcher.waitingForOperator, null)
  t.match(rig.letters.lines, [{ record: '{"n":1}' }])
  checkDone(t, rig)
})

t.test('on hold a single event is the probe: guilty ones hide nothing', async (t) => {
  const rig = new Rig({ ...HUNDREDS, request: { timeoutMs: 5000, concurrency: 1 } })
  rig.sink.reply = () => BAD_FIELD
  await rig.add(numbered(0, 4))
  await rig.add(numbered(4, 96))
  t.equal(rig.dispatcher.waitingForOperator, 'bad field')
  const before = rig.sink.requests.length
  const taken = picky(rig, (n) => n % 5 === 0)
  await rig.clock.pass(5000)
  t.equal(rig.sink.requests[before]!.payload.events, 1)
  t.equal(taken.length, 80)
  t.equal(rig.letters.lines.length, 20)
  checkDone(t, rig)
})

t.test('a refusal keeps its words though a probe meets something else', async (t) => {
  const rig = new Rig(SINGLES)
  rig.sink.reply = () => BAD_FIELD
  await rig.add(numbered(1, 1))
  rig.sink.reply = () => DOWN
  await rig.clock.pass(1500)
  rig.sink.reply = () => EXPIRED_TOKEN
  await rig.clock.pass(1000)
  picky(rig, (n) => n === 1)
  await rig.add(numbered(2, 1))
  await rig.clock.pass(5000)
  t.match(rig.letters.lines, [{ reason: 'bad field', status: 400 }])
  checkDone(t, rig)
})

t.test('a body that is too large: later batches are cut smaller', async (t) => {
  const rig = new Rig(HUNDREDS)
  rig.sink.reply = (text) => (text.length > 300 ? TOO_LARGE : ACK)
  await rig.add(numbered(1000, 100))
  await rig.clock.pass(10)
  t.equal(rig.counts.delivered[0], 100)
  const before = rig.sink.requests.length
  await rig.add(numbered(2000, 100))
  await rig.clock.pass(10)
  t.ok(
    rig.sink.requests.slice(before).every(({ text }) => text.length <= 300),
    'none is refused',
  )
  t.equal(rig.letters.lines.length, 0)
  checkDone(t, rig)
})

/** Answers item by item; `verdict` is asked for each number. */
function byItem(
  rig: Rig,
  verdict: (n: number, time: number) => string,
): { taken: number[]; times: Map<number, number> } {
  const taken: number[] = []
  const times = new Map<number, number>()
  rig.sink.reply = (text) => {
    const items = numbersOf(text).flatMap((n, index) => {
      const time = (times.get(n) ?? 0) + 1
      times.set(n, time)
      const said = verdict(n, time)
      if (said === 'ok') {
        taken.push(n)
        return []
      }
      const isRetry = said === 'retry'
      return [
        {
          index,
          kind: isRetry ? ('retry' as const) : ('reject' as const),
          reason: said,
          status: isRetry ? 429 : 400,
        },
      ]
    })
    return items.length === 0 ? ACK : { kind: 'partial', items }
  }
  return { taken, times }
}

t.test(
  'item by item: what was taken is settled, what failed goes again, what was rejected is given up',
  async (t) => {
    const rig = new Rig(HUNDREDS)
    const { taken, times } = byItem(rig, (n, time) => {
      if (n % 10 === 3) return `field ${n} is no date`
      return n % 7 === 0 && time < 3 ? 'retry' : 'ok'
    })
    await rig.add(numbered(0, 50))
    await rig.add(numbered(50, 50), 1)
    await rig.clock.pass(5000)
    const rejected = Array.from({ length: 10 }, (_, n) => 10 * n + 3)
    t.strictSame(
      taken.toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, n) => n).filter((n) => !rejected.includes(n)),
    )
    t.strictSame(
      new Set(rig.letters.lines.map(({ record, reason }) => `${record} ${reason}`)),
      new Set(rejected.map((n) => `{"n":${n}} field ${n} is no date`)),
      'each with the words said of it',
    )
    t.ok(
      [...times].every(([n, count]) => count === (n % 7 === 0 && n % 10 !== 3 ? 3 : 1)),
      'nothing else goes again',
    )
    const [first] = rig.toldOf('itemsSettled')
    t.strictSame(first, [37, 8, 5], 'of the first fifty')
    checkDone(t, rig)
  },
)

t.test('item by item: all rejected and none accepted is doubted', async (t) => {
  const rig = new Rig(HUNDREDS)
  byItem(rig, () => 'no such index')
  await rig.add(numbered(0, 20))
  await rig.clock.pass(3000)
  t.equal(rig.letters.lines.length, 0)
  t.equal(rig.dispatcher.waitingForOperator, 'no such index')
  const { taken } = byItem(rig, (n) => (n === 4 ? 'really bad' : 'ok'))
  await rig.clock.pass(3000)
  t.equal(taken.length, 19)
  t.match(rig.letters.lines, [{ record: '{"n":4}', reason: 'really bad' }])
  checkDone(t, rig)
})

t.test('verdicts on events that were not sent, or two on one, are not believed', async (t) => {
  const rig = new Rig(HUNDREDS)
  const item = { index: 1, kind: 'reject' as const, reason: 'bad' }
  const answers: Outcome[] = [
    { kind: 'partial', items: [{ ...item, index: 2 }] },
    { kind: 'partial', items: [{ ...item, index: -1 }] },
    { kind: 'partial', items: [item, item] },
    { kind: 'partial', items: [{ ...item, index: 0.5 }] },
  ]
  rig.sink.reply = () => answers.shift() ?? ACK
  await rig.add(numbered(0, 2))
  await rig.clock.pass(10_000)
  t.equal(rig.sink.requests.length, 5)
  t.ok(rig.sink.requests.every(({ payload }: { payload: Payload }) => payload.events === 2))
  t.equal(rig.letters.lines.length, 0)
  t.equal(rig.counts.delivered[0], 2)
  checkDone(t, rig)
})
