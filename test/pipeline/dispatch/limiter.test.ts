import fc from 'fast-check'
import t from 'tap'
import { Limiter, TokenBucket } from '../../../src/pipeline/dispatch/limiter.ts'

t.test('a bucket starts empty and holds no more than its burst', async (t) => {
  const bucket = new TokenBucket(10, 5, 1000)
  t.equal(bucket.waitMs(1, 1000), 100)
  t.equal(bucket.waitMs(1, 1100), 0)
  t.equal(bucket.waitMs(5, 100_000), 0)
  bucket.take(5, 100_000)
  t.equal(bucket.waitMs(5, 100_000), 500)
  t.equal(bucket.waitMs(1, 99_000), 100, 'a time that went back adds nothing')
})

t.test('what exceeds the burst waits for a full bucket and is paid for later', async (t) => {
  const bucket = new TokenBucket(10, 5, 0)
  t.equal(bucket.waitMs(20, 0), 500)
  bucket.take(20, 500)
  t.equal(bucket.waitMs(1, 500), 1600)
})

t.test('slow rates work', async (t) => {
  const limiter = new Limiter({ requestsPerSecond: 0.1 }, 100, 0)
  t.equal(limiter.waitMs(1, 1, 0), 10_000)
  t.equal(limiter.waitMs(1, 1, 10_000), 0)
  limiter.take(1, 1, 10_000)
  t.equal(limiter.waitMs(1, 1, 15_000), 5000)
})

t.test('bursts', async (t) => {
  const limiter = new Limiter({ eventsPerSecond: 0.1, bytesPerSecond: 50 }, 100, 0)
  t.equal(limiter.maxEvents, 1, 'one event at least')
  t.equal(limiter.maxBytes, 100, 'the largest event at least')
  const unlimited = new Limiter({}, 100, 0)
  t.strictSame(
    [unlimited.maxEvents, unlimited.maxBytes, unlimited.waitMs(1e9, 1e9, 0)],
    [Infinity, Infinity, 0],
  )
  const burst = new Limiter({ requestsPerSecond: 1, burst: 3 }, 100, 0)
  for (let request = 0; request < 3; request++) burst.take(1, 1, 60_000)
  t.equal(burst.waitMs(1, 1, 60_000), 1000)
})

t.test('the longest wait counts', async (t) => {
  const limiter = new Limiter({ requestsPerSecond: 10, eventsPerSecond: 100, bytesPerSecond: 1000 }, 100, 0)
  t.equal(limiter.waitMs(1, 1, 0), 100)
  t.equal(limiter.waitMs(50, 1, 0), 500)
  t.equal(limiter.waitMs(50, 900, 0), 900)
})

t.test('in every window of t seconds at most burst + rate x t', async (t) => {
  const step = fc.record({
    pauseMs: fc.oneof(fc.nat(5), fc.nat(5000), fc.double({ min: 0, max: 100, noNaN: true })),
    tokens: fc.integer({ min: 1, max: 40 }),
  })
  const property = fc.property(
    fc.double({ min: 0.01, max: 1000, noNaN: true }),
    fc.integer({ min: 40, max: 100 }),
    fc.array(step, { maxLength: 60 }),
    (perSecond, burst, steps) => {
      const bucket = new TokenBucket(perSecond, burst, 0)
      const taken: { atMs: number; tokens: number }[] = [{ atMs: 0, tokens: 0 }]
      let nowMs = 0
      for (const { pauseMs, tokens } of steps) {
        nowMs += pauseMs
        if (bucket.waitMs(tokens, nowMs) > 0) continue
        bucket.take(tokens, nowMs)
        taken.push({ atMs: nowMs, tokens })
      }
      for (let from = 0; from < taken.length; from++) {
        let sum = 0
        for (const { atMs, tokens } of taken.slice(from)) {
          sum += tokens
          const seconds = (atMs - taken[from]!.atMs) / 1000
          if (sum > burst + perSecond * seconds + 1e-6) return false
          // Empty at the start: what was taken since then came from the rate alone.
          if (from === 0 && sum > perSecond * seconds + 1e-6) return false
        }
      }
      return true
    },
  )
  t.doesNotThrow(() => fc.assert(property))
})

t.test('who waits as long as told may send', async (t) => {
  const property = fc.property(
    fc.double({ min: 0.01, max: 1000, noNaN: true }),
    fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 30 }),
    (perSecond, sizes) => {
      const bucket = new TokenBucket(perSecond, 10, 0)
      let nowMs = 0
      for (const tokens of sizes) {
        // A timer has whole milliseconds.
        nowMs += Math.ceil(bucket.waitMs(tokens, nowMs))
        if (bucket.waitMs(tokens, nowMs) > 1e-6) return false
        bucket.take(tokens, nowMs)
      }
      return true
    },
  )
  t.doesNotThrow(() => fc.assert(property))
})
