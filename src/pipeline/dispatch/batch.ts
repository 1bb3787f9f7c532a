import type { Attempt, Remark } from '../../encode/task.ts'
import type { LaneIndex, TakenPart } from '../../journal/log.ts'
import type { Payload } from '../sink.ts'

/** Records of one range of what was taken, counted. */
export type Part = TakenPart

/** Most entries of a batch's delivery history: the first, and the last ones. */
export const HISTORY_MAX = 8

/** The batch that was first refused whole, or all of its items: what is left of it is sent in pieces. */
export interface Refusal {
  /** How often the destination had taken something by then. */
  readonly acks: number
  /** Events of it that are neither delivered nor refused alone. */
  open: number
  readonly events: number
}

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
  /** Whose events they are, where each has a limit or an order of its own; else ''. */
  readonly key: string

  /** What goes out; null until prepared. */
  payload: Payload | null = null
  /** The output slab that the payload lies in, or -1. */
  slab = -1
  /** An encode task is at work on it. */
  preparing = false
  /** How often it was sent, also as a part of the batch that it comes from. */
  attempts = 0
  /** Number of the request that it last went in. */
  request = 0
  /** Transient failures in a row; the exponent of the backoff. */
  failures = 0
  /** What sending it again costs of the retry budget: less than 1 where only some items of a request failed. */
  retryCost = 1
  /** Not sent, or not prepared again, before this moment (monotonic milliseconds). */
  dueAtMs = 0
  /** A single event that was refused, and is not believed to be the guilty one yet: only probed. */
  parked = false
  /** Since when, however often it was tried since; null before. */
  parkedAtMs: number | null = null
  /** Of the batch that was refused and that this is a piece of; null while nothing was refused. */
  refusal: Refusal | null = null
  /** Requests sent by when it, or what it is a piece of, was last refused; Infinity: it was not. */
  refusedAt = Infinity
  /** What became of it last; for the dead letter. */
  reason = ''
  status: number | undefined = undefined
  /** What became of it, oldest first; the same again is counted. */
  history: readonly Attempt[] = []
  /** What was said of single parts; for the dead letters. */
  readonly remarks = new Map<Part, Remark>()

  constructor(lane: LaneIndex, parts: readonly Part[], bytes: number, runs: number, key = '') {
    this.lane = lane
    this.parts = parts
    this.bytes = bytes
    this.runs = runs
    this.key = key
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

  /** Notes what became of it. */
  note(category: string, reason: string, status: number | undefined, atMs: number): void {
    this.reason = reason
    this.status = status
    const last = this.history.at(-1)
    const isSame = last?.category === category && last.reason === reason && last.status === status
    const entry = { at: atMs, category, reason, ...(status === undefined ? {} : { status }) }
    const kept = isSame ? this.history.slice(0, -1) : this.history
    const room = kept.length < HISTORY_MAX ? kept : [kept[0]!, ...kept.slice(2)]
    this.history = [...room, { ...entry, count: isSame ? last.count + 1 : 1 }]
  }

  /** Takes on what became of the batch that it is a piece of. */
  inherit(from: Batch): this {
    this.attempts = from.attempts
    this.failures = from.failures
    this.retryCost = from.retryCost
    this.refusal = from.refusal
    this.refusedAt = from.refusedAt
    this.reason = from.reason
    this.status = from.status
    this.history = from.history
    return this
  }
}
