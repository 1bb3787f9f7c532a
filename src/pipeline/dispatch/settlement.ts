import type { Clock } from '../../base/clock.ts'
import type { Frame } from '../../journal/frame.ts'
import type { FrameReader, MemoryLog } from '../../journal/memory-log.ts'
import { BULK, FAST } from '../ledger.ts'
import type { SinkCounts } from '../ledger.ts'
import type { Batch, Part } from './batch.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { GiveUpCategory } from './giving-up.ts'

export interface SettlementOptions {
  readonly name: string
  readonly log: MemoryLog
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
  readonly reader: FrameReader
  readonly #options: SettlementOptions

  /** @param onFrame a frame with events for this sink was committed. */
  constructor(options: SettlementOptions, onFrame: () => void) {
    this.#options = options
    const inputs = new Set(options.inputs)
    this.reader = options.log.addReader(
      (source) => inputs.has(source),
      (frame) => this.#onCommit(frame) && (onFrame(), true),
    )
  }

  /** Records of a frame that are for this sink, by lane. */
  offered(frame: Frame): readonly [bulk: number, fast: number] {
    const { filterIndex } = this.#options
    if (filterIndex === -1) return [frame.records - frame.fast, frame.fast]
    return [frame.routed![2 * filterIndex]!, frame.routed![2 * filterIndex + 1]!]
  }

  delivered(batch: Batch, bytes: number): void {
    const { name, counts, clock, events } = this.#options
    const nowMs = clock.wallClock()
    counts.deliveredBytes += bytes
    for (const part of batch.parts) {
      counts.delivered[FAST]! += part.fast
      counts.delivered[BULK]! += part.events - part.fast
      events?.eventsDelivered?.(name, part.events, nowMs - part.of.frame.receivedAtMs)
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

  /** False when nothing in the frame is for this sink. */
  #onCommit(frame: Frame): boolean {
    const { counts } = this.#options
    const [bulk, fast] = this.offered(frame)
    counts.offered[BULK]! += bulk
    counts.offered[FAST]! += fast
    counts.filtered += frame.records - bulk - fast
    return bulk + fast > 0
  }

  #settle(part: Part): void {
    if (part.events === 0) return
    part.of.unsettled -= part.events
    if (part.of.unsettled === 0) this.reader.settle(part.of.frame)
  }
}
