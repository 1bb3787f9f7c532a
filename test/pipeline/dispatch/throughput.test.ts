/** How much goes out where the receiver, or the operator, says what may; and whose turn it is after an outage. */
import t from 'tap'
import { BULK, FAST } from '../../../src/journal/log.ts'
import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import type { Outcome, Sink } from '../../../src/pipeline/sink.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { Rig } from './rig.ts'

const LATENCY_MS = 20
const SECONDS = 60
const EVENTS_A_FRAME = 50
const SLABS = 40

/** Sends for a minute before a receiver that never runs short of events; how many requests and events it took. */
async function takenInAMinute(
  config: Partial<DispatcherConfig>,
  judge: (nowMs: number) => Outcome = () => ({ kind: 'ack' }),
): Promise<{ requests: number; events: number; refused: number }> {
  let requests = 0
  let refused = 0
  const sink: Sink = {
    start: async () => {},
    stop: async () => {},
    send: () => {
      const outcome = judge(rig.clock.now())
      if (outcome.kind === 'ack') requests++
      else refused++
      return new Promise((resolve) => void rig.clock.setTimeout(() => resolve(outcome), LATENCY_MS))
    },
  }
  const batch = { maxBytes: 4096, maxEvents: 10, maxAgeMs: 50 }
  const retry = { initialMs: 1000, maxMs: 30_000 }
  const request = { timeoutMs: 5000, concurrency: 'adaptive' } as const
  const random = seededRandom(7)
  const rig = new Rig({ batch, retry, request, ...config }, { sink, random }, SLABS)
  const { clock, counts } = rig
  const endMs = clock.now() + SECONDS * 1000
  let n = 0
  while (clock.now() < endMs) {
    while (rig.slabsInUse < SLABS / 2)
      rig.commit(
        0,
        Array.from({ length: EVENTS_A_FRAME }, () => ({ text: `{"n":${n++}}` })),
      )
    await clock.step(100)
  }
  const events = counts.delivered[BULK]! + counts.delivered[FAST]!
  const stopped = rig.dispatcher.stop()
  await clock.pass(5000)
  await stopped
  return { requests, events, refused }
}

t.test('nine tenths of a configured rate, at least', async (t) => {
  for (const algorithm of ['token_bucket', 'leaky_bucket'] as const) {
    const byRequests = await takenInAMinute({ rateLimit: { requestsPerSecond: 8, algorithm } })
    t.ok(byRequests.requests >= 0.9 * 8 * SECONDS, `${byRequests.requests} requests, ${algorithm}`)
    const byEvents = await takenInAMinute({ rateLimit: { eventsPerSecond: 120, algorithm } })
    t.ok(byEvents.events >= 0.9 * 120 * SECONDS, `${byEvents.events} events, ${algorithm}`)
  }
})

t.test('nine tenths of what a receiver takes that says when to come back', async (t) => {
  for (const [perSecond, burst] of [
    [5, 5],
    [50, 50],
  ] as const) {
    let tokens = burst as number
    let atMs = 1000
    const { requests, refused } = await takenInAMinute({}, (nowMs) => {
      tokens = Math.min(burst, tokens + ((nowMs - atMs) * perSecond) / 1000)
      atMs = nowMs
      if (tokens >= 1) {
        tokens--
        return { kind: 'ack' }
      }
      const afterMs = 1000 * Math.ceil((1 - tokens) / perSecond)
      return { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429, afterMs }
    })
    const possible = perSecond * SECONDS
    t.ok(requests >= 0.9 * possible, `${requests} of ${possible}, ${refused} refused`)
  }
})

t.test('after an outage severe events go first, and bulk has its fourth', async (t) => {
  const rig = new Rig({
    batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
    rateLimit: { requestsPerSecond: 10, burst: 1 },
    breaker: { failures: 3, cooldownMs: 1000, maxCooldownMs: 1000 },
    request: { timeoutMs: 5000, concurrency: 4 },
  })
  rig.sink.reply = () => ({ kind: 'retry', category: 'connect', reason: 'down' })
  for (let n = 0; n < 20; n++) {
    const record = (fast: boolean) => ({ text: `{"fast":${fast},"n":${n}}`, fast })
    rig.commit(0, [record(false), record(false), record(true)])
    await rig.clock.pass(100)
  }
  await rig.clock.pass(10_000)
  const healedAfter = rig.sink.requests.length
  rig.sink.reply = () => ({ kind: 'ack' })
  await rig.clock.pass(20_000)
  const sent = rig.sink.requests.slice(healedAfter).map(({ text }) => text.includes('true'))
  t.equal(sent.length, 60, 'each is sent once')
  const last = sent.lastIndexOf(true)
  t.ok(last <= 20 + 20 / 3 + 4, `all that is severe within ${last + 1} requests`)
  t.ok(sent.slice(0, last).includes(false), 'bulk is not kept waiting')
})
