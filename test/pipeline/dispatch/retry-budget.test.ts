import fc from 'fast-check'
import t from 'tap'
import {
  RETRIES_PER_SECOND,
  RETRIES_PER_SEND,
  RETRY_RESERVE,
  RetryBudget,
} from '../../../src/pipeline/dispatch/retry-budget.ts'

t.test('it starts empty, and a floor is always there', async (t) => {
  const budget = new RetryBudget(5000)
  t.equal(budget.waitMs(5000), 100)
  t.equal(budget.waitMs(5100), 0)
  t.equal(budget.waitMs(5100, 3), 200, 'three of them')
  budget.spend(5100)
  t.equal(budget.waitMs(5100), 100)
})

t.test('five first sends earn a retry', async (t) => {
  const budget = new RetryBudget(0)
  for (let send = 0; send < 5; send++) budget.earned(0)
  t.equal(budget.waitMs(0), 0)
  budget.spend(0)
  budget.earned(0)
  t.equal(budget.waitMs(0), 80)
})

t.test('the reserve is bounded', async (t) => {
  const budget = new RetryBudget(0)
  for (let send = 0; send < 10_000; send++) budget.earned(3_600_000)
  let retries = 0
  for (; budget.waitMs(3_600_000) === 0; retries++) budget.spend(3_600_000)
  t.equal(retries, RETRY_RESERVE)
})

t.test(
  'in every time of t seconds at most the reserve, the floor, and a part of the first sends',
  async () => {
    const step = fc.record({
      pauseMs: fc.oneof(fc.nat(5), fc.nat(3000), fc.double({ min: 0, max: 100, noNaN: true })),
      sends: fc.nat(60),
      wanted: fc.nat(60),
    })
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new RetryBudget(0)
      const done: { atMs: number; sends: number; retries: number }[] = []
      let atMs = 0
      for (const { pauseMs, sends, wanted } of steps) {
        atMs += pauseMs
        for (let send = 0; send < sends; send++) budget.earned(atMs)
        let retries = 0
        for (; retries < wanted && budget.waitMs(atMs) === 0; retries++) budget.spend(atMs)
        done.push({ atMs, sends, retries })
      }
      return done.every((_, first) => {
        let [sends, retries] = [0, 0]
        return done.slice(first).every((last) => {
          sends += last.sends
          retries += last.retries
          const seconds = (last.atMs - done[first]!.atMs) / 1000
          return retries <= RETRY_RESERVE + RETRIES_PER_SECOND * seconds + RETRIES_PER_SEND * sends + 0.001
        })
      })
    })
    fc.assert(property, { numRuns: 300 })
  },
)

t.test('who waits as long as told may go', async () => {
  const property = fc.property(fc.array(fc.double({ min: 0, max: 400, noNaN: true })), (pauses) => {
    const budget = new RetryBudget(0)
    let atMs = 0
    return pauses.every((pauseMs) => {
      atMs += pauseMs
      atMs += budget.waitMs(atMs)
      const may = budget.waitMs(atMs) === 0
      budget.spend(atMs)
      return may
    })
  })
  fc.assert(property, { numRuns: 300 })
})
