import t from 'tap'
import { AdaptiveConcurrency, FixedConcurrency } from '../../../src/pipeline/dispatch/adaptive-concurrency.ts'
import type { AnswerVerdict, Concurrency } from '../../../src/pipeline/dispatch/adaptive-concurrency.ts'

/** Sends as much as is allowed, round after round of `rttMs`, and answers all of it alike. */
class Rounds {
  readonly concurrency: Concurrency
  nowMs = 0

  constructor(concurrency: Concurrency) {
    this.concurrency = concurrency
  }

  round(rttMs: number, verdict: AnswerVerdict = 'ok', sent = this.concurrency.allowed): number {
    for (let inFlight = 1; inFlight <= sent; inFlight++) this.concurrency.started(inFlight, this.nowMs)
    this.nowMs += rttMs
    for (let request = 0; request < sent; request++) this.concurrency.answered(rttMs, verdict, this.nowMs)
    return this.concurrency.allowed
  }

  /** Until so many are allowed. */
  upTo(allowed: number): this {
    while (this.round(100) < allowed);
    return this
  }
}

t.test('one more each round trip, while all of it is used', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 200 }))
  t.equal(rounds.concurrency.allowed, 1)
  t.equal(rounds.concurrency.status().rttMs, null)
  t.equal(rounds.round(100), 1, 'the first one gives the mean')
  t.same([2, 3, 4, 5], [rounds.round(100), rounds.round(100), rounds.round(100), rounds.round(100)])
  t.equal(rounds.round(100, 'ok', 4), 5, 'five were not needed')
  t.same(rounds.concurrency.status(), { mode: 'adaptive', allowed: 5, rttMs: 100 })
})

t.test('never more than the most', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 3 })).upTo(3)
  t.equal(rounds.round(100), 3)
})

t.test('pushed back: a tenth less, once a round trip, and at least one', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 200 })).upTo(20)
  t.equal(rounds.round(100, 'pushback'), 18, 'however many of them')
  t.equal(rounds.round(100, 'pushback'), 16)
  for (let round = 0; round < 30; round++) rounds.round(100, 'pushback')
  t.equal(rounds.concurrency.allowed, 1)
  t.equal(rounds.concurrency.status().rttMs, 100, 'refusals are no round trips')
  t.equal(rounds.round(100), 2, 'and up again')
})

t.test('answers far later than before: less; a little later: no more', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 200 })).upTo(10)
  t.equal(rounds.round(130), 9)
  t.equal(rounds.round(130), 8)
  const wavering = new Rounds(new AdaptiveConcurrency({ max: 200 })).upTo(10)
  for (let round = 0; round < 6; round++) wavering.round(round % 2 === 0 ? 150 : 80)
  const { allowed } = wavering.concurrency
  const { rttMs } = wavering.concurrency.status()
  wavering.round(rttMs! + 10)
  wavering.round(rttMs! + 10)
  t.equal(wavering.concurrency.allowed, allowed, 'within what they waver')
})

t.test('what says nothing about the load changes nothing', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 200 })).upTo(5)
  rounds.round(100)
  t.equal(rounds.round(5000, 'other'), 7, 'decided by the last answers of the round before')
  t.equal(rounds.round(5000, 'other'), 7)
  t.equal(rounds.concurrency.status().rttMs, 100)
})

t.test('after an outage it starts over', async (t) => {
  const rounds = new Rounds(new AdaptiveConcurrency({ max: 200 })).upTo(9)
  rounds.concurrency.reset()
  t.same(rounds.concurrency.status(), { mode: 'adaptive', allowed: 1, rttMs: null })
  t.equal(rounds.round(700, 'pushback'), 1, 'nothing is known yet')
  t.equal(rounds.round(700), 1)
  t.equal(rounds.round(700), 2)
})

t.test('a fixed number stays', async (t) => {
  const fixed = new FixedConcurrency(7)
  const rounds = new Rounds(fixed)
  for (const verdict of ['ok', 'pushback', 'other'] as const) t.equal(rounds.round(100, verdict), 7)
  fixed.reset()
  t.same(fixed.status(), { mode: 'fixed', allowed: 7, rttMs: null })
})
