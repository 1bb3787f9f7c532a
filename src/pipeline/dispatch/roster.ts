import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import type { Batch } from './batch.ts'

/** Fast batches that go one after another while a bulk batch stands in line. */
export const FAST_IN_A_ROW_MAX = 3
/** While fast batches come, bulk leaves them this share of the requests. */
const FAST_SHARE = 1 / 4
/** So long after a fast batch left, the next may come. */
const FAST_RECENT_MS = 10_000
/** A refused event is one that stays refused after this. */
export const LONG_REFUSED_MS = 10_000
/** Where those that wait for their backoff are no requests, so many may at most. */
export const WAITING_MAX = 64

export interface Flight {
  /** Ends the request. */
  readonly controller: AbortController
  /** When the sink should long have answered, in monotonic milliseconds. */
  readonly overdueAtMs: number
}

export interface RosterOptions {
  /** Requests that may be in flight now. */
  readonly allowed: () => number
  /** Failed batches that wait count as requests: then what was cut first goes first, as far as one can tell. */
  readonly waitingCounts: boolean
  /** Keys have limits of their own: what waits, perhaps for these alone, counts as no request. */
  readonly limitsByKey: boolean
  /** What has a key goes one after another with that key. */
  readonly inOrder: boolean
}

/**
 * Where the batches of a sink are. `line`, `inFlight`, `waiting` and `pieces` exclude each other; a parked batch is also in
 * the line or in flight while it is being probed. Batches being given up or deferred are in `live` alone.
 */
export class Roster {
  /** Every batch cut and not settled. */
  readonly live = new Set<Batch>()
  /** May be sent as soon as the payload is made and the rate limit allows, in this order; first sends of a lane in theirs. */
  readonly line: Batch[] = []
  readonly inFlight = new Map<Batch, Flight>()
  /** For the end of their backoff. */
  readonly waiting = new Set<Batch>()
  /**
   * Of batches that were refused and divided, the next one last: a batch is searched to its end before others are divided.
   * Also what stepped aside.
   */
  readonly pieces: Batch[] = []
  /** Single events refused for their content, and not believed yet. */
  readonly parked = new Set<Batch>()
  readonly #options: RosterOptions
  #fastInARow = 0
  #fastAtMs = -Infinity

  constructor(options: RosterOptions) {
    this.#options = options
  }

  /**
   * Whether one more batch of a lane may be cut: as many as requests may be are under way, parked ones apart; but a lane
   * that has none always gets one, so that what fails in one doesn't hold up the other.
   */
  mayCut(lane: LaneIndex): boolean {
    const { allowed } = this.#options
    let underWay = 0
    let ofLane = 0
    for (const batch of this.live) {
      if (this.parked.has(batch)) continue
      if (batch.lane === lane) ofLane++
      if (this.#isRequest(batch)) underWay++
    }
    const waiting = this.waiting.size + this.pieces.length
    return ofLane === 0 || (underWay < allowed() && waiting < WAITING_MAX)
  }

  /** Whether a batch of this key may be cut: one is unsent at most; in order, one is unsettled. */
  mayCutKey(key: string): boolean {
    for (const batch of this.live) {
      if (batch.key !== key || this.parked.has(batch)) continue
      if (this.#options.inOrder || !this.inFlight.has(batch)) return false
    }
    return true
  }

  /** Whether the line has room for one more batch of a lane: for each request that may go, and for one of each lane. */
  hasRoom(lane: LaneIndex, nowMs: number): boolean {
    let inLane = 0
    for (const batch of this.inFlight.keys()) if (batch.lane === lane) inLane++
    for (const batch of this.line) if (batch.lane === lane) inLane++
    if (inLane === 0) return true
    const allowed = this.#options.allowed()
    const kept =
      lane === BULK && nowMs - this.#fastAtMs < FAST_RECENT_MS ? Math.floor(allowed * FAST_SHARE) : 0
    return this.line.length + this.inFlight.size < allowed && inLane < allowed - kept
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
  depart(place: number, flight: Flight, nowMs: number): void {
    const [batch] = this.line.splice(place, 1)
    this.inFlight.set(batch!, flight)
    const isFast = batch!.lane === FAST
    this.#fastInARow = isFast ? this.#fastInARow + 1 : 0
    if (isFast) this.#fastAtMs = nowMs
  }

  /** A batch in line that has to wait for a limit of its key leaves its place to others. */
  stepAside(place: number): Batch {
    const [batch] = this.line.splice(place, 1)
    // One that was refused and is probed is parked all the time.
    if (!this.parked.has(batch!)) this.pieces.push(batch!)
    return batch!
  }

  /** Takes a batch of a lane whose backoff is over, and that may go. */
  takeRetry(lane: LaneIndex, nowMs: number, mayGo: (batch: Batch) => boolean): Batch | null {
    for (const batch of this.waiting) {
      if (batch.lane !== lane || batch.dueAtMs > nowMs || !mayGo(batch)) continue
      this.waiting.delete(batch)
      return batch
    }
    return null
  }

  /** Cost of the batches in line that have failed before. */
  get retriesInLine(): number {
    let retries = 0
    for (const { failures, retryCost } of this.line) if (failures > 0) retries += retryCost
    return retries
  }

  /** Takes the next piece of a lane that may go. */
  takePiece(lane: LaneIndex, mayGo: (batch: Batch) => boolean): Batch | null {
    for (let place = this.pieces.length - 1; place >= 0; place--) {
      const batch = this.pieces[place]!
      if (batch.lane !== lane || this.#mustFollow(batch, place) || !mayGo(batch)) continue
      this.pieces.splice(place, 1)
      return batch
    }
    return null
  }

  /** A refused event of a lane that is due for a probe, not being probed, and may go. */
  parkedDue(lane: LaneIndex, nowMs: number, mayGo: (batch: Batch) => boolean): Batch | null {
    for (const batch of this.parked)
      if (batch.lane === lane && batch.dueAtMs <= nowMs && !this.#isUp(batch) && mayGo(batch)) return batch
    return null
  }

  /**
   * The oldest batch that has failed, or waits for a limit of its key, and is not about to be tried again; null when there is
   * none. In order, only what was refused, which others pass anyway; and that only with `evenRefused`: it would come back
   * with its refusals forgotten.
   */
  oldestIdle(evenRefused: boolean): Batch | null {
    const { inOrder, limitsByKey } = this.#options
    for (const batch of this.live) {
      const isAside = limitsByKey && batch.refusal === null && this.pieces.includes(batch)
      const waits = !inOrder && (this.waiting.has(batch) || isAside)
      if (waits || (evenRefused && this.parked.has(batch) && !this.#isUp(batch))) return batch
    }
    return null
  }

  /** Nothing is under way but what was refused. */
  get isQuiet(): boolean {
    const { line, inFlight, waiting, pieces } = this
    return line.length === 0 && inFlight.size === 0 && waiting.size === 0 && pieces.length === 0
  }

  /** An event that stays refused, with nothing accepted to prove it: the operator's to look at, though others still go. */
  longRefused(nowMs: number): Batch | null {
    for (const batch of this.parked)
      if (batch.parkedAtMs !== null && nowMs - batch.parkedAtMs >= LONG_REFUSED_MS) return batch
    return null
  }

  /** Takes a batch out of everything but `live`. */
  setAside(batch: Batch): void {
    for (const list of [this.line, this.pieces]) {
      const place = list.indexOf(batch)
      if (place !== -1) list.splice(place, 1)
    }
    this.waiting.delete(batch)
    this.parked.delete(batch)
  }

  /** Pieces take the place of a batch; the first one goes first. */
  replace(batch: Batch, pieces: readonly Batch[]): void {
    this.live.delete(batch)
    for (const piece of pieces) this.live.add(piece)
    this.pieces.push(...pieces.toReversed())
  }

  /**
   * What was accepted is proof that the destination works: events refused before that was sent are tried once more, and
   * believed then; those refused while it was under way are if nothing else comes, at `secondLookMs`.
   */
  unpark(acceptedRequest: number, secondLookMs: number): void {
    for (const batch of this.parked) {
      if (this.#isUp(batch)) continue
      if (batch.refusedAt >= acceptedRequest) {
        batch.dueAtMs = Math.min(batch.dueAtMs, secondLookMs)
        continue
      }
      this.parked.delete(batch)
      batch.parked = false
      batch.dueAtMs = 0
      this.pieces.push(batch)
    }
  }

  /** An outage is over: nothing waits for a backoff any more. */
  wake(nowMs: number): void {
    for (const batch of this.waiting) {
      batch.dueAtMs = Math.min(batch.dueAtMs, nowMs)
      batch.failures = 0
    }
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

  /** Takes the place of a request, or is about to. */
  #isRequest(batch: Batch): boolean {
    const { waitingCounts, limitsByKey } = this.#options
    if (this.waiting.has(batch)) return waitingCounts && !limitsByKey
    return !(limitsByKey && this.pieces.includes(batch))
  }

  /** In order, a piece follows whatever of its key was tried before it, and the pieces that stand before it. */
  #mustFollow({ key }: Batch, place: number): boolean {
    if (!this.#options.inOrder) return false
    const isSame = (batch: Batch) => batch.key === key
    if (this.pieces.findLastIndex(isSame) > place) return true
    return [...this.waiting, ...this.inFlight.keys(), ...this.line].some(isSame)
  }
}
