import type { LaneIndex, TakenPart } from '../../journal/log.ts'
import type { Payload } from '../sink.ts'

/** Records of one range of what was taken, counted. */
export type Part = TakenPart

/** What is sent in one request, from the moment it is cut until it is settled. */
export class Batch {
  /** That it was cut from. A batch of the bulk lane holds fast events too, where the lanes were together. */
  readonly lane: LaneIndex
  /** What is not settled of it. */
  parts: readonly Part[]
  readonly events: number
  /** As sent without compression, or a little more. */
  readonly bytes: number
  /** Ranges of the arena without a gap in them that the events lie in. */
  readonly runs: number

  /** What goes out; null until prepared. */
  payload: Payload | null = null
  /** The output slab that the payload lies in, or -1. */
  slab = -1
  /** An encode task is at work on it. */
  preparing = false
  /** How often it was sent. */
  attempts = 0
  /** Transient failures in a row; the exponent of the backoff. */
  failures = 0
  /** Not sent, or not prepared again, before this moment (monotonic milliseconds). */
  dueAtMs = 0
  /** Refused for its content, and only probed since. */
  parked = false
  /** How many batches the destination had accepted when it first refused this one. */
  acksAtRefusal = 0
  /** What became of it last; for the dead letter. */
  reason = ''
  status: number | undefined = undefined

  constructor(lane: LaneIndex, parts: readonly Part[], bytes: number, runs: number) {
    this.lane = lane
    this.parts = parts
    this.bytes = bytes
    this.runs = runs
    let events = 0
    for (const part of parts) events += part.events
    this.events = events
  }

  /** When its youngest event was received, by the wall clock: in disk mode, perhaps by a collector before this one. */
  get youngestReceivedAtMs(): number {
    let youngest = -Infinity
    for (const { of } of this.parts) youngest = Math.max(youngest, of.frame.receivedAtMs)
    return youngest
  }
}
