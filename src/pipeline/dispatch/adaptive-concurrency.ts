/**
 * How many requests a sink may have under way at once: a fixed number, or one that follows the destination. Additive
 * increase, multiplicative decrease, as TCP does it, and decided at most once a round trip, since a decision shows its
 * effect only in the answers to requests that left after it.
 */

/**
 * What an answer says about the load: delivered, wholly or in part (its time counts); a retryable answer or a time-out;
 * or nothing (refused for its content, on hold).
 */
export type AnswerVerdict = 'ok' | 'pushback' | 'other'

export interface ConcurrencyStatus {
  readonly mode: 'fixed' | 'adaptive'
  readonly allowed: number
  /** Mean round trip; null where it isn't known. */
  readonly rttMs: number | null
}

export interface Concurrency {
  /** Requests that may be in flight now, at least 1. */
  readonly allowed: number
  /** A request leaves; `inFlight` counts it. */
  started(inFlight: number, nowMs: number): void
  /** A request was answered `rttMs` after it left. */
  answered(rttMs: number, verdict: AnswerVerdict, nowMs: number): void
  /** After an outage: start over from 1, forget the mean. */
  reset(): void
  status(): ConcurrencyStatus
}

export class FixedConcurrency implements Concurrency {
  readonly allowed: number

  constructor(allowed: number) {
    this.allowed = allowed
  }

  started(): void {
    // Nothing to learn.
  }

  answered(): void {
    // Nothing to learn.
  }

  reset(): void {
    // A number that the operator chose stays.
  }

  status(): ConcurrencyStatus {
    return { mode: 'fixed', allowed: this.allowed, rttMs: null }
  }
}

/** Weight of the latest round trip in the mean, 0..1. */
const ALPHA = 0.4
/** A round trip so many standard deviations over the mean is a queue growing at the destination. */
const DEVIATIONS = 2.5
const DECREASE = 0.9

/**
 * Starts at 1. Once per mean round trip: one more where the number was reached, nothing pushed back and the answers came
 * no later than they use to; a tenth less (at least one) where something pushed back or they came far later.
 */
export class AdaptiveConcurrency implements Concurrency {
  readonly #max: number
  #allowed = 1
  /** Exponentially weighted, of the means of the round trips before this one; null before the first answer. */
  #meanMs: number | null = null
  #variance = 0
  // Of the round trip under way.
  #decideAtMs = 0
  #reached = false
  #pushedBack = false
  #sumMs = 0
  #count = 0

  constructor(options: { max: number }) {
    this.#max = options.max
  }

  get allowed(): number {
    return this.#allowed
  }

  started(inFlight: number): void {
    if (inFlight >= this.#allowed) this.#reached = true
  }

  answered(rttMs: number, verdict: AnswerVerdict, nowMs: number): void {
    if (verdict === 'pushback') this.#pushedBack = true
    if (verdict === 'ok') {
      this.#sumMs += rttMs
      this.#count++
    }
    if (this.#meanMs === null) {
      if (this.#count > 0) this.#nextRound(nowMs)
    } else if (nowMs >= this.#decideAtMs) {
      this.#decide(this.#meanMs)
      this.#nextRound(nowMs)
    }
  }

  reset(): void {
    this.#allowed = 1
    this.#meanMs = null
    this.#variance = 0
    this.#clearRound()
  }

  status(): ConcurrencyStatus {
    return { mode: 'adaptive', allowed: this.#allowed, rttMs: this.#meanMs }
  }

  #decide(meanMs: number): void {
    const currentMs = this.#count > 0 ? this.#sumMs / this.#count : null
    const late = currentMs !== null && currentMs > meanMs + DEVIATIONS * Math.sqrt(this.#variance)
    if (this.#pushedBack || late) {
      this.#allowed = Math.max(1, Math.floor(this.#allowed * DECREASE))
    } else if (this.#reached && currentMs !== null && currentMs <= meanMs) {
      this.#allowed = Math.min(this.#max, this.#allowed + 1)
    }
  }

  #nextRound(nowMs: number): void {
    if (this.#count > 0) this.#learn(this.#sumMs / this.#count)
    this.#decideAtMs = nowMs + this.#meanMs!
    this.#clearRound()
  }

  /** Weighted mean and variance in one pass (Finch, Incremental calculation of weighted mean and variance, 2009). */
  #learn(currentMs: number): void {
    if (this.#meanMs === null) {
      this.#meanMs = currentMs
      return
    }
    const difference = currentMs - this.#meanMs
    const step = ALPHA * difference
    this.#meanMs += step
    this.#variance = (1 - ALPHA) * (this.#variance + difference * step)
  }

  #clearRound(): void {
    this.#reached = false
    this.#pushedBack = false
    this.#sumMs = 0
    this.#count = 0
  }
}
