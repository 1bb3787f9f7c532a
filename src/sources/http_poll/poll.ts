import { backoffMs } from '../../pipeline/dispatch/backoff.ts'
import type { HttpPollSourceConfig } from './config.ts'
import { shownUrl } from './shown-url.ts'
import type { Outcome } from './verdict.ts'

/** What came of a request: when the next one is due, and whether the poll is given up. */
export interface Step {
  readonly dueAtMs: number
  readonly result: 'ok' | 'retry' | 'throttled' | 'failed'
}

/** Whatever is known of one URL: the poll that is under way, how the last ones ended. */
export class Poll {
  readonly shown: string
  readonly #url: URL
  readonly #config: Pick<HttpPollSourceConfig, 'intervalMs' | 'retry'>
  readonly #random: () => number
  /** Of this poll. */
  #startedAtMs = 0
  /** Requests that this poll has cost. */
  attempts = 0
  lastSuccess: Date | null = null
  lastError: string | null = null

  constructor(url: string, config: Pick<HttpPollSourceConfig, 'intervalMs' | 'retry'>, random: () => number) {
    this.#url = new URL(url)
    this.shown = shownUrl(this.#url)
    this.#config = config
    this.#random = random
  }

  /** What is asked next. With pagination and cursors this is to depend on the answers so far. */
  nextRequest(): URL {
    return this.#url
  }

  /** A request of it begins. */
  begin(nowMs: number): void {
    if (this.attempts === 0) this.#startedAtMs = nowMs
    this.attempts++
  }

  /** The request that was under way has come to this. `wallClock` in ms since 1970. */
  settle(outcome: Outcome, nowMs: number, wallClockMs: number): Step {
    const { retry, intervalMs } = this.#config
    this.lastError = outcome.kind === 'ok' ? null : outcome.reason
    if (outcome.kind === 'retry' && this.attempts < retry.attempts) {
      return { dueAtMs: nowMs + backoffMs(retry, this.attempts, this.#random), result: 'retry' }
    }
    this.attempts = 0
    if (outcome.kind === 'throttled') {
      // A server that says 0 for ever is not asked without a pause.
      return { dueAtMs: nowMs + Math.max(outcome.afterMs, retry.initialMs), result: 'throttled' }
    }
    if (outcome.kind === 'ok') this.lastSuccess = new Date(wallClockMs)
    const dueAtMs = Math.max(nowMs, this.#startedAtMs + intervalMs)
    return { dueAtMs, result: outcome.kind === 'ok' ? 'ok' : 'failed' }
  }
}
