import fc from 'fast-check'
import t from 'tap'
import { Limiter, NEAR_MS } from '../../../../src/pipeline/dispatch/limits/limiter.ts'
import type { Quota, RateLimit } from '../../../../src/pipeline/dispatch/limits/limiter.ts'

const cost = (events: number, bytes: number) => ({ events, bytes })
const ONE = cost(1, 1)
const perTenant = (limit: RateLimit, maxKeys = 10) => ({ ...limit, per: { field: 'tenant', maxKeys } })

t.test('slow rates work', async (t) => {
  const limiter = new Limiter({ requestsPerSecond: 0.1 }, 0)
  t.equal(limiter.waitMs('', ONE, 0), 10_000)
  t.equal(limiter.waitMs('', ONE, 10_000), 0)
  limiter.take('', ONE, 10_000)
  t.equal(limiter.waitMs('', ONE, 15_000), 5000)
})

t.test('bursts', async (t) => {
  const limiter = new Limiter({ eventsPerSecond: 0.1, bytesPerSecond: 50 }, 0)
  t.equal(limiter.maxEvents, 1, 'one event at least')
  t.equal(limiter.maxBytes, 50, 'as many as in a second')
  const unlimited = new Limiter({}, 0)
  t.strictSame(
    [unlimited.maxEvents, unlimited.maxBytes, unlimited.waitMs('', cost(1e9, 1e9), 0)],
    [Infinity, Infinity, 0],
  )
  const burst = new Limiter({ requestsPerSecond: 1, burst: 3 }, 0)
  for (let request = 0; request < 3; request++) burst.take('', ONE, 60_000)
  t.equal(burst.waitMs('', ONE, 60_000), 1000)
  const leaky = new Limiter({ requestsPerSecond: 10, burst: 3, algorithm: 'leaky_bucket' }, 0)
  leaky.take('', ONE, 60_000)
  t.equal(leaky.waitMs('', ONE, 60_000), 100, 'a leaky bucket has none')
})

t.test('the longest wait counts', async (t) => {
  const rates = { requestsPerSecond: 10, eventsPerSecond: 100, bytesPerSecond: 1000 }
  const limiter = new Limiter(rates, 0)
  t.equal(limiter.waitMs('', ONE, 0), 100)
  t.equal(limiter.waitMs('', cost(50, 1), 0), 500)
  t.equal(limiter.waitMs('', cost(50, 900), 0), 900)
})

t.test('one limit for the sink, whatever the key', async (t) => {
  const limiter = new Limiter({ requestsPerSecond: 1 }, 0)
  limiter.take('a', ONE, 1000)
  t.equal(limiter.waitMs('b', ONE, 1000), 1000)
  t.match(limiter.status(1000), { keys: 0, waitingKeys: 1, sharedRequests: 0 })
})

t.test('each key has its own', async (t) => {
  for (const per of ['source', { field: 'tenant', maxKeys: 10 }] as const) {
    const limiter = new Limiter({ requestsPerSecond: 1, per }, 0)
    for (const key of ['', 'a', 'b', '__proto__']) limiter.waitMs(key, ONE, 0)
    t.match(limiter.status(0), { keys: 4, waitingKeys: 4 })
    limiter.take('a', ONE, 1000)
    t.strictSame(
      ['', 'a', 'b', '__proto__'].map((key) => limiter.waitMs(key, ONE, 1000)),
      [0, 1000, 0, 0],
    )
    t.match(limiter.status(1000), { keys: 4, waitingKeys: 4 })
  }
})

t.test('near the limit are requests that wait again, not those that wait first', async (t) => {
  const limiter = new Limiter(perTenant({ requestsPerSecond: 1 }), 0)
  limiter.waitMs('a', ONE, 0)
  t.notOk(limiter.near(0), 'every bucket begins empty')
  limiter.take('a', ONE, 1000)
  t.notOk(limiter.near(1000))
  limiter.waitMs('a', ONE, 1500)
  t.ok(limiter.near(1500))
  t.ok(limiter.near(1499 + NEAR_MS))
  t.notOk(limiter.near(1500 + NEAR_MS))
})

t.test('when a batch would go if it was cut now', async (t) => {
  const limiter = new Limiter({ requestsPerSecond: 2, burst: 1, eventsPerSecond: 10 }, 0)
  t.equal(limiter.turnMs(0, 0), 500)
  t.equal(limiter.turnMs(3, 0), 2000)
  t.equal(limiter.turnMs(0, 500), 0, 'what it carries is not asked')
  limiter.take('', cost(30, 1), 10_000)
  t.equal(limiter.turnMs(0, 10_000), 2000, 'debts are')
  t.equal(new Limiter({}, 0).turnMs(5, 0), 0)
})

t.test('a key that has rested makes room for another', async (t) => {
  let full = 0
  const limiter = new Limiter(perTenant({ requestsPerSecond: 1, burst: 2 }, 2), 0, null, () => full++)
  limiter.waitMs('a', ONE, 0)
  limiter.waitMs('b', ONE, 0)
  limiter.take('b', ONE, 2000)
  t.equal(limiter.waitMs('c', ONE, 2000), 1000, 'it begins anew with an empty bucket')
  t.match(limiter.status(2000), { keys: 2 })
  t.equal(limiter.waitMs('b', ONE, 2000), 0, 'who has not rested stays')
  t.equal(full, 0)
})

t.test('who is about to send is not robbed of a full bucket', async (t) => {
  const limiter = new Limiter(perTenant({ requestsPerSecond: 1, burst: 1 }, 1), 0)
  t.equal(limiter.waitMs('a', ONE, 0), 1000)
  t.equal(limiter.waitMs('b', ONE, 1000), 0, 'from the bucket that others share')
  t.equal(limiter.waitMs('a', ONE, 1000), 0, 'its own')
  limiter.take('a', ONE, 1500)
  t.equal(limiter.waitMs('b', ONE, 1500), 0)
})

t.test('keys beyond max_keys share one limit while none has rested', async (t) => {
  let full = 0
  const limiter = new Limiter(perTenant({ requestsPerSecond: 1 }, 2), 0, null, () => full++)
  for (const key of ['a', 'b']) limiter.take(key, ONE, 1000)
  t.equal(limiter.waitMs('c', ONE, 1500), 0)
  limiter.take('c', ONE, 1500)
  t.equal(limiter.waitMs('d', ONE, 1500), 1000)
  t.match(limiter.status(1500), { keys: 2, sharedRequests: 1 })
  t.equal(full, 1, 'told once')
  limiter.waitMs('e', ONE, 1500)
  t.equal(full, 1)
})

t.test('the quota of the day', async (t) => {
  const asked: unknown[] = []
  const quota: Quota = {
    waitMs: (key, bytes) => {
      asked.push([key, bytes])
      return key === 'a' ? 5000 : 0
    },
    take: (key, bytes) => asked.push(['take', key, bytes]),
    usedUp: 1,
    untilTomorrowMs: 5000,
  }
  const rates = perTenant({ requestsPerSecond: 1, bytesPerDay: 1000 })
  const limiter = new Limiter(rates, 0, quota)
  t.equal(limiter.maxBytes, 1000)
  t.equal(limiter.waitMs('a', cost(1, 7), 2000), 5000)
  t.equal(limiter.waitMs('b', cost(1, 7), 2000), 1000)
  limiter.take('b', cost(1, 7), 2000)
  t.strictSame(asked, [
    ['a', 7],
    ['b', 7],
    ['take', 'b', 7],
  ])
  t.match(limiter.status(2000), { quotaUsedUp: { keys: 1, forMs: 5000 } })
})

t.test('the quota of a sink is one, whatever the key', async (t) => {
  const asked: string[] = []
  const quota: Quota = {
    waitMs: (key) => (asked.push(key), 0),
    take: (key) => void asked.push(key),
    usedUp: 0,
    untilTomorrowMs: 5000,
  }
  const limiter = new Limiter({ bytesPerDay: 1000 }, 0, quota)
  limiter.waitMs('push', ONE, 0)
  limiter.take('push', ONE, 0)
  limiter.turnMs(0, 0)
  t.strictSame(asked, ['', '', ''])
})

t.test('what has to wait in line has no limit of its own', async (t) => {
  t.equal(new Limiter({ requestsPerSecond: 1 }, 0).ownWaitMs('a', ONE, 0), 0)
  const limiter = new Limiter(perTenant({ requestsPerSecond: 1 }), 0)
  t.equal(limiter.ownWaitMs('a', ONE, 0), 1000)
  t.equal(limiter.turnMs(0, 0), 0, 'nor a turn')
  t.match(limiter.status(0), { keys: 1 }, 'asking for a turn takes no place among the keys')
})

t.test('many keys, more than there are limits for: each keeps to its own', async (t) => {
  const step = fc.record({
    stepMs: fc.nat(400),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    events: fc.nat(9),
  })
  const property = fc.property(
    fc.integer({ min: 1, max: 5 }),
    fc.boolean(),
    fc.array(step, { maxLength: 120 }),
    (maxKeys, isLeaky, steps) => {
      const algorithm = isLeaky ? 'leaky_bucket' : 'token_bucket'
      const rates = { requestsPerSecond: 4, burst: 2, eventsPerSecond: 9, algorithm } as const
      const limiter = new Limiter(perTenant(rates, maxKeys), 0)
      const taken: { atMs: number; key: string; events: number }[] = []
      let nowMs = 0
      for (const { stepMs, key, events } of steps) {
        nowMs += stepMs
        if (limiter.waitMs(key, cost(events, 1), nowMs) > 0) continue
        limiter.take(key, cost(events, 1), nowMs)
        taken.push({ atMs: nowMs, key, events })
      }
      for (const [first, { key, atMs: fromMs }] of taken.entries()) {
        let requests = 0
        let events = 0
        for (const later of taken.slice(first)) {
          if (later.key !== key) continue
          const seconds = (later.atMs - fromMs) / 1000
          if (++requests > (isLeaky ? 1 : 2) + 4 * seconds + 1e-6) return false
          if ((events += later.events) > 9 + 9 * seconds + 1e-6) return false
        }
      }
      return true
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})
