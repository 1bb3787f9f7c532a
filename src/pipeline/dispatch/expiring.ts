import type { Clock } from '../../base/clock.ts'
import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import type { Batch } from './batch.ts'
import type { Destination } from './destination.ts'
import type { GiveUpCategory } from './giving-up.ts'
import type { Roster } from './roster.ts'

export interface ExpiringOptions {
  readonly retry: { readonly maxAgeMs?: number }
  readonly clock: Clock
  readonly roster: Roster
  readonly destination: Destination
  /** The next new batch of a lane; null where there is none. */
  readonly cut: (lane: LaneIndex, nowMs: number) => Batch | null
  /** Age of the oldest event held, in the log or out of it, in milliseconds, by lane. */
  readonly oldestMs: () => { readonly bulk: number; readonly fast: number }
  readonly giveUp: (batch: Batch, category: GiveUpCategory) => void
}

/**
 * Gives up what is older than `retry.max_age` while the breaker is open: what isn't sent can't fail, and would expire one
 * batch a probe. The youngest event of a batch decides. On hold nothing expires: the operator is asked to act.
 */
export class Expiring {
  readonly #options: ExpiringOptions
  readonly #maxAgeMs: number

  constructor(options: ExpiringOptions) {
    this.#options = options
    this.#maxAgeMs = options.retry.maxAgeMs ?? Infinity
  }

  /** Answers when it is to look again, Infinity if that is no question of time. */
  look(nowMs: number): number {
    const { roster, destination, cut, oldestMs } = this.#options
    if (this.#maxAgeMs === Infinity || destination.onHold || destination.breaker.state === 'closed')
      return Infinity
    const { bulk, fast } = oldestMs()
    const untilMs = this.#maxAgeMs - Math.max(bulk, fast)
    if (untilMs > 0) return nowMs + untilMs
    let nextMs = Infinity
    // What is to be sent this very moment is a probe.
    const probe = nowMs >= destination.probeAtMs ? roster.line[0] : undefined
    for (const batch of [...roster.waiting, ...roster.pieces, ...roster.line])
      if (batch !== probe) nextMs = Math.min(nextMs, this.#expire(batch, nowMs))
    for (const lane of [FAST, BULK] as const) {
      const batch = cut(lane, nowMs)
      if (batch === null) continue
      roster.pieces.unshift(batch)
      nextMs = Math.min(nextMs, this.#expire(batch, nowMs))
    }
    return nextMs
  }

  /** Gives a batch up where all of it is too old; else answers when that will be so. */
  #expire(batch: Batch, nowMs: number): number {
    const { clock, destination, giveUp } = this.#options
    const leftMs = batch.youngestReceivedAtMs + this.#maxAgeMs - clock.wallClock()
    if (leftMs > 0) return nowMs + leftMs
    // It is looked at again when its payload is made.
    if (batch.preparing) return Infinity
    if (batch.reason === '') batch.reason = destination.breaker.cause
    giveUp(batch, 'expired')
    return Infinity
  }
}
