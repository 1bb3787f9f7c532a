import type { Batch } from './batch.ts'

/** Batches refused for their content that are kept aside at most; with one more the whole sink waits for the operator. */
export const PARKED_BATCHES_MAX = 64

export interface Flight {
  /** Ends the request. */
  readonly controller: AbortController
  /** When the sink should long have answered, in monotonic milliseconds. */
  readonly overdueAtMs: number
}

/**
 * Where the batches of a sink are. `line`, `inFlight` and `waiting` exclude each other; a parked batch is also in the
 * line or in flight while it is being probed. Batches being given up are in `live` alone.
 */
export class Roster {
  /** Every batch cut and not settled. */
  readonly live = new Set<Batch>()
  /** May be sent as soon as the payload is made and the rate limit allows; first sends in order. */
  readonly line: Batch[] = []
  readonly inFlight = new Map<Batch, Flight>()
  /** For the end of their backoff. */
  readonly waiting = new Set<Batch>()
  /** Refused for their content. */
  readonly parked = new Set<Batch>()

  /** Batches that count against the concurrency: all but the parked ones. */
  get underWay(): number {
    return this.live.size - this.parked.size
  }

  /** Takes a batch whose backoff is over. */
  takeRetry(nowMs: number): Batch | null {
    for (const batch of this.waiting) {
      if (batch.dueAtMs > nowMs) continue
      this.waiting.delete(batch)
      return batch
    }
    return null
  }

  /** A refused batch that is due for a probe and not being probed. */
  parkedDue(nowMs: number): Batch | null {
    for (const batch of this.parked)
      if (batch.dueAtMs <= nowMs && !this.inFlight.has(batch) && !this.line.includes(batch)) return batch
    return null
  }

  /** Takes a batch out of everything but `live`. */
  setAside(batch: Batch): void {
    const place = this.line.indexOf(batch)
    if (place !== -1) this.line.splice(place, 1)
    this.waiting.delete(batch)
    this.parked.delete(batch)
  }

  /** When time alone next changes something for a batch; Infinity if never. */
  nextDueMs(nowMs: number): number {
    let next = Infinity
    for (const { dueAtMs } of this.live) if (dueAtMs > nowMs && dueAtMs < next) next = dueAtMs
    for (const { overdueAtMs } of this.inFlight.values())
      if (overdueAtMs > nowMs && overdueAtMs < next) next = overdueAtMs
    return next
  }

  abortOverdue(nowMs: number): void {
    for (const { controller, overdueAtMs } of this.inFlight.values())
      if (overdueAtMs <= nowMs) controller.abort()
  }
}
