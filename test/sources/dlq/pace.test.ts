import t from 'tap'
import type { Clock } from '../../../src/base/clock.ts'
import { Pace } from '../../../src/sources/dlq/pace.ts'

class Hands implements Clock {
  nowMs = 0
  now = () => this.nowMs
  wallClock = () => this.nowMs
  setTimeout = () => ({ clear() {} })
}

/** What is spent when all that is there is taken every so often: [at, tokens]. */
function spending(rate: number, everyMs: number, pauses: ReadonlySet<number>): [number, number][] {
  const clock = new Hands()
  const pace = new Pace(rate, clock)
  const spent: [number, number][] = []
  for (let tick = 0; tick < 2000; tick++) {
    clock.nowMs = tick * everyMs
    if (pauses.has(Math.floor(tick / 100))) continue
    const tokens = pace.available
    pace.spend(tokens)
    spent.push([clock.nowMs, tokens])
  }
  return spent
}

void t.test('in no window more than the rate and a tenth of a second of it, or one', async (t) => {
  for (const [rate, everyMs] of [
    [1000, 20],
    [7, 13],
    [0.5, 100],
    [100_000, 3],
  ] as const) {
    const spent = spending(rate, everyMs, new Set([2, 3, 7]))
    let worst = -Infinity
    for (let from = 0; from < spent.length; from += 17) {
      let sum = 0
      for (let to = from; to < spent.length; to++) {
        sum += spent[to]![1]
        const seconds = (spent[to]![0] - spent[from]![0]) / 1000
        worst = Math.max(worst, sum - rate * seconds - Math.max(1, rate / 10))
      }
    }
    t.ok(worst <= 1e-6, `${rate} a second: ${worst} above`)
    const total = spent.reduce((sum, [, tokens]) => sum + tokens, 0)
    const seconds = (spent.length * everyMs) / 1000
    t.ok(total >= rate * seconds * 0.97 - 1, `${total} in ${seconds} s`)
  }
  t.equal(new Pace(1000, new Hands()).available, 0, 'it starts empty')
})
