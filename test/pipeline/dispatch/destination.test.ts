import t from 'tap'
import { BODY_LEARNED_FOR_MS, Destination } from '../../../src/pipeline/dispatch/destination.ts'
import type { Outcome } from '../../../src/pipeline/sink.ts'
import { SimulatedClock } from './simulated-clock.ts'

const refused: Outcome = { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429 }

class Answering {
  readonly clock = new SimulatedClock()
  readonly destination: Destination

  constructor(concurrency: number | 'adaptive') {
    this.destination = new Destination({
      name: 'siem',
      clock: this.clock,
      random: () => 1,
      probeEveryMs: 1000,
      breaker: { failures: 5, cooldownMs: 1000, maxCooldownMs: 60_000 },
      concurrency,
    })
  }

  /** Answers a request after so long; how long nothing may be sent from then on. */
  async pauseAfter(rttMs: number, outcome: Outcome): Promise<number> {
    const sentAtMs = this.clock.now()
    const request = this.destination.sent(1)
    await this.clock.pass(rttMs)
    this.destination.answered(request, outcome, sentAtMs, outcome.kind === 'ack' ? 1 : 0)
    return Math.max(0, this.destination.pausedUntilMs - this.clock.now())
  }
}

t.test('who refuses faster than it takes is not asked faster', async (t) => {
  const answering = new Answering('adaptive')
  t.equal(await answering.pauseAfter(3, refused), 0, 'nothing is known yet')
  t.equal(await answering.pauseAfter(100, { kind: 'ack' }), 0)
  t.equal(await answering.pauseAfter(3, refused), 97, 'the rest of a round trip is sat out')
  await answering.clock.pass(97)
  t.equal(await answering.pauseAfter(3, refused), 197, 'and twice as long when that was too early')
  await answering.clock.pass(197)
  t.equal(await answering.pauseAfter(450, refused), 0, 'it took its time')
  t.equal(await answering.pauseAfter(3, { ...refused, afterMs: 2000 }), 2000, 'what it asks for is longer')
})

t.test('what was too large is known for an hour', async (t) => {
  const { clock, destination } = new Answering(4)
  destination.refusedBody(1000)
  t.equal(destination.bodyBytesMax, 500)
  destination.refusedBody(2000)
  t.equal(destination.bodyBytesMax, 500)
  await clock.pass(BODY_LEARNED_FOR_MS)
  t.equal(destination.bodyBytesMax, Infinity)
  destination.refusedBody(2000)
  t.equal(destination.bodyBytesMax, 1000, 'and found out anew')
})

t.test('a fixed number of requests goes on with its backoff', async (t) => {
  const answering = new Answering(4)
  await answering.pauseAfter(100, { kind: 'ack' })
  t.equal(await answering.pauseAfter(3, refused), 0)
})

/** Requests allowed after twenty round trips in which so many of a hundred events were to be sent again. */
async function allowedAfter(retried: number): Promise<number> {
  const { clock, destination } = new Answering('adaptive')
  const items = Array.from({ length: retried }, (_, index) => ({
    index,
    kind: 'retry' as const,
    reason: 'busy',
  }))
  for (let round = 0; round < 20; round++) {
    const sentAtMs = clock.now()
    const request = destination.sent(destination.allowed)
    // oxlint-disable-next-line no-await-in-loop -- one round trip after another
    await clock.pass(100)
    destination.answered(request, { kind: 'partial', items }, sentAtMs, 100 - retried)
  }
  return destination.allowed
}

t.test('few items that fail by themselves are no sign of load, many are', async (t) => {
  t.ok((await allowedAfter(1)) > 5)
  t.equal(await allowedAfter(10), 1)
})
