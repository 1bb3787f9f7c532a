import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import type { Batch } from './batch.ts'

/** Batches refused for their content that are kept aside at most; with one more the whole sink waits for the operator. */
export const PARKED_BATCHES_MAX = 64
/** Fast batches that go one after another while a bulk batch stands in line. */
export const FAST_IN_A_ROW_MAX = 3

export interface Flight {
  /** Ends the request. */
  readonly controller: AbortController
  /** When the sink should long have answered, in monotonic milliseconds. */
  readonly overdueAtMs: number
}

/**
 * Where the batches of a sink are. `line`, `inFlight` and `waiting` exclude each other; a parked batch is also in the
 * line or in flight while it is being probed. Batches being given up or deferred are in `live` alone.
 */
export class Roster {
  /** Every batch cut and not settled. */
  readonly live = new Set<Batch>()
  /** May be sent as soon as the payload is made and the rate limit allows, in this order; first sends of a lane in theirs. */
  readonly line: Batch[] = []
  readonly inFlight = new Map<Batch, Flight>()
  /** For the end of their backoff. */
  readonly waiting = new Set<Batch>()
  /** Refused for their content. */
  readonly parked = new Set<Batch>()
  readonly #concurrency: number
  #fastInARow = 0

  constructor(concurrency: number) {
    this.#concurrency = concurrency
  }

  /**
   * Whether one more batch of a lane may be cut. As many as requests may be are under way, parked ones apart; but a lane
   * that has none always gets one, so that what fails in one doesn't hold up the other.
   */
  mayCut(lane: LaneIndex): boolean {
    let underWay = 0
    let ofLane = 0
    for (const batch of this.live) {
      if (this.parked.has(batch)) continue
      underWay++
      if (batch.lane === lane) ofLane++
    }
    return underWay < this.#concurrency || ofLane === 0
  }

  /** Whether the line has room for one more batch of a lane: for each request that may go, and for one of each lane. */
  hasRoom(lane: LaneIndex): boolean {
    if (this.line.length + this.inFlight.size < this.#concurrency) return true
    for (const batch of this.inFlight.keys()) if (batch.lane === lane) return false
    return !this.line.some((batch) => batch.lane === lane)
  }

  /** Puts a batch in line. Fast ones stand in front, but every fourth place is bulk's. */
  enqueue(batch: Batch): void {
    const { line } = this
    line.push(batch)
    const fast = line.filter(({ lane }) => lane === FAST)
    if (fast.length === 0 || fast.length === line.length) return
    const bulk = line.filter(({ lane }) => lane === BULK)
    let inARow = this.#fastInARow
    for (let place = 0; place < line.length; place++) {
      const isFast = bulk.length === 0 || (fast.length > 0 && inARow < FAST_IN_A_ROW_MAX)
      line[place] = (isFast ? fast : bulk).shift()!
      inARow = isFast ? inARow + 1 : 0
    }
  }

  /** A batch leaves the line for the destination. */
  depart(place: number, flight: Flight): void {
    const [batch] = this.line.splice(place, 1)
    this.inFlight.set(batch!, flight)
    this.#fastInARow = batch!.lane === FAST ? this.#fastInARow + 1 : 0
  }

  /** Takes a batch of a lane whose backoff is over. */
  takeRetry(lane: LaneIndex, nowMs: number): Batch | null {
    for (const batch of this.waiting) {
      if (batch.lane !== lane || batch.dueAtMs > nowMs) continue
      this.waiting.delete(batch)
      return batch
    }
    return null
  }

  /** A refused batch of a lane that is due for a probe and not being probed. */
  parkedDue(lane: LaneIndex, nowMs: number): Batch | null {
    for (const batch of this.parked)
      if (batch.lane === lane && batch.dueAtMs <= nowMs && !this.#isUp(batch)) return batch
    return null
  }

  /** The oldest batch that has failed and is not about to be tried again; null when there is none. */
  oldestIdle(): Batch | null {
    for (const batch of this.live)
      if (this.waiting.has(batch) || (this.parked.has(batch) && !this.#isUp(batch))) return batch
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

  #isUp(batch: Batch): boolean {
    return this.inFlight.has(batch) || this.line.includes(batch)
  }
}
