import fc from 'fast-check'
import t from 'tap'
import { LeakyBuckets, TokenBuckets } from '../../../../src/pipeline/dispatch/limits/buckets.ts'
import type { Buckets } from '../../../../src/pipeline/dispatch/limits/buckets.ts'

const SLOT = 1

function tokens(perSecond: number, burst: number, nowMs: number): Buckets {
  const buckets = new TokenBuckets(perSecond, burst, 2)
  buckets.begin(SLOT, nowMs)
  return buckets
}

function leaky(perSecond: number, largestCost: number, nowMs: number): Buckets {
  const buckets = new LeakyBuckets(perSecond, largestCost, 2)
  buckets.begin(SLOT, nowMs)
  return buckets
}

t.test('a token bucket begins empty and holds no more than its burst', async (t) => {
  const bucket = tokens(10, 5, 1000)
  t.equal(bucket.waitMs(SLOT, 1, 1000), 100)
  t.equal(bucket.waitMs(SLOT, 1, 1100), 0)
  t.notOk(bucket.isRested(SLOT, 1100))
  t.equal(bucket.waitMs(SLOT, 5, 100_000), 0)
  t.ok(bucket.isRested(SLOT, 100_000))
  bucket.take(SLOT, 5, 100_000)
  t.equal(bucket.waitMs(SLOT, 5, 100_000), 500)
  t.equal(bucket.waitMs(SLOT, 1, 99_000), 100, 'a time that went back adds nothing')
})

t.test('what exceeds the burst waits for a full bucket and is paid for later', async (t) => {
  const bucket = tokens(10, 5, 0)
  t.equal(bucket.waitMs(SLOT, 20, 0), 500)
  bucket.take(SLOT, 20, 500)
  t.equal(bucket.waitMs(SLOT, 1, 500), 1600)
})

t.test('a leaky bucket lets the next go when the last has drained, and saves nothing', async (t) => {
  const bucket = leaky(10, 5, 1000)
  t.equal(bucket.waitMs(SLOT, 5, 1000), 100, 'as if one had just been sent')
  t.equal(bucket.waitMs(SLOT, 5, 1100), 0)
  bucket.take(SLOT, 5, 1100)
  t.equal(bucket.waitMs(SLOT, 1, 1100), 500)
  t.notOk(bucket.isRested(SLOT, 1500))
  t.equal(bucket.waitMs(SLOT, 1, 60_000), 0)
  t.ok(bucket.isRested(SLOT, 60_000))
  bucket.take(SLOT, 1, 60_000)
  t.equal(bucket.waitMs(SLOT, 1, 60_000), 100)
  t.equal(bucket.waitMs(SLOT, 1, 59_000), 1100)
})

t.test('the turn of one behind others', async (t) => {
  const token = tokens(10, 5, 0)
  t.equal(token.turnMs(SLOT, 12, 0), 1200, 'each takes its token as soon as it is there')
  token.take(SLOT, 3, 1000)
  t.equal(token.turnMs(SLOT, 2, 1000), 0)
  t.equal(token.turnMs(SLOT, 4, 1000), 200)
  const drop = leaky(10, 1, 0)
  t.equal(drop.turnMs(SLOT, 1, 0), 100)
  t.equal(drop.turnMs(SLOT, 3, 0), 300)
  t.equal(drop.turnMs(SLOT, 3, 5000), 200)
})

t.test('slots know nothing of each other', async (t) => {
  const buckets = new TokenBuckets(10, 5, 3)
  for (const slot of [0, 1, 2]) buckets.begin(slot, 0)
  buckets.take(1, 5, 1000)
  t.strictSame(
    [0, 1, 2].map((slot) => buckets.waitMs(slot, 5, 1000)),
    [0, 500, 0],
  )
})

const demands = fc.array(
  fc.record({
    // Time stands still, goes on, idles for long, and goes back.
    stepMs: fc.oneof(
      fc.constant(0),
      fc.nat(5),
      fc.nat(60_000),
      fc.double({ min: 0, max: 100, noNaN: true }),
      fc.integer({ min: -200, max: -1 }),
    ),
    cost: fc.integer({ min: 1, max: 40 }),
  }),
  { maxLength: 80 },
)
const rates = fc.oneof(
  fc.double({ min: 0.01, max: 1000, noNaN: true }),
  fc.constantFrom(0.001, 1, 7, 10, 1000, 1e6),
)

interface Taking {
  readonly atMs: number
  readonly cost: number
}

/** What is taken when everything is asked for that may be; times are those of the clock at its furthest. */
function takings(
  bucket: Buckets,
  steps: readonly { readonly stepMs: number; readonly cost: number }[],
): Taking[] {
  const taken: Taking[] = []
  let nowMs = 0
  let furthestMs = 0
  for (const { stepMs, cost } of steps) {
    nowMs = Math.max(0, nowMs + stepMs)
    furthestMs = Math.max(furthestMs, nowMs)
    if (bucket.waitMs(SLOT, cost, nowMs) > 0) continue
    bucket.take(SLOT, cost, nowMs)
    taken.push({ atMs: furthestMs, cost })
  }
  return taken
}

/** In every window of t seconds at most `atOnce + rate * t`. */
function keepsTo(taken: readonly Taking[], atOnce: number, perSecond: number): boolean {
  for (const [first, { atMs: fromMs }] of taken.entries()) {
    let sum = 0
    for (let index = first; index < taken.length; index++) {
      sum += taken[index]!.cost
      const seconds = (taken[index]!.atMs - fromMs) / 1000
      if (sum > atOnce + perSecond * seconds + 1e-6) return false
    }
  }
  return true
}

t.test('tokens: in every window of t seconds at most burst + rate x t', async (t) => {
  const property = fc.property(
    rates,
    fc.integer({ min: 40, max: 100 }),
    demands,
    (perSecond, burst, steps) => {
      const taken = takings(tokens(perSecond, burst, 0), steps)
      let sum = 0
      for (const { atMs, cost } of taken) {
        sum += cost
        // Empty at the start: what was taken since then came from the rate alone.
        if (sum > (perSecond * atMs) / 1000 + 1e-6) return false
      }
      return keepsTo(taken, burst, perSecond)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

t.test('leaky: in every window of t seconds at most the largest cost + rate x t', async (t) => {
  const property = fc.property(rates, demands, (perSecond, steps) => {
    const taken = takings(leaky(perSecond, 40, 0), steps)
    const largest = Math.max(0, ...taken.map(({ cost }) => cost))
    if (taken.some(({ atMs }) => atMs < 1000 / perSecond - 1e-6)) return false
    return keepsTo(taken, largest, perSecond)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

t.test('one that rested can begin anew, and the windows still hold', async (t) => {
  const property = fc.property(rates, fc.boolean(), demands, (perSecond, isLeaky, steps) => {
    const make = isLeaky ? leaky : tokens
    const bucket = make(perSecond, 40, 0)
    const taken: Taking[] = []
    let nowMs = 0
    for (const { stepMs, cost } of steps) {
      nowMs += Math.max(0, stepMs)
      if (bucket.isRested(SLOT, nowMs)) bucket.begin(SLOT, nowMs)
      if (bucket.waitMs(SLOT, cost, nowMs) > 0) continue
      bucket.take(SLOT, cost, nowMs)
      taken.push({ atMs: nowMs, cost })
    }
    return keepsTo(taken, 40, perSecond)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('who waits as long as told may send', async (t) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 30 })
  const property = fc.property(rates, fc.boolean(), sizes, (perSecond, isLeaky, costs) => {
    const bucket = (isLeaky ? leaky : tokens)(perSecond, 10, 0)
    let nowMs = 0
    for (const cost of costs) {
      // A timer has whole milliseconds.
      nowMs += Math.ceil(bucket.waitMs(SLOT, cost, nowMs))
      if (bucket.waitMs(SLOT, cost, nowMs) > 1e-6) return false
      bucket.take(SLOT, cost, nowMs)
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property))
})
