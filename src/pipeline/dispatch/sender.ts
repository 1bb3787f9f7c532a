import type { Clock } from '../../base/clock.ts'
import type { Outcome, Sink } from '../sink.ts'
import type { Batch } from './batch.ts'
import type { Conditions } from './conditions.ts'
import type { Destination } from './destination.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { Limiter } from './limiter.ts'
import type { LinePreparer } from './line-preparer.ts'
import type { OutcomeHandler } from './outcome-handler.ts'
import type { PayloadBuilder } from './payload-builder.ts'
import type { Roster } from './roster.ts'

/** A sink that has not answered so long after its own time-out, or after it was told to stop, is not waited for. */
export const SEND_GRACE_MS = 2000

export interface SenderOptions {
  readonly name: string
  readonly sink: Sink
  readonly request: { readonly timeoutMs: number; readonly concurrency: number }
  readonly clock: Clock
  readonly roster: Roster
  readonly destination: Destination
  readonly limiter: Limiter
  readonly preparer: LinePreparer
  readonly payloads: PayloadBuilder
  readonly outcomes: OutcomeHandler
  readonly conditions: Conditions
  /** A batch was answered, and what follows from it is done. */
  readonly onAnswered: () => void
  readonly events?: Partial<DispatchEvents>
}

/** Takes the line to the sink, one request a batch, within the rate limit and the concurrency. */
export class Sender {
  readonly #options: SenderOptions

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Sends what may be sent; answers in how many milliseconds the next may, Infinity if that is no question of time. */
  sendLine(nowMs: number): number {
    const { roster, destination, limiter, request } = this.#options
    const { line, inFlight } = roster
    const { onHold, probeAtMs, pausedUntilMs } = destination
    if (line.length === 0 || (onHold && (nowMs < probeAtMs || inFlight.size > 0))) return Infinity
    if (nowMs < pausedUntilMs) return pausedUntilMs - nowMs
    let firstsMayGo = true
    let place = 0
    while (place < line.length && inFlight.size < request.concurrency) {
      const batch = line[place]!
      const { payload } = batch
      const first = batch.attempts === 0
      if (payload === null || (first && !firstsMayGo)) {
        if (onHold) return Infinity
        if (first) firstsMayGo = false
        place++
        continue
      }
      const waitMs = limiter.waitMs(payload.events, payload.bytes, nowMs)
      if (waitMs > 0) return waitMs
      limiter.take(payload.events, payload.bytes, nowMs)
      void this.#send(place, batch, nowMs)
      if (onHold) return Infinity
    }
    return Infinity
  }

  /**
   * Aborts what is in flight and waits until it and all encode tasks have ended, and nothing else is `busy`; but not for
   * long: not for a sink that never ends.
   */
  async end(busy: () => boolean): Promise<void> {
    const { roster, preparer, clock, conditions } = this.#options
    for (const { controller } of roster.inFlight.values()) controller.abort()
    preparer.close()
    const grace = new AbortController()
    const timer = clock.setTimeout(() => grace.abort(), SEND_GRACE_MS)
    const ended = () => roster.inFlight.size === 0 && !preparer.busy && !busy()
    await conditions.until(ended, grace.signal)
    timer.clear()
    roster.inFlight.clear()
  }

  async #send(place: number, batch: Batch, nowMs: number): Promise<void> {
    const { name, sink, request, roster, outcomes, payloads, onAnswered, events } = this.#options
    const controller = new AbortController()
    const overdueAtMs = nowMs + request.timeoutMs + SEND_GRACE_MS
    batch.attempts++
    roster.depart(place, { controller, overdueAtMs })
    let outcome: Outcome
    try {
      outcome = await sink.send(batch.payload!, controller.signal)
      events?.sinkRequest?.(name, outcome.kind === 'ack' ? 'ok' : outcome.kind)
    } catch (error) {
      events?.sinkRequest?.(name, 'error')
      outcome = { kind: 'retry', category: 'unknown', reason: String(error) }
    }
    // One that took too long to end was given up already.
    if (roster.inFlight.delete(batch)) outcomes.handle(batch, outcome)
    payloads.release(batch)
    onAnswered()
  }
}
