/**
 * Buckets of one rate, many of them side by side: one for each key of a limit, by slot. Time is a parameter; one that goes
 * back or stands still adds nothing. A bucket begins as if all that it may give had just been taken, so that one that is
 * made anew, or a process that restarts again and again, gets no more than one that runs.
 */
export interface Buckets {
  /** More is never asked for at once: what is sent is cut to it. */
  readonly largestCost: number
  /** A slot is used from now on, by who may have used `heirOf` before: what is owed there is owed here. */
  begin(slot: number, nowMs: number, heirOf?: number): void
  /** Milliseconds until something of this cost may go, 0: now. */
  waitMs(slot: number, cost: number, nowMs: number): number
  /** It goes. */
  take(slot: number, cost: number, nowMs: number): void
  /** Milliseconds until the last of several that cost so much together may go, each as soon as it may. */
  turnMs(slot: number, cost: number, nowMs: number): number
  /** Nothing would be lost if the slot began anew, but the wait that every bucket begins with. */
  isRested(slot: number, nowMs: number): boolean
}

/**
 * Token buckets: in every window of t seconds at most `burst + rate * t` is taken. They begin empty.
 *
 * What costs more than the burst is let through by a full bucket and paid for later.
 */
export class TokenBuckets implements Buckets {
  readonly largestCost: number
  readonly #perMs: number
  readonly #tokens: Float64Array
  readonly #atMs: Float64Array

  constructor(perSecond: number, burst: number, slots: number) {
    this.largestCost = burst
    this.#perMs = perSecond / 1000
    this.#tokens = new Float64Array(slots)
    this.#atMs = new Float64Array(slots)
  }

  begin(slot: number, nowMs: number, heirOf = slot): void {
    this.#refill(heirOf, nowMs)
    this.#tokens[slot] = heirOf === slot ? 0 : Math.min(0, this.#tokens[heirOf]!)
    this.#atMs[slot] = nowMs
  }

  waitMs(slot: number, cost: number, nowMs: number): number {
    return this.turnMs(slot, Math.min(cost, this.largestCost), nowMs)
  }

  take(slot: number, cost: number, nowMs: number): void {
    this.#refill(slot, nowMs)
    this.#tokens[slot]! -= cost
  }

  turnMs(slot: number, cost: number, nowMs: number): number {
    this.#refill(slot, nowMs)
    const missing = cost - this.#tokens[slot]!
    return missing <= 0 ? 0 : missing / this.#perMs
  }

  isRested(slot: number, nowMs: number): boolean {
    this.#refill(slot, nowMs)
    return this.#tokens[slot]! >= this.largestCost
  }

  #refill(slot: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs[slot]!
    if (elapsedMs <= 0) return
    this.#tokens[slot] = Math.min(this.largestCost, this.#tokens[slot]! + elapsedMs * this.#perMs)
    this.#atMs[slot] = nowMs
  }
}

/**
 * Leaky buckets: the next may go when what the last one brought has drained. So in every window of t seconds at most
 * `largest cost + rate * t` is taken, evenly spaced: time that was not used is lost. They begin as if something of cost 1
 * had just been sent.
 */
export class LeakyBuckets implements Buckets {
  readonly largestCost: number
  readonly #perMs: number
  readonly #emptyAtMs: Float64Array

  constructor(perSecond: number, largestCost: number, slots: number) {
    this.largestCost = largestCost
    this.#perMs = perSecond / 1000
    this.#emptyAtMs = new Float64Array(slots)
  }

  begin(slot: number, nowMs: number, heirOf = slot): void {
    const owedUntilMs = heirOf === slot ? 0 : this.#emptyAtMs[heirOf]!
    this.#emptyAtMs[slot] = Math.max(owedUntilMs, nowMs + 1 / this.#perMs)
  }

  waitMs(slot: number, _cost: number, nowMs: number): number {
    return Math.max(0, this.#emptyAtMs[slot]! - nowMs)
  }

  take(slot: number, cost: number, nowMs: number): void {
    this.#emptyAtMs[slot] = Math.max(this.#emptyAtMs[slot]!, nowMs) + cost / this.#perMs
  }

  turnMs(slot: number, cost: number, nowMs: number): number {
    return this.waitMs(slot, cost, nowMs) + Math.max(0, cost - 1) / this.#perMs
  }

  isRested(slot: number, nowMs: number): boolean {
    return nowMs >= this.#emptyAtMs[slot]!
  }
}
