import type { Clock } from '../../base/clock.ts'
import type { Outcome, Sink } from '../sink.ts'
import type { Batch } from './batch.ts'
import type { Conditions } from './conditions.ts'
import type { Destination } from './destination.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { Limiter } from './limits/limiter.ts'
import type { LinePreparer } from './line-preparer.ts'
import type { OutcomeHandler } from './outcome-handler.ts'
import type { PayloadBuilder } from './payload-builder.ts'
import type { Roster } from './roster.ts'

/** A sink that has not answered so long after its own time-out, or after it was told to stop, is not waited for. */
export const SEND_GRACE_MS = 2000

/** What it costs to ask the destination whether it works. */
const HEALTH_PROBE = { events: 0, bytes: 0 }

export interface SenderOptions {
  readonly name: string
  readonly sink: Sink
  readonly request: { readonly timeoutMs: number }
  readonly inFlightBytesMax?: number
  readonly clock: Clock
  readonly roster: Roster
  readonly destination: Destination
  readonly limiter: Limiter
  readonly preparer: LinePreparer
  readonly payloads: PayloadBuilder
  readonly outcomes: OutcomeHandler
  readonly conditions: Conditions
  /** A batch was answered, and what follows from it is done; or a probe was. */
  readonly onAnswered: () => void
  /** The line has room again, though nothing has left. */
  readonly onPlaceFree: () => void
  readonly events?: Partial<DispatchEvents>
}

/** Takes the line to the sink, one request a batch, within the rate limit and what the destination takes. */
export class Sender {
  readonly #options: SenderOptions
  /** A health probe is on its way. */
  #probe: AbortController | null = null

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Sends what may be sent; answers in how many milliseconds the next may, Infinity if that is no question of time. */
  sendLine(nowMs: number): number {
    const { roster, destination } = this.#options
    if (roster.line.length === 0 || this.#probe !== null) return Infinity
    if (destination.probesOnly) return this.#sendProbe(nowMs)
    const { pausedUntilMs } = destination
    return nowMs < pausedUntilMs ? pausedUntilMs - nowMs : this.#sendAll(nowMs)
  }

  /**
   * Asks the destination itself whether it works, as far as the sink's limit of requests allows; limits by key are for
   * events. Answers how long that has to wait, Infinity once it is on its way: nothing else is sent until it is answered.
   */
  tryProbe(nowMs: number): number {
    const { limiter } = this.#options
    if (!limiter.isByKey) {
      const waitMs = limiter.waitMs('', HEALTH_PROBE, nowMs)
      if (waitMs > 0) return waitMs
      limiter.take('', HEALTH_PROBE, nowMs)
    }
    void this.#askDestination(nowMs)
    return Infinity
  }

  async #askDestination(nowMs: number): Promise<void> {
    const { name, sink, request, destination, roster, clock, onAnswered, events } = this.#options
    const controller = new AbortController()
    this.#probe = controller
    const overdue = clock.setTimeout(() => controller.abort(), request.timeoutMs + SEND_GRACE_MS)
    destination.breaker.probing()
    let outcome: Outcome
    try {
      outcome = await sink.probe!(controller.signal)
    } catch (error) {
      events?.sinkRequest?.(name, 'error')
      outcome = { kind: 'retry', category: 'unknown', reason: String(error) }
    }
    overdue.clear()
    this.#probe = null
    if (destination.probed(outcome, nowMs)) roster.wake(clock.now())
    onAnswered()
  }

  get isProbing(): boolean {
    return this.#probe !== null
  }

  /**
   * Aborts what is in flight and waits until it and all encode tasks have ended, and nothing else is `busy`; but not for
   * long: not for a sink that never ends.
   */
  async end(busy: () => boolean): Promise<void> {
    const { roster, preparer, clock, conditions } = this.#options
    for (const { controller } of roster.inFlight.values()) controller.abort()
    this.#probe?.abort()
    preparer.close()
    const grace = new AbortController()
    const timer = clock.setTimeout(() => grace.abort(), SEND_GRACE_MS)
    const ended = () => roster.inFlight.size === 0 && this.#probe === null && !preparer.busy && !busy()
    await conditions.until(ended, grace.signal)
    timer.clear()
    roster.inFlight.clear()
  }

  /** The first of the line, when it is time for a probe. */
  #sendProbe(nowMs: number): number {
    const { roster, destination, limiter } = this.#options
    const batch = roster.line[0]!
    if (nowMs < destination.probeAtMs || roster.inFlight.size > 0 || batch.payload === null) return Infinity
    const waitMs = limiter.waitMs(batch.key, batch.payload, nowMs)
    if (waitMs === 0) this.#depart(0, batch, nowMs)
    return waitMs === 0 ? Infinity : waitMs
  }

  #sendAll(nowMs: number): number {
    const { roster, destination, limiter, events } = this.#options
    const { line, inFlight } = roster
    let firstsMayGo = true
    let place = 0
    let soonestMs = Infinity
    while (place < line.length && inFlight.size < destination.allowed) {
      const batch = line[place]!
      const { payload } = batch
      const first = batch.attempts === 0
      if (payload === null || (first && !firstsMayGo)) {
        if (first && batch.key === '') firstsMayGo = false
        place++
        continue
      }
      if (!this.#hasRoomFor(payload.bytes)) return soonestMs
      const budgetMs = batch.failures > 0 ? destination.budget.waitMs(nowMs, batch.retryCost) : 0
      const limitMs = limiter.waitMs(batch.key, payload, nowMs)
      if (limitMs > 0) events?.rateLimited?.(this.#options.name, limitMs)
      const waitMs = Math.max(budgetMs, limitMs)
      if (waitMs === 0) {
        this.#depart(place, batch, nowMs)
        continue
      }
      soonestMs = Math.min(soonestMs, waitMs)
      // What waits for the sink's limit has the next place; what waits for its own lets others pass.
      if (limitMs > 0 && !limiter.isByKey) return soonestMs
      if (limiter.ownWaitMs(batch.key, batch, nowMs) > 0) this.#stepAside(place)
      else place++
    }
    return soonestMs
  }

  #stepAside(place: number): void {
    const { roster, payloads, onPlaceFree } = this.#options
    payloads.release(roster.stepAside(place))
    onPlaceFree()
  }

  #hasRoomFor(bytes: number): boolean {
    const { roster, inFlightBytesMax = Infinity } = this.#options
    let inFlight = 0
    for (const { payload } of roster.inFlight.keys()) inFlight += payload!.bytes
    return inFlight === 0 || inFlight + bytes <= inFlightBytesMax
  }

  #depart(place: number, batch: Batch, nowMs: number): void {
    const { request, roster, destination, limiter } = this.#options
    const { budget } = destination
    limiter.take(batch.key, batch.payload!, nowMs)
    if (batch.failures > 0) budget.spend(nowMs, batch.retryCost)
    else budget.earned(nowMs)
    const controller = new AbortController()
    const overdueAtMs = nowMs + request.timeoutMs + SEND_GRACE_MS
    batch.attempts++
    roster.depart(place, { controller, overdueAtMs }, nowMs)
    batch.request = destination.sent(roster.inFlight.size)
    void this.#send(batch, controller, nowMs)
  }

  async #send(batch: Batch, controller: AbortController, sentAtMs: number): Promise<void> {
    const { name, sink, roster, outcomes, payloads, onAnswered, events } = this.#options
    let outcome: Outcome
    try {
      outcome = await sink.send(batch.payload!, controller.signal)
      events?.sinkRequest?.(name, outcome.kind === 'ack' ? 'ok' : outcome.kind)
    } catch (error) {
      events?.sinkRequest?.(name, 'error')
      outcome = { kind: 'retry', category: 'unknown', reason: String(error) }
    }
    // One that took too long to end was given up already.
    if (roster.inFlight.delete(batch)) outcomes.handle(batch, outcome, sentAtMs)
    payloads.release(batch)
    onAnswered()
  }
}
