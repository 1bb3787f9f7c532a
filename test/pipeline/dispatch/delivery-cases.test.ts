/**
 * The twelve published cases of adaptive concurrency: what is in flight at the server, and what is allowed to be. Means are
 * weighted by time and rounded to one decimal place, as the published ranges are.
 */
import t from 'tap'
import { AdaptiveConcurrency, FixedConcurrency } from '../../../src/pipeline/dispatch/adaptive-concurrency.ts'
import type { Concurrency } from '../../../src/pipeline/dispatch/adaptive-concurrency.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { Level, LinkModel } from './link-model.ts'
import type { LinkShape } from './link-model.ts'
import { SimulatedClock } from './simulated-clock.ts'

type Range = readonly [from: number, to: number]

interface Case {
  readonly what: string
  readonly requests: number
  readonly link: LinkShape
  /** Between one event and the next; 0: all are there at once. */
  readonly spacingMs?: number
  readonly fixed?: number
  readonly inFlightMax: Range
  readonly inFlightMean: Range
  readonly allowedMax?: Range
  readonly allowedMean?: Range
}

const cases: readonly Case[] = [
  {
    what: 'constant link',
    requests: 500,
    link: { delayMs: 100 },
    inFlightMax: [30, 31],
    inFlightMean: [15, 16],
    allowedMax: [22, 32],
    allowedMean: [16, 18],
  },
  {
    what: 'defers at high concurrency',
    requests: 500,
    link: { delayMs: 100, above: { concurrency: 5, action: 'defer' } },
    inFlightMax: [5, 18],
    inFlightMean: [2.2, 5],
    allowedMax: [6, 41],
    allowedMean: [4, 29],
  },
  {
    what: 'defers at high rate',
    requests: 1000,
    link: { delayMs: 100, above: { perSecond: 100, action: 'defer' } },
    inFlightMax: [16, 24],
    inFlightMean: [6, 9],
    allowedMax: [16, 24],
    allowedMean: [8, 18.5],
  },
  {
    what: 'drops at high concurrency',
    requests: 500,
    link: { delayMs: 100, above: { concurrency: 5, action: 'drop' } },
    inFlightMax: [4, 5],
    inFlightMean: [3, 4],
    allowedMax: [10, 86],
    allowedMean: [7, 52],
  },
  {
    what: 'fixed concurrency, jitter',
    requests: 500,
    link: { delayMs: 100, jitter: 0.5 },
    fixed: 10,
    inFlightMax: [10, 10],
    inFlightMean: [8, 10],
    allowedMax: [10, 10],
    allowedMean: [10, 10],
  },
  {
    what: 'fixed concurrency',
    requests: 500,
    link: { delayMs: 100 },
    fixed: 10,
    inFlightMax: [10, 10],
    inFlightMean: [8, 10],
    allowedMax: [10, 10],
    allowedMean: [10, 10],
  },
  {
    what: 'jittery link, small',
    requests: 1000,
    link: { delayMs: 100, jitter: 0.1 },
    inFlightMax: [20, 40],
    inFlightMean: [8, 20],
    allowedMax: [20, 40],
    allowedMean: [9, 20],
  },
  {
    // At 100 ms answers and events would come at the very same moments: 7 in flight, 3.98 in the mean, 8 allowed.
    what: 'medium send',
    requests: 500,
    link: { delayMs: 101 },
    spacingMs: 25,
    inFlightMax: [8, 8],
    inFlightMean: [4, 4.5],
    allowedMax: [9, 9],
  },
  {
    what: 'shallow knee',
    requests: 1000,
    link: { delayMs: 100, knee: { from: 10, base: 1.1 } },
    inFlightMax: [12, 12],
    inFlightMean: [9, 11],
    allowedMax: [12, 12],
    allowedMean: [10, 12],
  },
  {
    what: 'slow link',
    requests: 200,
    link: { delayMs: 100, scale: 1 },
    inFlightMax: [2, 7],
    inFlightMean: [1.5, 5],
    allowedMean: [1.7, 5],
  },
  {
    what: 'slow send 1',
    requests: 100,
    link: { delayMs: 50 },
    spacingMs: 100,
    inFlightMax: [1, 1],
    inFlightMean: [0.5, 0.55],
    allowedMean: [1, 2],
  },
  {
    what: 'slow send 2',
    requests: 100,
    link: { delayMs: 50 },
    spacingMs: 50,
    inFlightMax: [1, 2],
    inFlightMean: [1, 1.2],
    allowedMean: [2, 2.5],
  },
]

const REQUEST_TIMEOUT_MS = 1000
const FIRST_RETRY_MS = 1000

for (const [index, one] of cases.entries()) {
  t.test(one.what, async (t) => {
    const { inFlight, allowed } = await run(one, index)
    const inRange = (what: string, value: number, [from, to]: Range = [0, Infinity]) => {
      const rounded = Number(value.toFixed(1))
      t.ok(rounded >= from && rounded <= to, `${what}: ${value.toFixed(2)}, published ${from} to ${to}`)
    }
    inRange('in flight, max', inFlight.max, one.inFlightMax)
    inRange('in flight, mean', inFlight.mean, one.inFlightMean)
    inRange('allowed, max', allowed.max, one.allowedMax)
    inRange('allowed, mean', allowed.mean, one.allowedMean)
  })
}

async function run(one: Case, seed: number): Promise<{ inFlight: Level; allowed: Level }> {
  const clock = new SimulatedClock()
  const link = new LinkModel(one.link, clock, seededRandom(seed))
  const concurrency: Concurrency =
    one.fixed === undefined ? new AdaptiveConcurrency({ max: 200 }) : new FixedConcurrency(one.fixed)
  const allowed = new Level(clock)
  allowed.value = concurrency.allowed
  const retries: number[] = []
  let unsent = 0
  let sending = 0
  let delivered = 0

  const send = (failures: number) => {
    const sentAtMs = clock.now()
    sending++
    concurrency.started(sending, sentAtMs)
    const settle = (verdict: 'ok' | 'pushback') => {
      timer.clear()
      sending--
      const rttMs = clock.now() - sentAtMs
      concurrency.answered(rttMs, verdict, clock.now())
      allowed.value = concurrency.allowed
      if (verdict === 'ok') delivered++
      else
        clock.setTimeout(
          () => {
            retries.push(failures + 1)
            pump()
          },
          FIRST_RETRY_MS * 2 ** failures,
        )
      pump()
    }
    const timer = clock.setTimeout(() => settle('pushback'), REQUEST_TIMEOUT_MS)
    link.send(({ kind }) => settle(kind === 'taken' ? 'ok' : 'pushback'))
  }
  const pump = () =>
    queueMicrotask(() => {
      while (sending < concurrency.allowed) {
        const failures = retries.shift()
        if (failures === undefined && unsent === 0) return
        if (failures === undefined) unsent--
        send(failures ?? 0)
      }
    })
  const generate = (left: number) => {
    unsent++
    pump()
    if (left > 1) queueMicrotask(() => clock.setTimeout(() => generate(left - 1), one.spacingMs ?? 0))
  }
  generate(one.requests)
  while (delivered < one.requests) await clock.step()
  return { inFlight: link.inFlight, allowed }
}
