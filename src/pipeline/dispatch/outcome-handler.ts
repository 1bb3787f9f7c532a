import type { Clock } from '../../base/clock.ts'
import type { Outcome } from '../sink.ts'
import { backoffMs } from './backoff.ts'
import type { Batch } from './batch.ts'
import type { Destination } from './destination.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { GiveUpCategory } from './giving-up.ts'
import { PARKED_BATCHES_MAX } from './roster.ts'
import type { Roster } from './roster.ts'
import type { Settlement } from './settlement.ts'

type Failure<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>

export interface OutcomeHandlerOptions {
  readonly name: string
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly maxAgeMs?: number }
  readonly clock: Clock
  readonly random: () => number
  readonly roster: Roster
  readonly destination: Destination
  readonly settlement: Settlement
  readonly giveUp: (batch: Batch, category: GiveUpCategory) => void
  readonly events?: Partial<DispatchEvents>
}

/** Decides what happens to a batch that has been answered; it is in flight no more when it comes here. */
export class OutcomeHandler {
  readonly #options: OutcomeHandlerOptions

  constructor(options: OutcomeHandlerOptions) {
    this.#options = options
  }

  handle(batch: Batch, outcome: Outcome): void {
    if (outcome.kind === 'ack') this.#accepted(batch)
    else if (outcome.kind === 'retry') this.#failed(batch, outcome)
    else if (outcome.kind === 'hold') this.#held(batch, outcome)
    else if (outcome.kind === 'reject') this.#refused(batch, outcome)
    // The place to settle a batch item by item.
    else this.#failed(batch, { kind: 'retry', category: 'unknown', reason: 'some items failed' })
  }

  #accepted(batch: Batch): void {
    const { roster, destination, settlement } = this.#options
    roster.live.delete(batch)
    roster.parked.delete(batch)
    settlement.delivered(batch, batch.payload!.bytes)
    destination.accepted()
    for (const refused of roster.parked) if (!roster.inFlight.has(refused)) this.#giveUpIfBelieved(refused)
  }

  #failed(batch: Batch, outcome: Failure<'retry'>): void {
    const { name, retry, clock, random, roster, destination, giveUp, events } = this.#options
    const nowMs = clock.now()
    this.#note(batch, outcome)
    batch.failures++
    if (outcome.afterMs !== undefined) destination.pause(outcome.afterMs)
    const { maxAgeMs = Infinity } = retry
    if (clock.wallClock() - batch.youngestReceivedAtMs >= maxAgeMs) {
      giveUp(batch, 'expired')
      return
    }
    const backoff = batch.parked ? retry.maxMs : backoffMs(retry, batch.failures, random)
    batch.dueAtMs = Math.max(nowMs + backoff, destination.pausedUntilMs)
    if (!batch.parked) roster.waiting.add(batch)
    if (destination.onHold) destination.probeLater()
    events?.sinkRetry?.(name, outcome.category, outcome.reason, batch.dueAtMs - nowMs, outcome.status)
  }

  #held(batch: Batch, outcome: Failure<'hold'>): void {
    const { retry, clock, roster, destination } = this.#options
    this.#note(batch, outcome)
    // At the head of the line it is the next probe.
    if (batch.parked) batch.dueAtMs = clock.now() + retry.maxMs
    else roster.line.unshift(batch)
    destination.hold(outcome.reason, outcome.status)
  }

  #refused(batch: Batch, outcome: Failure<'reject'>): void {
    const { name, retry, clock, destination, events } = this.#options
    batch.reason = outcome.reason
    batch.status = outcome.status
    destination.lastFailure = outcome.reason
    events?.batchRefused?.(name, batch.events, outcome.reason, outcome.status)
    if (this.#giveUpIfBelieved(batch)) return
    // The place to split the batch, until the guilty events stand alone.
    batch.dueAtMs = clock.now() + retry.maxMs
    if (!batch.parked) this.#park(batch)
    if (destination.onHold) destination.probeLater()
  }

  #park(batch: Batch): void {
    const { roster, destination } = this.#options
    if (roster.parked.size >= PARKED_BATCHES_MAX) {
      roster.waiting.add(batch)
      destination.hold(batch.reason, batch.status)
      return
    }
    batch.parked = true
    batch.acksAtRefusal = destination.acks
    roster.parked.add(batch)
  }

  /** A refusal is believed of one event alone, and once the destination has accepted something else since. */
  #giveUpIfBelieved(batch: Batch): boolean {
    const { destination, giveUp } = this.#options
    if (!batch.parked || batch.events !== 1 || batch.acksAtRefusal === destination.acks) return false
    giveUp(batch, 'refused')
    return true
  }

  /** A refused batch keeps the words it was refused with, whatever its probes meet. */
  #note(batch: Batch, outcome: Failure<'retry' | 'hold'>): void {
    this.#options.destination.lastFailure = outcome.reason
    if (batch.parked) return
    batch.reason = outcome.reason
    batch.status = outcome.status
  }
}
