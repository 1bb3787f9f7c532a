/** A destination that takes so many requests a second, and refuses others at once, without saying for how long. */
import t from 'tap'
import type { Clock } from '../../../src/base/clock.ts'
import { BULK } from '../../../src/journal/log.ts'
import type { Outcome, Sink } from '../../../src/pipeline/sink.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { Rig } from './rig.ts'
import { settled } from './simulated-clock.ts'

interface Throttle {
  readonly perSecond: number
  readonly burst: number
  readonly rttMs: number
  readonly refusalMs: number
}

const THROTTLED: Outcome = { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429 }
const EVENTS_A_FRAME = 100
/** Frames kept waiting: there is always more to send. */
const FRAMES_AHEAD = 20
const DURATION_MS = 20_000
/** `retry.max`, for what had failed most often, and the budget for retries. */
const RECOVERY_MS_MAX = 40_000

class ThrottlingSink implements Sink {
  refused = 0
  healed = false
  readonly #throttle: Throttle
  readonly #clock: () => Clock
  readonly #random = seededRandom(7)
  #tokens: number
  #atMs = 0

  constructor(throttle: Throttle, clock: () => Clock) {
    this.#throttle = throttle
    this.#clock = clock
    this.#tokens = throttle.burst
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  send(): Promise<Outcome> {
    const { perSecond, burst, rttMs, refusalMs } = this.#throttle
    const clock = this.#clock()
    const nowMs = clock.now()
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * perSecond) / 1000)
    this.#atMs = nowMs
    const takes = this.healed || this.#tokens >= 1
    if (takes) this.#tokens--
    else this.refused++
    const afterMs = takes ? rttMs * (1 + 0.1 * this.#random()) : refusalMs
    return new Promise((resolve) => {
      clock.setTimeout(() => resolve(takes ? { kind: 'ack' } : THROTTLED), afterMs)
    })
  }
}

/** Shares of the second are of what it could take; of the third, of the requests that were sent. */
const cases: readonly [what: string, throttle: Throttle, deliveredMin: number, refusedMax: number][] = [
  ['a few', { perSecond: 5, burst: 5, rttMs: 20, refusalMs: 2 }, 0.9, 0.45],
  ['fewer than one at once', { perSecond: 50, burst: 10, rttMs: 5, refusalMs: 1 }, 0.9, 0.35],
  ['one or two at once', { perSecond: 50, burst: 10, rttMs: 20, refusalMs: 2 }, 0.9, 0.35],
  ['five at once', { perSecond: 50, burst: 10, rttMs: 100, refusalMs: 2 }, 0.9, 0.15],
  ['four at once', { perSecond: 200, burst: 50, rttMs: 20, refusalMs: 2 }, 0.9, 0.15],
]

for (const [what, throttle, deliveredMin, refusedMax] of cases) {
  t.test(`throttled to ${what}`, async (t) => {
    const sink: ThrottlingSink = new ThrottlingSink(throttle, () => rig.clock)
    const rig = new Rig(
      {
        batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
        retry: { initialMs: 1000, maxMs: 30_000 },
        breaker: { failures: 5, cooldownMs: 1000, maxCooldownMs: 60_000 },
        request: { timeoutMs: 15_000, concurrency: 'adaptive' },
      },
      { sink, random: seededRandom(5) },
      64,
    )
    const { clock, counts } = rig
    const endMs = clock.now() + DURATION_MS
    let made = 0
    while (clock.now() < endMs) {
      while (rig.slabsInUse < FRAMES_AHEAD)
        rig.commit(
          0,
          Array.from({ length: EVENTS_A_FRAME }, () => ({ text: `{"n":${made++}}` })),
        )
      await settled()
      await clock.step(100)
    }
    const delivered = counts.delivered[BULK]!
    const could = throttle.burst + (throttle.perSecond * DURATION_MS) / 1000
    const refusedShare = sink.refused / (sink.refused + delivered)
    t.ok(delivered >= deliveredMin * could, `${delivered} of ${could} delivered`)
    t.ok(refusedShare <= refusedMax, `${(100 * refusedShare).toFixed(1)} % refused`)
    sink.healed = true
    const healedMs = clock.now()
    while (rig.slabsInUse > 0) await clock.step(1000)
    t.equal(counts.delivered[BULK], made)
    t.ok(clock.now() - healedMs <= RECOVERY_MS_MAX, `all there after ${clock.now() - healedMs} ms`)
    await rig.dispatcher.stop()
  })
}
