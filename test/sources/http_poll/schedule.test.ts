/** When polls begin, by a clock of our own. */
import t from 'tap'
import { Schedule } from '../../../src/sources/http_poll/schedule.ts'
import { ManualClock } from '../../dlq/fixtures/manual-clock.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'

function rig(concurrency: number) {
  const clock = new ManualClock()
  const begun: string[] = []
  const gate = { open: true }
  const schedule = new Schedule({
    clock,
    concurrency: () => concurrency,
    mayBegin: () => gate.open,
    begin: (index) => begun.push(`${index}@${clock.now()}`),
  })
  return { clock, begun, gate, schedule }
}

t.test('each begins when it is due, and not again before it is planned', async (t) => {
  const { clock, begun, schedule } = rig(4)
  schedule.plan(1, 30)
  schedule.plan(0, 10)
  t.same([schedule.dueAtMs(0), schedule.dueAtMs(1), schedule.dueAtMs(2)], [10, 30, Infinity])
  clock.advance(9)
  t.same(begun, [])
  clock.advance(1)
  t.same(begun, ['0@10'])
  t.same([schedule.underWay, schedule.dueAtMs(0)], [1, Infinity])
  clock.advance(1000)
  t.same(begun, ['0@10', '1@30'])
  schedule.plan(0, 0)
  t.same(begun.at(-1), '0@1010', 'what is overdue begins at once')
  t.equal(clock.timerCount, 0)
})

t.test('no more than may be under way at once; the one that is due longest goes first', async (t) => {
  const { clock, begun, schedule } = rig(2)
  for (const [index, due] of [5, 4, 3, 2, 1].entries()) schedule.plan(index, due)
  clock.advance(100)
  t.same(begun, ['4@1', '3@2'])
  schedule.plan(4, 101)
  t.same(begun.slice(2), ['2@100'])
  schedule.plan(3, 100)
  t.same(begun.slice(3), ['1@100'])
  schedule.plan(1, 500)
  schedule.plan(2, 500)
  t.same(begun.slice(4), ['0@100', '3@100'])
  t.equal(schedule.underWay, 2)
})

t.test('a closed gate holds all back until it is told', async (t) => {
  const { clock, begun, gate, schedule } = rig(2)
  gate.open = false
  schedule.plan(0, 10)
  schedule.plan(1, 20)
  clock.advance(50)
  t.same(begun, [])
  t.equal(clock.timerCount, 0, 'nothing is looked at meanwhile')
  gate.open = true
  schedule.wake()
  t.same(begun, ['0@50', '1@50'])
})

t.test('after a stop none begins, and no timer is left', async (t) => {
  const { clock, begun, schedule } = rig(1)
  schedule.plan(0, 10)
  schedule.plan(1, 20)
  t.equal(clock.timerCount, 1)
  schedule.stop()
  t.equal(clock.timerCount, 0)
  clock.advance(50)
  schedule.plan(0, 0)
  schedule.wake()
  t.same(begun, [])
})

t.test('over a long time: never twice at once, never too many, and all have their turn', async (t) => {
  for (const concurrency of [1, 3, 8]) {
    const random = seededRandom(concurrency)
    const clock = new ManualClock()
    const underWay = new Set<number>()
    const turns = Array.from({ length: 20 }, () => 0)
    let longestWaitMs = 0
    const due = new Map<number, number>()
    const plan = (index: number, dueAtMs: number) => {
      due.set(index, dueAtMs)
      schedule.plan(index, dueAtMs)
    }
    const schedule: Schedule = new Schedule({
      clock,
      concurrency: () => concurrency,
      mayBegin: () => true,
      begin: (index) => {
        if (underWay.has(index)) t.fail('twice at once')
        underWay.add(index)
        if (underWay.size > concurrency) t.fail('too many')
        turns[index]!++
        longestWaitMs = Math.max(longestWaitMs, clock.now() - due.get(index)!)
        const startedAtMs = clock.now()
        clock.setTimeout(
          () => {
            underWay.delete(index)
            plan(index, startedAtMs + 1000)
          },
          Math.ceil(random() * 300),
        )
      },
    })
    for (const index of turns.keys()) plan(index, random() * 100)
    clock.advance(100_000)
    t.ok(
      Math.min(...turns) > Math.max(...turns) * 0.9,
      `${Math.min(...turns)} to ${Math.max(...turns)} turns`,
    )
    // At most all others go first, each at its longest.
    t.ok(longestWaitMs <= (turns.length / concurrency) * 300 + 300, `${longestWaitMs} ms`)
  }
})

t.test('what is over as soon as it begins leaves no timer behind', async (t) => {
  const clock = new ManualClock()
  const schedule: Schedule = new Schedule({
    clock,
    concurrency: () => 2,
    mayBegin: () => true,
    begin: (index) => schedule.plan(index, clock.now() + 100),
  })
  schedule.plan(0, 10)
  schedule.plan(1, 10)
  clock.advance(10)
  t.equal(clock.timerCount, 1)
  schedule.stop()
  t.equal(clock.timerCount, 0)
})
