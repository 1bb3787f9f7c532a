import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Clock } from '../base/clock.ts'
import type { RateLimitedLog } from './rate-limited-log.ts'
import { SinkEvents } from './sink-events.ts'
import { WaitedTime } from './waited-time.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

/**
 * What delivery control does: the part of TelemetryEvents that tells of breaker, pause, limits and concurrency. What
 * lasts (the breaker's state, the concurrency allowed) is no event's to keep: metrics read it from the dispatcher.
 */
export class DeliveryEvents extends SinkEvents {
  readonly #clock: Clock
  readonly #paused: WaitedTime
  readonly #rateLimited: WaitedTime
  readonly #split: Counter<'sink'>
  readonly #items: Counter<'sink' | 'outcome'>
  /** Since when the breaker of a sink lets nothing but probes through. */
  readonly #openSinceMs = new Map<string, number>()

  constructor(options: { registry: Registry; log: RateLimitedLog; clock: Clock }) {
    super(options)
    const { registry, clock } = options
    this.#clock = clock
    this.#paused = new WaitedTime(registry, clock, {
      name: 'spillway_sink_pause_seconds_total',
      help: 'Time that a destination asked to be left alone (Retry-After)',
    })
    this.#rateLimited = new WaitedTime(registry, clock, {
      name: 'spillway_sink_rate_limited_seconds_total',
      help: 'Time that a sink waited for its own rate_limit',
    })
    this.#split = new Counter({
      name: 'spillway_batches_split_total',
      help: 'Batches refused whole and sent again in two halves',
      labelNames: ['sink'],
      registers: [registry],
    })
    this.#items = new Counter({
      name: 'spillway_sink_items_total',
      help: 'Events of requests that the destination answered for one by one, by outcome',
      labelNames: ['sink', 'outcome'],
      registers: [registry],
    })
  }

  /** `cause`: what failed, or which answer closed it. `probeInMs`: when the next probe is due; 0 when closed. */
  breakerChanged(sink: string, state: BreakerState, cause: string, probeInMs: number): void {
    const nowMs = this.#clock.now()
    const sinceMs = this.#openSinceMs.get(sink) ?? nowMs
    if (state === 'closed') {
      this.#openSinceMs.delete(sink)
      const fields = { cause, outage_ms: Math.round(nowMs - sinceMs) }
      this.write('info', 'breaker_closed', sink, 'the destination works again: the breaker is closed', fields)
      return
    }
    this.#openSinceMs.set(sink, sinceMs)
    if (state === 'half_open') {
      this.write('info', 'breaker_half_open', sink, 'probing whether the destination works again', { cause })
      return
    }
    const fields = { cause, probe_in_ms: Math.round(probeInMs) }
    this.write('warn', 'breaker_open', sink, 'nothing succeeds: only probes are sent for now', fields)
  }

  concurrencyChanged(sink: string, allowed: number): void {
    this.write('debug', 'concurrency_changed', sink, 'requests that may be in flight', { allowed })
  }

  /** The destination is left alone from now on for `forMs`; pauses that overlap count once. */
  sinkPaused(sink: string, forMs: number, reason: string, status?: number): void {
    this.#paused.extend(sink, forMs)
    const fields = { reason, status, pause_ms: Math.round(forMs) }
    this.write('info', 'sink_paused', sink, 'the destination asks to be left alone for a while', fields)
  }

  /** What is ready waits for the sink's own limit from now on for `waitMs`; waits that overlap count once. */
  rateLimited(sink: string, waitMs: number): void {
    this.#rateLimited.extend(sink, waitMs)
  }

  /** A batch was refused whole, and goes again in halves. */
  batchSplit(sink: string, events: number, reason: string, status?: number): void {
    this.#split.inc({ sink })
    const message = 'the destination refuses a batch: sent again in halves, to find the guilty events'
    this.write('warn', 'batch_split', sink, message, { events, reason, status })
  }

  /** The destination answered for each event of a request. */
  itemsSettled(sink: string, delivered: number, retried: number, rejected: number): void {
    this.#items.inc({ sink, outcome: 'delivered' }, delivered)
    this.#items.inc({ sink, outcome: 'retried' }, retried)
    this.#items.inc({ sink, outcome: 'rejected' }, rejected)
  }

  limiterKeysFull(sink: string, maxKeys: number): void {
    const message =
      'more keys than rate_limit.per.max_keys at once: the further ones share one limit, or raise it'
    this.write('warn', 'limiter_keys_full', sink, message, { max_keys: maxKeys })
  }

  /** What daily quotas allow can't be reserved on disk: sinks that have one send what is reserved, and no more. */
  limitsStoreFailing(reason: string): void {
    const message =
      'how much of bytes_per_day is used cannot be written, trying again; until then nothing is sent that was not reserved: see to the disk'
    this.write('error', 'limits_store_failing', 'limits', message, { reason })
  }

  compressionRefused(sink: string, reason: string): void {
    const message = 'the destination takes no compressed bodies: sending without from now on'
    this.write('warn', 'compression_refused', sink, message, { reason })
  }

  /** Longer bodies were refused (413): batches are cut to this from now on. */
  bodyLimitLearned(sink: string, bytes: number): void {
    const message = 'the destination takes no longer bodies than this: batches are made to fit'
    this.write('warn', 'body_limit_learned', sink, message, { bytes })
  }

  // Scaling

  workersScaled(from: number, to: number, cause: string): void {
    this.write('info', 'workers_scaled', 'workers', 'the number of workers changes', { from, to, cause })
  }

  pollConcurrencyChanged(source: string, from: number, to: number, cause: string): void {
    const message = 'the number of polls at once changes'
    this.write('info', 'poll_concurrency_changed', source, message, { from, to, cause })
  }
}
