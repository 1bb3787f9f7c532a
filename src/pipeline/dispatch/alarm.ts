import type { Clock, Timer } from '../../base/clock.ts'

/** Longest wait of a timer; Node fires at once what is longer than 2^31 ms. */
const TIMER_MAX_MS = 3_600_000

/**
 * The one timer of a dispatcher. It may ring before the moment it was last set to, never after: setting a timer anew for
 * every batch would cost more than to wake up in vain now and then.
 */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: Timer | null = null
  #atMs = Infinity

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** To ring at a moment of the clock; Infinity asks for nothing. */
  set(nowMs: number, atMs: number): void {
    if (atMs === Infinity || (this.#timer !== null && this.#atMs <= atMs)) return
    this.clear()
    const delayMs = Math.min(TIMER_MAX_MS, Math.max(1, Math.ceil(atMs - nowMs)))
    this.#atMs = nowMs + delayMs
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null
      this.#ring()
    }, delayMs)
  }

  clear(): void {
    this.#timer?.clear()
    this.#timer = null
  }
}
