import type { Clock } from '../../base/clock.ts'
import type { DispatchEvents } from './dispatch-events.ts'

/** Settings of `breaker`. */
export interface BreakerConfig {
  /** Round trips in a row that failed, after which nothing but probes is sent. */
  readonly failures: number
  readonly cooldownMs: number
  readonly maxCooldownMs: number
}

export type BreakerState = 'closed' | 'half_open' | 'open'

/**
 * Tells a destination that is down from one that fails now and then. Failures are counted by round trip: of all requests
 * that were on their way together, the first to fail counts, the others tell nothing new. Any success closes it.
 *
 *     closed -- `failures` round trips in a row --> open -- cooldown --> half-open (a probe is on its way)
 *        ^                                           ^                        |
 *        '--------------- success -------------------|------------------------'
 *                                                    '--- failure: the cooldown doubles
 */
export class Breaker {
  state: BreakerState = 'closed'
  /** What went wrong when it last opened, or a probe last failed; '' while closed. */
  cause = ''
  /** While open: when the next probe may go. */
  probeAtMs = 0
  /** Failed round trips in a row. */
  failures = 0
  readonly #name: string
  readonly #config: BreakerConfig
  readonly #clock: Clock
  readonly #random: () => number
  readonly #events: Partial<DispatchEvents>
  /** A request that left by this moment belongs to a round trip that was counted. */
  #countedAtMs = -Infinity
  /** Times that it opened without a success while closed in between. */
  #opened = 0

  constructor(
    name: string,
    config: BreakerConfig,
    clock: Clock,
    random: () => number,
    events: Partial<DispatchEvents> = {},
  ) {
    this.#name = name
    this.#config = config
    this.#clock = clock
    this.#random = random
    this.#events = events
  }

  /** A request that left at `sentAtMs` failed, for a reason that may pass. */
  failed(sentAtMs: number, cause: string): void {
    if (this.state === 'open' || (this.state === 'closed' && sentAtMs <= this.#countedAtMs)) return
    this.#countedAtMs = this.#clock.now()
    this.failures++
    if (this.state === 'closed' && this.failures < this.#config.failures) return
    this.cause = cause
    this.#open()
  }

  /** The destination answered, and not with a failure that may pass. True when it had been open. */
  succeeded(): boolean {
    this.failures = 0
    // A probe alone doesn't make the next cooldown short again: a health check can be fine where batches fail.
    if (this.state === 'closed') {
      this.#opened = 0
      return false
    }
    const { cause } = this
    this.cause = ''
    this.#become('closed', cause)
    return true
  }

  /** A probe is on its way. */
  probing(): void {
    if (this.state === 'open') this.#become('half_open', this.cause)
  }

  #open(): void {
    const { cooldownMs, maxCooldownMs } = this.#config
    const longestMs = Math.min(maxCooldownMs, cooldownMs * 2 ** this.#opened)
    this.#opened++
    // Never less than half: with full jitter a dead destination could be probed again and again at once.
    const waitMs = (longestMs * (1 + this.#random())) / 2
    this.probeAtMs = this.#clock.now() + waitMs
    this.#become('open', this.cause)
  }

  #become(state: BreakerState, cause: string): void {
    this.state = state
    const probeInMs = state === 'open' ? this.probeAtMs - this.#clock.now() : 0
    this.#events.breakerChanged?.(this.#name, state, cause, probeInMs)
  }
}
