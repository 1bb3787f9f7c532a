import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import { reasonOf } from '../base/errors.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import type { LogLevel, RateLimitedLog } from './rate-limited-log.ts'

export type RequestOutcome = 'ok' | 'retry' | 'reject' | 'partial' | 'hold' | 'error'

/** What happens at the sinks: the half of TelemetryEvents that is theirs, and how a line is written. */
export class SinkEvents {
  readonly #log: RateLimitedLog
  readonly #requests: Counter<'sink' | 'outcome'>
  readonly #latency: LatencyHistogram

  constructor(options: { registry: Registry; log: RateLimitedLog }) {
    this.#log = options.log
    this.#requests = new Counter({
      name: 'spillway_sink_requests_total',
      help: 'Requests of a sink by outcome',
      labelNames: ['sink', 'outcome'],
      registers: [options.registry],
    })
    this.#latency = new LatencyHistogram(options.registry)
  }

  /** Called once a request. */
  sinkRequest(sink: string, outcome: RequestOutcome): void {
    this.#requests.inc({ sink, outcome })
  }

  /** A batch failed and is sent again in `retryMs`. */
  sinkRetry(sink: string, category: string, reason: string, retryMs: number, status?: number): void {
    const fields = { category, reason, status, retry_ms: Math.round(retryMs) }
    this.write('warn', `sink_retry_${category}`, sink, 'delivery failed, trying again', fields)
  }

  /** Nothing but probes until the destination works again. */
  sinkHeld(sink: string, reason: string, status?: number): void {
    this.write('error', 'sink_held', sink, 'delivery is on hold: the operator must act', { reason, status })
  }

  sinkResumed(sink: string, heldMs: number): void {
    this.write('info', 'sink_resumed', sink, 'delivery goes on', { held_ms: Math.round(heldMs) })
  }

  /** The destination refuses a batch for its content; it is held and probed while others go on. */
  batchRefused(sink: string, events: number, reason: string, status?: number): void {
    const fields = { events, reason, status }
    this.write('error', 'batch_refused', sink, 'the destination refuses a batch: it is held', fields)
  }

  /** Accepted events given up by a sink: they are in the dead-letter queue, and the ledger has counted them. */
  eventsDeadLettered(sink: string, category: string, count: number, reason: string): void {
    const fields = { category, count, reason }
    this.write('warn', `dead_lettered_${category}`, sink, 'events went to the dead letters', fields)
  }

  /** Something of our own failed on the way to the sink, and is tried again. */
  sinkTaskFailed(sink: string, error: unknown): void {
    this.write('warn', 'sink_task_failed', sink, 'preparing a delivery failed, trying again', {
      reason: reasonOf(error),
    })
  }

  /** So many of each lane were delivered, `ageMs` after they were received. */
  eventsDelivered(sink: string, bulk: number, fast: number, ageMs: number): void {
    this.#latency.observeEvents(sink, 'bulk', bulk, ageMs)
    this.#latency.observeEvents(sink, 'fast', fast, ageMs)
  }

  protected write(
    level: LogLevel,
    event: string,
    component: string,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#log.write({ level, event, component, message, fields })
  }
}
