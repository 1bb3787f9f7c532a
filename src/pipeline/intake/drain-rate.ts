import type { Clock } from '../../base/clock.ts'

const WINDOW_SECONDS = 10
const RETRY_AFTER_MAX_SECONDS = 60
const JITTER = 0.2

/** How fast slabs became free in the last ten seconds, and so when a client that finds the collector full may return. */
export class DrainRate {
  readonly #clock: Clock
  readonly #freed = new Float64Array(WINDOW_SECONDS)
  #second: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#second = this.#now()
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1000)
  }

  #advance(): void {
    const now = this.#now()
    const from = Math.max(this.#second + 1, now - WINDOW_SECONDS + 1)
    for (let second = from; second <= now; second++) this.#freed[second % WINDOW_SECONDS] = 0
    this.#second = now
  }

  slabFreed(): void {
    this.#advance()
    this.#freed[this.#second % WINDOW_SECONDS]!++
  }

  get slabsPerSecond(): number {
    this.#advance()
    return this.#freed.reduce((sum, freed) => sum + freed, 0) / WINDOW_SECONDS
  }

  /** Whole seconds until `slabs` more are free at this rate, 1 to 60, plus or minus a fifth so that clients spread. */
  retryAfterSeconds(slabs: number, random: () => number): number {
    const rate = this.slabsPerSecond
    const seconds = rate > 0 ? slabs / rate : RETRY_AFTER_MAX_SECONDS
    const spread = Math.min(Math.max(seconds, 1), RETRY_AFTER_MAX_SECONDS) * (1 + JITTER * (2 * random() - 1))
    return Math.max(1, Math.round(spread))
  }
}
