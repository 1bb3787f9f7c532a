import type { Clock } from '../../base/clock.ts'
import type { Outcome } from '../sink.ts'
import { backoffMs } from './backoff.ts'
import type { Batch, Part } from './batch.ts'
import type { Destination } from './destination.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import { divideByVerdict } from './divide.ts'
import type { Divided } from './divide.ts'
import type { GiveUpCategory } from './giving-up.ts'
import type { Pieces } from './pieces.ts'
import type { Roster } from './roster.ts'
import type { Settlement } from './settlement.ts'

/** So many single events refused in a row, with nothing accepted in between, are no fault of the events. */
export const REFUSED_IN_A_ROW_MAX = 100
/** Nor are so many batches, or tries of one event, of which nothing was accepted. */
export const REFUSED_WHOLE_MAX = 10
/** What was refused in between others that were accepted is tried once more after this, if nothing else tells first. */
const SECOND_LOOK_MS = 2000
const STATUS_TOO_LARGE = 413
const STATUS_THROTTLED = 429
const STATUS_UNSUPPORTED_MEDIA_TYPE = 415

type Failure<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>
type Partly = Failure<'partial'>

export interface OutcomeHandlerOptions {
  readonly name: string
  readonly words: Int32Array
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly maxAgeMs?: number }
  /** Bodies are compressed as the collector sees fit. */
  readonly compressesAtWill: boolean
  readonly clock: Clock
  readonly random: () => number
  readonly roster: Roster
  readonly destination: Destination
  readonly settlement: Settlement
  readonly pieces: Pieces
  readonly giveUp: (batch: Batch, category: GiveUpCategory) => void
  readonly events?: Partial<DispatchEvents>
}

/**
 * Decides what happens to a batch that has been answered; it is in flight no more when it comes here.
 *
 * A refusal (400, 413, 422) is believed of single events alone, and only of a destination that takes something: of one that
 * refuses everything the operator must hear, and nothing is given up for it.
 */
export class OutcomeHandler {
  readonly #options: OutcomeHandlerOptions
  /** Batches refused to the last event since something was last accepted. */
  #refusedWhole = 0

  constructor(options: OutcomeHandlerOptions) {
    this.#options = options
  }

  handle(batch: Batch, outcome: Outcome, sentAtMs: number): void {
    if (outcome.kind === 'partial') {
      this.#answeredByItem(batch, outcome, sentAtMs)
      return
    }
    if (outcome.kind === 'ack') this.#options.roster.setAside(batch)
    this.#tell(batch, outcome, sentAtMs, outcome.kind === 'ack' ? batch.events : 0)
    if (outcome.kind === 'ack') this.#accepted(batch)
    else if (outcome.kind === 'retry') this.#failed(batch, outcome)
    else if (outcome.kind === 'hold') this.#held(batch, outcome)
    else this.#refused(batch, outcome)
  }

  /** The destination hears of every answer first: what it accepted, and when it may be sent to. */
  #tell({ request }: Batch, outcome: Outcome, sentAtMs: number, delivered: number): void {
    const { destination, roster, clock } = this.#options
    const resumed = destination.answered(request, outcome, sentAtMs, delivered)
    if (resumed) roster.wake(Math.max(clock.now(), destination.pausedUntilMs))
    if (delivered === 0) return
    this.#refusedWhole = 0
    roster.unpark(destination.acceptedRequest, clock.now() + SECOND_LOOK_MS)
  }

  #accepted(batch: Batch): void {
    const { roster, settlement } = this.#options
    roster.live.delete(batch)
    if (batch.refusal !== null) batch.refusal.open -= batch.events
    settlement.delivered(batch.parts, batch.payload!.bytes)
  }

  // ---- may pass

  #failed(batch: Batch, outcome: Failure<'retry'>): void {
    const { name, retry, clock, roster, destination, events } = this.#options
    this.#note(batch, outcome.category, outcome)
    if (destination.onHold) destination.probeLater()
    if (batch.parked) batch.dueAtMs = clock.now() + retry.maxMs
    else if (!this.#sendLater(batch, outcome.afterMs)) return
    else roster.waiting.add(batch)
    const waitMs = batch.dueAtMs - clock.now()
    events?.sinkRetry?.(name, outcome.category, outcome.reason, waitMs, outcome.status)
  }

  /** Says when the batch is due; false where it has expired instead. */
  #sendLater(batch: Batch, afterMs: number | undefined): boolean {
    const { retry, clock, random, destination, giveUp } = this.#options
    const { maxAgeMs = Infinity } = retry
    if (clock.wallClock() - batch.youngestReceivedAtMs >= maxAgeMs) {
      giveUp(batch, 'expired')
      return false
    }
    // A time that was named is the time to come back at: failing until then says nothing about the batch. "At once" is none.
    const isNamed = afterMs !== undefined && afterMs > 0
    if (!isNamed) batch.failures++
    const backoffUntilMs = isNamed ? 0 : clock.now() + backoffMs(retry, batch.failures, random)
    batch.dueAtMs = Math.max(backoffUntilMs, destination.comeBackAtMs())
    return true
  }

  // ---- the operator must act

  #held(batch: Batch, outcome: Failure<'hold'>): void {
    const { name, retry, clock, roster, destination, compressesAtWill, events } = this.#options
    const { reason, status } = outcome
    this.#note(batch, 'hold', outcome)
    // At the head of the line it is the next to go.
    if (batch.parked) batch.dueAtMs = clock.now() + retry.maxMs
    else roster.line.unshift(batch)
    const wasCompressed = compressesAtWill && batch.payload!.contentEncoding !== ''
    if (status === STATUS_UNSUPPORTED_MEDIA_TYPE && wasCompressed) {
      // Others may have been compressed before this was known: they too go again as they are.
      if (!destination.refusesCompression) events?.compressionRefused?.(name, reason)
      destination.refusesCompression = true
      return
    }
    destination.hold(reason, status)
  }

  // ---- refused

  #refused(batch: Batch, outcome: Failure<'reject'>): void {
    const { name, roster, destination, pieces, events } = this.#options
    const { reason, status } = outcome
    this.#note(batch, 'refused', outcome)
    if (destination.onHold) destination.probeLater()
    const isBelievable = this.#isBelievable(batch)
    this.#noteRefusal(batch)
    if (batch.events === 1) {
      this.#refusedAlone(batch, isBelievable)
      return
    }
    if (status === STATUS_TOO_LARGE) destination.refusedBody(batch.bytes)
    events?.batchSplit?.(name, batch.events, reason, status)
    roster.replace(batch, pieces.divide(batch, Math.ceil(batch.events / 2)))
  }

  /**
   * The destination took something that was sent after this was refused the last time, alone or as a piece of something. Or
   * it took something since all that this is a piece of was first refused, and there is nothing else to try it with.
   */
  #isBelievable({ refusal, refusedAt, parked }: Batch): boolean {
    const { roster, destination } = this.#options
    if (destination.acceptedRequest > refusedAt) return true
    return parked && roster.isQuiet && refusal !== null && destination.acks > refusal.acks
  }

  #noteRefusal(batch: Batch): void {
    const { acks, requests } = this.#options.destination
    batch.refusal ??= { acks, open: batch.events, events: batch.events }
    batch.refusedAt = requests
  }

  #refusedAlone(batch: Batch, isBelievable: boolean): void {
    const { name, retry, clock, roster, destination, giveUp, events } = this.#options
    const refusal = batch.refusal!
    destination.refusedInARow++
    if (!batch.parked) refusal.open = Math.max(0, refusal.open - 1)
    const many = destination.refusedInARow >= REFUSED_IN_A_ROW_MAX
    if (isBelievable && !many && !destination.onHold) {
      giveUp(batch, 'refused')
      return
    }
    events?.batchRefused?.(name, batch.events, batch.reason, batch.status)
    const tookSome = destination.acks > refusal.acks
    batch.dueAtMs = clock.now() + (tookSome ? Math.min(SECOND_LOOK_MS, retry.maxMs) : retry.maxMs)
    batch.parked = true
    batch.parkedAtMs ??= clock.now()
    roster.parked.add(batch)
    if (!tookSome || many) this.#doubt(batch, refusal.open === 0 && refusal.events > 1)
  }

  /** Nothing was accepted of what was refused here, so far: is it the destination that is wrong? */
  #doubt(batch: Batch, toTheLast: boolean): void {
    const { destination } = this.#options
    if (batch.refusal!.open === 0) this.#refusedWhole++
    const many = destination.refusedInARow >= REFUSED_IN_A_ROW_MAX || this.#refusedWhole >= REFUSED_WHOLE_MAX
    if (toTheLast || many) destination.hold(batch.reason, batch.status)
  }

  // ---- item by item

  #answeredByItem(batch: Batch, outcome: Partly, sentAtMs: number): void {
    const { name, words, roster, destination, settlement, pieces, events } = this.#options
    const divided = divideByVerdict(words, batch.parts, outcome.items)
    if (divided === null) {
      const reason = 'the sink told of events that were not sent, or of one twice'
      this.handle(batch, { kind: 'retry', category: 'unknown', reason }, sentAtMs)
      return
    }
    const delivered = eventsOf(divided.delivered)
    const rejected = eventsOf([...divided.rejected.keys()])
    const isBelievable = delivered > 0 || this.#isBelievable(batch)
    const wasParked = batch.parked
    roster.setAside(batch)
    this.#tell(batch, outcome, sentAtMs, delivered)
    if (destination.onHold) destination.probeLater()
    events?.itemsSettled?.(name, delivered, batch.events - delivered - rejected, rejected)
    roster.live.delete(batch)
    if (batch.refusal !== null) batch.refusal.open -= delivered
    const bytes = Math.round((batch.payload!.bytes * delivered) / batch.events)
    if (delivered > 0) settlement.delivered(divided.delivered, bytes)
    let again: readonly Part[] = divided.retry
    if (rejected > 0) {
      if (isBelievable) this.#giveUpItems(batch, divided)
      else if (again.length > 0) again = batch.parts
      else this.#doubtItems(batch, divided, wasParked)
    }
    if (again.length === 0) return
    const piece = pieces.of(batch, again)
    piece.retryCost = (batch.retryCost * piece.events) / batch.events
    this.#sendItemsAgain(piece, outcome)
  }

  #giveUpItems(batch: Batch, { rejected }: Divided): void {
    const { roster, pieces, giveUp } = this.#options
    const piece = pieces.of(batch, [...rejected.keys()])
    for (const [part, remark] of rejected) piece.remarks.set(part, remark)
    this.#noteItems(piece, rejected)
    roster.live.add(piece)
    giveUp(piece, 'refused')
  }

  /** All of a batch was rejected, item by item, and nothing was accepted meanwhile. */
  #doubtItems(batch: Batch, { rejected }: Divided, wasParked: boolean): void {
    const { roster, destination, pieces } = this.#options
    const piece = pieces.of(batch, batch.parts)
    this.#noteItems(piece, rejected)
    this.#noteRefusal(piece)
    roster.live.add(piece)
    if (piece.events === 1) {
      piece.parked = wasParked
      this.#refusedAlone(piece, false)
      return
    }
    destination.refusedInARow += piece.events
    roster.pieces.push(piece)
    destination.hold(piece.reason, piece.status)
  }

  #noteItems(piece: Batch, rejected: Divided['rejected']): void {
    const { reason, status } = rejected.values().next().value!
    piece.note('refused', reason, status, this.#options.clock.wallClock())
  }

  #sendItemsAgain(piece: Batch, outcome: Partly): void {
    const { name, clock, roster, events } = this.#options
    const { reason, status } = outcome.items.find(({ kind }) => kind === 'retry')!
    const category = status === STATUS_THROTTLED ? 'throttled' : 'server_error'
    piece.note(category, reason, status, clock.wallClock())
    roster.live.add(piece)
    if (!this.#sendLater(piece, outcome.afterMs)) return
    roster.waiting.add(piece)
    events?.sinkRetry?.(name, category, reason, piece.dueAtMs - clock.now(), status)
  }

  /** A refused event keeps the words that it was refused with, whatever its probes meet. */
  #note(batch: Batch, category: string, { reason, status }: Failure<'retry' | 'hold' | 'reject'>): void {
    this.#options.destination.lastFailure = reason
    if (!batch.parked || category === 'refused')
      batch.note(category, reason, status, this.#options.clock.wallClock())
  }
}

function eventsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { events }) => sum + events, 0)
}
