import type { Clock } from '../../base/clock.ts'

/** How long tokens are saved up: what comes in one go when there was no room for a while. */
const BURST_MS = 100

/** A token bucket that starts empty: in any t seconds at most `rate * (t + 0.1)`, at least one at a time. */
export class Pace {
  readonly #perMs: number
  readonly #burst: number
  readonly #clock: Clock
  #tokens = 0
  #atMs: number

  constructor(perSecond: number, clock: Clock) {
    this.#perMs = perSecond / 1000
    this.#burst = Math.max(1, this.#perMs * BURST_MS)
    this.#clock = clock
    this.#atMs = clock.now()
  }

  /** Whole tokens that are there now. */
  get available(): number {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#atMs) * this.#perMs)
    this.#atMs = now
    return Math.floor(this.#tokens)
  }

  spend(tokens: number): void {
    this.#tokens -= tokens
  }
}
