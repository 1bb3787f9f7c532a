import type { Clock } from '../../base/clock.ts'
import type { DispatchEvents } from './dispatch-events.ts'

/** A destination can't ask for a longer pause than this. */
export const RETRY_AFTER_MAX_MS = 24 * 3_600_000

interface Hold {
  readonly reason: string
  readonly sinceMs: number
}

/** What a sink's answers say about the destination as a whole, beyond the batch that was answered. */
export class Destination {
  /** Batches that it has accepted. */
  acks = 0
  /** What went wrong last; '' when nothing did. */
  lastFailure = ''
  /** It asked not to be sent anything before this moment. */
  pausedUntilMs = 0
  /** On hold: when the next probe may go. */
  probeAtMs = 0
  #hold: Hold | null = null

  readonly #name: string
  readonly #clock: Clock
  readonly #probeEveryMs: number
  readonly #events: Partial<DispatchEvents>

  constructor(name: string, clock: Clock, probeEveryMs: number, events: Partial<DispatchEvents> = {}) {
    this.#name = name
    this.#clock = clock
    this.#probeEveryMs = probeEveryMs
    this.#events = events
  }

  /** Why the operator must act before anything but probes is sent; null when nothing is in the way. */
  get holdReason(): string | null {
    return this.#hold?.reason ?? null
  }

  get onHold(): boolean {
    return this.#hold !== null
  }

  accepted(): void {
    this.acks++
    if (this.#hold === null) return
    this.#events.sinkResumed?.(this.#name, this.#clock.now() - this.#hold.sinceMs)
    this.#hold = null
  }

  /** Nothing but probes until a batch is accepted. */
  hold(reason: string, status: number | undefined): void {
    this.#hold = { reason, sinceMs: this.#hold?.sinceMs ?? this.#clock.now() }
    this.#events.sinkHeld?.(this.#name, reason, status)
    this.probeLater()
  }

  /** A probe has failed: the next one is due when it would be for the first failure. */
  probeLater(): void {
    this.probeAtMs = Math.max(this.#clock.now() + this.#probeEveryMs, this.pausedUntilMs)
  }

  pause(afterMs: number): void {
    const untilMs = this.#clock.now() + Math.min(afterMs, RETRY_AFTER_MAX_MS)
    this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs)
  }
}
