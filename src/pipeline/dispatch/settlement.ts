import type { Clock } from '../../base/clock.ts'
import { BULK, FAST } from '../../journal/log.ts'
import type { Log, LogReader, SettledCounts, TakenPart } from '../../journal/log.ts'
import type { SinkCounts } from '../ledger.ts'
import type { Part } from './batch.ts'
import { DeliveryOrder } from './delivery-order.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { GiveUpCategory } from './giving-up.ts'

export interface SettlementOptions {
  readonly name: string
  readonly log: Log
  /** Indexes of the sources whose events it gets. */
  readonly inputs: readonly number[]
  /** Which bit of the route mask is this sink's `where`; -1: it gets everything. */
  readonly filterIndex: number
  readonly counts: SinkCounts
  readonly clock: Clock
  readonly events?: Partial<DispatchEvents>
}

/**
 * The sink's side of the ledger: counts what the log brings and what became of it, each in the same step in which it
 * happens, and lets a frame go when the last of its events is settled.
 */
export class Settlement {
  readonly reader: LogReader
  readonly #options: SettlementOptions
  readonly #order = new DeliveryOrder()

  /**
   * @param onFrame there may be something to take.
   * @param unsettled what was taken and is not settled.
   */
  constructor(options: SettlementOptions, onFrame: () => void, unsettled: () => Iterable<TakenPart>) {
    this.#options = options
    const { name, inputs, filterIndex, counts } = options
    this.reader = options.log.addReader({
      name,
      inputs,
      filterIndex,
      onOffered(bulk, fast, filtered) {
        counts.offered[BULK]! += bulk
        counts.offered[FAST]! += fast
        counts.filtered += filtered
      },
      onDiscarded(reason, bulk, fast) {
        counts.discarded.set(reason, (counts.discarded.get(reason) ?? 0) + bulk + fast)
      },
      settledCounts: () => settledCounts(counts),
      onFrame,
      unsettled,
    })
  }

  delivered(parts: readonly Part[], bytes: number): void {
    const { name, counts, clock, events } = this.#options
    const nowMs = clock.wallClock()
    counts.deliveredBytes += bytes
    for (const part of parts) {
      const bulk = part.events - part.fast
      counts.delivered[FAST]! += part.fast
      counts.delivered[BULK]! += bulk
      counts.deliveredNow += part.events
      counts.outOfOrder += this.#order.delivered(part)
      events?.eventsDelivered?.(name, bulk, part.fast, nowMs - part.of.frame.receivedAtMs)
      this.#settle(part)
    }
  }

  deadLettered(parts: readonly Part[], category: GiveUpCategory, reason: string): void {
    const { name, counts, events } = this.#options
    let count = 0
    for (const part of parts) {
      count += part.events
      this.#settle(part)
    }
    counts.deadLettered.set(category, (counts.deadLettered.get(category) ?? 0) + count)
    events?.eventsDeadLettered?.(name, category, count, reason)
  }

  #settle({ of, events }: Part): void {
    if (events > 0) this.reader.settle(of, events)
  }
}

function settledCounts({ delivered, deliveredBytes, deadLettered, discarded }: SinkCounts): SettledCounts {
  return {
    delivered: [delivered[BULK]!, delivered[FAST]!],
    deliveredBytes,
    deadLettered: Object.fromEntries(deadLettered),
    discarded: Object.fromEntries(discarded),
  }
}
