import type { Clock, Timer } from '../../base/clock.ts'

export interface TimeLimits {
  /** In all. */
  readonly totalMs: number
  /** Since something came. */
  readonly idleMs: number
}

/** How long a server may take. While `held`, it waits for us, and no time passes. */
export class TimeLeft {
  readonly #clock: Clock
  readonly #limits: TimeLimits
  readonly #expired: (which: 'total' | 'idle') => void
  #timer: Timer | null = null
  readonly #startedAtMs: number
  #activeAtMs: number
  #heldMs = 0
  /** When the hold began that lasts. */
  #heldSinceMs: number | null = null
  #cleared = false

  constructor(clock: Clock, limits: TimeLimits, expired: (which: 'total' | 'idle') => void) {
    this.#clock = clock
    this.#limits = limits
    this.#expired = expired
    this.#startedAtMs = this.#activeAtMs = clock.now()
    this.#arm()
  }

  /** Something came. */
  touch(): void {
    this.#activeAtMs = this.#clock.now()
  }

  set held(held: boolean) {
    if (held === (this.#heldSinceMs !== null)) return
    const now = this.#clock.now()
    if (held) this.#heldSinceMs = now
    else {
      this.#heldMs += now - this.#heldSinceMs!
      this.#heldSinceMs = null
      this.#activeAtMs = now
      if (this.#timer === null) this.#arm()
    }
  }

  /** It has all the time in the world now. */
  clear(): void {
    this.#cleared = true
    this.#timer?.clear()
    this.#timer = null
  }

  #arm(): void {
    if (this.#cleared) return
    const now = this.#clock.now()
    const totalLeftMs = this.#limits.totalMs - (now - this.#startedAtMs - this.#heldMs)
    const idleLeftMs = this.#limits.idleMs - (now - this.#activeAtMs)
    const leftMs = Math.min(totalLeftMs, idleLeftMs)
    if (leftMs > 0) this.#timer = this.#clock.setTimeout(() => this.#look(), Math.ceil(leftMs))
    else this.#expired(totalLeftMs <= 0 ? 'total' : 'idle')
  }

  #look(): void {
    this.#timer = null
    if (this.#heldSinceMs === null) this.#arm()
  }
}
