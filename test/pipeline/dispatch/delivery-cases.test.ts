/**
 * The twelve published cases of adaptive concurrency: what is in flight at the server, and what is allowed to be. Means are
 * weighted by time and rounded to one decimal place, as the published ranges are.
 */
import t from 'tap'
import type { Clock } from '../../../src/base/clock.ts'
import { BULK } from '../../../src/journal/log.ts'
import { RetryBudget } from '../../../src/pipeline/dispatch/retry-budget.ts'
import type { Outcome, Sink } from '../../../src/pipeline/sink.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { Level, LinkModel } from './link-model.ts'
import type { LinkShape } from './link-model.ts'
import { Rig } from './rig.ts'

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

// The published client has no budget for retries.
RetryBudget.prototype.waitMs = () => 0

const REQUEST_TIMEOUT_MS = 1000
const DEFERRED: Outcome = { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429 }
const EVENTS_A_FRAME = 100
const SLABS = 64

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

/** A case as a client runs it: an event a request, the first retry after a second, no jitter, no limit but its own. */
async function run(one: Case, seed: number): Promise<{ inFlight: Level; allowed: Level }> {
  const sink: Sink = {
    start: async () => {},
    stop: async () => {},
    send: () => request(link, rig.clock),
  }
  const rig = new Rig(
    {
      batch: { maxBytes: 4096, maxEvents: 1, maxAgeMs: 0 },
      retry: { initialMs: 1000, maxMs: 60_000 },
      request: { timeoutMs: REQUEST_TIMEOUT_MS, concurrency: one.fixed ?? 'adaptive' },
    },
    { sink, events: { concurrencyChanged: (_name, value) => (allowed.value = value) } },
    SLABS,
  )
  const { clock, counts } = rig
  const link = new LinkModel(one.link, clock, seededRandom(seed))
  const allowed = new Level(clock)
  allowed.value = one.fixed ?? 1
  const { requests, spacingMs = 0 } = one
  const eventsATime = spacingMs === 0 ? EVENTS_A_FRAME : 1
  for (let made = 0; made < requests; made += eventsATime) {
    await rig.add(Array.from({ length: eventsATime }, (_, n) => `{"n":${made + n}}`))
    await clock.pass(spacingMs)
  }
  while (counts.delivered[BULK]! < requests) await clock.step()
  await rig.dispatcher.stop()
  return { inFlight: link.inFlight, allowed }
}

function request(link: LinkModel, clock: Clock): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(
      () => resolve({ kind: 'retry', category: 'timeout', reason: 'no answer' }),
      REQUEST_TIMEOUT_MS,
    )
    link.send((answer) => {
      timer.clear()
      resolve(answer === 'taken' ? { kind: 'ack' } : DEFERRED)
    })
  })
}
