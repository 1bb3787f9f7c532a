import { Counter, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Clock } from '../base/clock.ts'
import { DeliveryEvents } from './delivery-events.ts'
import type { RateLimitedLog } from './rate-limited-log.ts'

const DURATION_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 300, 900]

/** What happens where servers are asked for events: the part of TelemetryEvents that is theirs. */
export class PollEvents extends DeliveryEvents {
  readonly #requests: Counter<'source' | 'outcome'>
  readonly #failed: Counter<'source'>
  readonly #durations: Histogram<'source'>

  constructor(options: { registry: Registry; log: RateLimitedLog; clock: Clock }) {
    super(options)
    const registers = [options.registry]
    this.#requests = new Counter({
      name: 'spillway_poll_requests_total',
      help: 'Requests for events, with the redirects that they followed, by outcome',
      labelNames: ['source', 'outcome'],
      registers,
    })
    this.#failed = new Counter({
      name: 'spillway_polls_failed_total',
      help: 'Polls that were given up until the next one is due',
      labelNames: ['source'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'spillway_poll_request_seconds',
      help: 'Time from sending a request for events until all of its answer is committed',
      labelNames: ['source'],
      buckets: DURATION_BUCKETS_S,
      registers,
    })
  }

  /** A server was asked, and what it said is committed. */
  pollRequest(source: string, outcome: 'ok' | 'retry' | 'throttled' | 'failed', durationMs: number): void {
    this.#requests.inc({ source, outcome })
    this.#durations.observe({ source }, durationMs / 1000)
  }

  /** The last attempt of a poll failed, or a further one would go no better. */
  /** `lasting`: it won't get better by itself (a refusal, an answer that is none). */
  pollFailed(source: string, url: string, reason: string, attempts: number, lasting: boolean): void {
    this.#failed.inc({ source })
    const details = { url, reason, attempts }
    if (lasting)
      this.write('error', 'poll_refused', source, 'a poll failed and will again: see to the reason', details)
    else
      this.write(
        'warn',
        'poll_failed',
        source,
        'a poll failed, trying again when the next one is due',
        details,
      )
  }

  pollThrottled(source: string, url: string, reason: string, waitMs: number): void {
    this.write('warn', 'poll_throttled', source, 'the server asks to be left alone for a while', {
      url,
      reason,
      wait_ms: Math.round(waitMs),
    })
  }
}
