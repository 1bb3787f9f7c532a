import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import type { Sink } from '../sink.ts'
import type { Batch } from './batch.ts'
import type { Destination } from './destination.ts'
import type { Limiter } from './limits/limiter.ts'
import type { Pieces } from './pieces.ts'
import { WAITING_MAX } from './roster.ts'
import type { Roster } from './roster.ts'
import type { Sender } from './sender.ts'

/** Events of a probe, at most. */
export const PROBE_EVENTS_MAX = 100
/** Of so many probes one is of what was refused before, if there is something else. */
const REFUSED_EACH = 4
/** While nothing is accepted, no more single events than these are found out to be refused. */
const PARKED_MAX = 200

export interface ProbingOptions {
  readonly sink: Sink
  readonly roster: Roster
  readonly destination: Destination
  readonly sender: Sender
  readonly limiter: Limiter
  readonly pieces: Pieces
  /** The next new batch of a lane; null where there is none. */
  readonly cut: (lane: LaneIndex, nowMs: number) => Batch | null
  /** A batch will not be sent as it is. */
  readonly takeOut: (batch: Batch) => void
}

/** While nothing but probes may go, chooses what the destination is tried with. */
export class Probing {
  readonly #options: ProbingOptions
  #probes = 0
  /** How long what might be tried has to wait for its own limit; Infinity: for no such thing. */
  #limitMs = Infinity

  constructor(options: ProbingOptions) {
    this.#options = options
  }

  /**
   * Has a probe stand in line, or go, when it is time for one. Answers in how many milliseconds the rate limit lets it,
   * where only that is in the way, else Infinity.
   */
  choose(nowMs: number): number {
    const { sink, roster, destination, sender } = this.#options
    const { line, inFlight } = roster
    if (nowMs < destination.probeAtMs || inFlight.size > 0 || sender.isProbing) return Infinity
    const mayAsk = !destination.onHold && !destination.refusesProbe
    if (mayAsk && sink.probe !== undefined) return sender.tryProbe(nowMs)
    this.#limitMs = Infinity
    if (line.length === 0) {
      const batch = this.#next(nowMs)
      if (batch !== null) line.push(batch)
    }
    this.#shrink()
    return line.length === 0 ? this.#limitMs : Infinity
  }

  /** What the destination is tried with next; it has no backoff to wait for. */
  #next(nowMs: number): Batch | null {
    const batch = this.#nextInTurn(nowMs)
    if (batch !== null) batch.dueAtMs = 0
    return batch
  }

  /** What was refused and what was not take turns: neither alone can tell whether the destination works, the latter better. */
  #nextInTurn(nowMs: number): Batch | null {
    const { roster, limiter, cut } = this.#options
    // What would have to wait in line for its own limit would take it from others, again and again.
    const mayGo = (batch: Batch) => {
      const waitMs = limiter.ownWaitMs(batch.key, batch, nowMs)
      this.#limitMs = Math.min(this.#limitMs, waitMs > 0 ? waitMs : Infinity)
      return waitMs === 0
    }
    // Of each large piece that is tried, a small one waits ever after.
    const triesPieces = roster.parked.size < PARKED_MAX && roster.waiting.size < WAITING_MAX
    const isUntried = (batch: Batch) => batch.refusal === null && mayGo(batch)
    const ways = [
      (lane: LaneIndex) => roster.takeRetry(lane, Infinity, mayGo),
      (lane: LaneIndex) => roster.takePiece(lane, isUntried),
      (lane: LaneIndex) => cut(lane, nowMs),
      (lane: LaneIndex) => (triesPieces ? roster.takePiece(lane, mayGo) : null),
      (lane: LaneIndex) => roster.parkedDue(lane, Infinity, mayGo),
    ]
    const inTurn = this.#probes % REFUSED_EACH === REFUSED_EACH - 1 ? ways.toReversed() : ways
    for (const way of inTurn) {
      const batch = way(FAST) ?? way(BULK)
      if (batch === null) continue
      this.#probes++
      return batch
    }
    return null
  }

  /** Of a large batch at the head of the line a few events are the probe. */
  #shrink(): void {
    const { roster, destination, pieces, takeOut } = this.#options
    const batch = roster.line[0]
    // On hold, one guilty event among many would hide that the destination works.
    const eventsMax = destination.onHold ? 1 : PROBE_EVENTS_MAX
    if (batch === undefined || batch.events <= eventsMax || batch.preparing) return
    const [probe, rest] = pieces.divide(batch, eventsMax)
    takeOut(batch)
    roster.replace(batch, [rest])
    roster.live.add(probe)
    roster.line.unshift(probe)
  }
}
