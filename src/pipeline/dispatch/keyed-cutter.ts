import { LANES_BOTH, RECORD_FAST, recordWord } from '../../memory/frame-region.ts'
import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex, LogReader, Taken } from '../../journal/log.ts'
import { Batch } from './batch.ts'
import type { Part } from './batch.ts'
import type { Room } from './batcher.ts'
import { LAG_MS } from './cutter.ts'
import type { BatchCutter } from './cutter.ts'
import { DeferralBudget } from './keys/deferral-budget.ts'
import { Grouping } from './keys/grouping.ts'
import type { Group, GroupEvents } from './keys/grouping.ts'
import { KeyLane } from './keys/key-lane.ts'
import type { Withdrawable } from './keys/key-lane.ts'
import type { BatchShape, KeyQueue } from './keys/key-queue.ts'
import type { Limiter } from './limits/limiter.ts'
import { measureParts, partOf, pickPart, recordsOf } from './record-walk.ts'
import type { RecordWalk } from './record-walk.ts'

/** Pieces of frames that wait in a lane, each for one key: no more frames are taken then. */
export const PORTIONS_MAX = 32_768
/** What waits for its limit is deferred once nothing else could be cut for so long, for want of frames. */
const STARVED_MS = 200
/** Fast batches of a key that go one after another while bulk events of it wait; then it is their turn, for so long. */
const FAST_IN_A_ROW_MAX = 3
const BULK_TURN_MS = 10_000

export interface KeyedCutterOptions {
  readonly reader: LogReader
  readonly keyOf: 'source' | 'field'
  /** Tells a frame's events apart by the field. */
  readonly group: GroupEvents
  readonly limiter: Limiter
  readonly words: Int32Array
  readonly walk: RecordWalk
  readonly encoding: 'ndjson' | 'json' | 'bulk'
  readonly maxBytes: number
  readonly maxEvents: number
  readonly maxAgeMs: number
  /** No while another batch of that key must go first: one that is not sent yet, or, in order, one that is not settled. */
  readonly mayCut: (key: string) => boolean
  /** Severe events overtake no others, and nothing is deferred. */
  readonly inOrder: boolean
  /** A frame's events are told apart: there may be something to cut. */
  readonly onGrouped: () => void
  readonly onGroupFailure: (error: unknown) => void
  readonly nowMs: number
}

/**
 * Cuts batches of one key each, a source or the value of a field, so that each key can have limits and an order of its own.
 *
 * Unlike Cutter it takes frames although some keys have to wait: others may have something in the frames behind. What waits
 * holds the frames that it came in; when these are too many, it is deferred to the end of the log (`takeWaiting`).
 *
 * Severe events of a key that lags run ahead of its bulk ones: they are told apart when its next batch is full already.
 */
export class KeyedCutter implements BatchCutter {
  readonly #options: KeyedCutterOptions
  readonly #shape: BatchShape & { maxBytes: number }
  readonly #lanes: readonly [bulk: KeyLane, fast: KeyLane]
  readonly #groupings: readonly [bulk: Grouping, fast: Grouping]
  readonly #deferral: DeferralBudget
  /** Since when there was always something left in the log. */
  #behindSinceMs = Infinity
  #takenUpToMs = -Infinity
  /** Sequence of the frame that fast took last. */
  #ranAheadTo = -Infinity
  /** By lane: since when nothing could be cut although the log has more. */
  readonly #starvedSinceMs: [number, number] = [Infinity, Infinity]
  lagging = false

  constructor(options: KeyedCutterOptions) {
    const { walk, words, encoding, maxEvents, maxBytes, maxAgeMs, limiter, mayCut, nowMs } = options
    this.#options = options
    this.#shape = { walk, words, asArray: encoding === 'json', maxEvents, maxBytes, maxAgeMs }
    const lane = (index: LaneIndex) => new KeyLane({ lane: index, shape: this.#shape, limiter, mayCut })
    this.#lanes = [lane(BULK), lane(FAST)]
    const grouping = () => new Grouping(options.group, options.onGrouped, options.onGroupFailure)
    this.#groupings = [grouping(), grouping()]
    this.#deferral = new DeferralBudget(nowMs)
  }

  /** In `room` only what the destination takes counts: each key has a turn of its own, and its batch grows until then. */
  take(lane: LaneIndex, nowMs: number, flush: boolean, room?: Room): Batch | null {
    this.#shape.maxBytes = Math.min(this.#options.maxBytes, room?.maxBytes ?? Infinity)
    const keys = this.#lanes[lane]
    this.#groupings[lane].retry(nowMs)
    let batch: Batch | null
    do {
      this.#distribute(lane)
      batch = keys.take(nowMs, flush)
    } while (batch === null && this.#takeFrame(lane))
    this.#noteStarved(lane, nowMs, batch)
    if (batch === null) return null
    this.#deferral.earn(batch.bytes)
    this.#noteTurn(batch, nowMs)
    return batch
  }

  /** What is left of either lane, in batches that are not going to be sent: limits don't matter. Null: nothing. */
  takeRest(): Batch | null {
    for (const lane of [BULK, FAST] as const) {
      const keys = this.#lanes[lane]
      const batch = keys.takeAny()
      if (batch !== null) return batch
      const { reader } = this.#options
      const of = this.#groupings[lane].giveUp() ?? (lane === BULK ? reader.takeBulk() : reader.takeFast())
      if (of === null) continue
      keys.push(of, '', null)
      return keys.takeAny()
    }
    return null
  }

  look(nowMs: number): boolean {
    for (const keys of this.#lanes) keys.recheck()
    const before = this.lagging
    if (this.#options.reader.caughtUp) this.#behindSinceMs = Infinity
    else if (this.#behindSinceMs === Infinity) this.#behindSinceMs = nowMs
    this.lagging = nowMs >= this.#lagsAtMs
    return this.lagging && !before && !this.#options.inOrder
  }

  nextDueMs(nowMs: number): number {
    const moments = [this.#lagsAtMs]
    for (const lane of [BULK, FAST] as const) {
      moments.push(this.#lanes[lane].nextMs, this.#groupings[lane].nextMs)
      if (this.#lanes[lane].waitingKeys > 0) moments.push(this.#starvedSinceMs[lane] + STARVED_MS)
    }
    if (this.#starvedAtAll(nowMs)) moments.push(nowMs + this.#deferral.waitMs(nowMs))
    let next = Infinity
    for (const atMs of moments) if (atMs > nowMs && atMs < next) next = atMs
    return next
  }

  get empty(): boolean {
    return (
      this.#options.reader.caughtUp &&
      this.#lanes.every((keys) => keys.empty) &&
      this.#groupings.every(({ size }) => size === 0)
    )
  }

  /** Keys that wait for a limit of theirs, or for another batch. */
  get waitingKeys(): number {
    return this.#lanes[BULK].waitingKeys + this.#lanes[FAST].waitingKeys
  }

  *unbatched(words: Int32Array): Generator<Part> {
    for (const keys of this.#lanes) yield* keys.unbatched()
    for (const grouping of this.#groupings) {
      for (const of of grouping.taken())
        for (const { first, end } of of.ranges) yield partOf(words, of, first, end)
    }
  }

  /**
   * When the log gives no more frames for the sake of what waits for its limits: what waits so of the oldest frame, as one
   * part, to be deferred. Null while that isn't needed, and while too much was deferred lately.
   */
  takeWaiting(nowMs: number): Batch | null {
    const { reader, inOrder } = this.#options
    if (inOrder || reader.defer === undefined || this.#deferral.waitMs(nowMs) > 0) return null
    for (const lane of [BULK, FAST] as const) {
      const found = this.#isStarved(lane, nowMs) ? this.#lanes[lane].withdrawable() : null
      if (found !== null) return this.#withdraw(lane, found)
    }
    return null
  }

  #withdraw(lane: LaneIndex, found: Withdrawable): Batch {
    const { words, encoding } = this.#options
    const { of } = found
    // One part is one frame in the log.
    const part = pickPart(words, of, recordsOfAll(words, this.#lanes[lane].withdraw(found)))!
    const { bytes, runs } = measureParts(words, [part], encoding !== 'json')
    this.#deferral.spend(bytes, of.frame.originSequence !== of.frame.position.sequence)
    return new Batch(lane, [part], bytes, runs)
  }

  #starvedAtAll(nowMs: number): boolean {
    return this.#isStarved(BULK, nowMs) || this.#isStarved(FAST, nowMs)
  }

  #isStarved(lane: LaneIndex, nowMs: number): boolean {
    const sinceMs = this.#starvedSinceMs[lane]
    if (sinceMs === Infinity || this.#lanes[lane].waitingKeys === 0) return false
    return this.#options.reader.blocked === true || nowMs >= sinceMs + STARVED_MS
  }

  #noteStarved(lane: LaneIndex, nowMs: number, batch: Batch | null): void {
    const isStarved = batch === null && !this.#options.reader.caughtUp && this.#groupings[lane].size === 0
    if (!isStarved) this.#starvedSinceMs[lane] = Infinity
    else this.#starvedSinceMs[lane] = Math.min(this.#starvedSinceMs[lane], nowMs)
  }

  /** Bulk events of a key come first for a while after some fast batches of it. */
  #noteTurn({ lane, key }: Batch, nowMs: number): void {
    const [bulk, fast] = this.#lanes
    const queue = fast.queueOf(key)
    if (queue === undefined) return
    if (lane === BULK) {
      queue.inARow = 0
      queue.notBeforeMs = -Infinity
      fast.wake(queue)
    } else if (++queue.inARow >= FAST_IN_A_ROW_MAX && bulk.queueOf(key) !== undefined) {
      queue.inARow = 0
      queue.notBeforeMs = nowMs + BULK_TURN_MS
    }
  }

  /** Takes one more frame from the log; false when there is none, or no room for it. */
  #takeFrame(lane: LaneIndex): boolean {
    const { reader, keyOf, inOrder } = this.#options
    const grouping = this.#groupings[lane]
    if (!grouping.hasRoom || this.#lanes[lane].portions >= PORTIONS_MAX) return false
    const mayTake = lane === BULK || (this.lagging && !inOrder)
    const of = !mayTake ? null : lane === BULK ? reader.takeBulk() : reader.takeFast()
    if (of === null) return false
    if (lane === BULK && !of.frame.readBack) this.#takenUpToMs = of.frame.committedAtMs
    if (lane === FAST) this.#ranAheadTo = of.frame.position.sequence
    if (keyOf === 'source') this.#push(lane, of, { key: of.frame.sourceName, pick: null })
    else grouping.add(of)
    return true
  }

  /** Gives the events of frames that are told apart to their keys. */
  #distribute(lane: LaneIndex): void {
    const grouping = this.#groupings[lane]
    for (let done = grouping.shift(); done !== null; done = grouping.shift())
      for (const group of done.groups) this.#push(lane, done.of, group)
  }

  #push(lane: LaneIndex, of: Taken, { key, pick }: Group): void {
    const [bulk, fast] = this.#lanes
    if (pick?.length === 0) return
    if (lane === FAST) return fast.push(of, key, pick)
    if (!this.#mayRunAhead(of) || !isBehind(bulk.queueOf(key), fast.queueOf(key)))
      return bulk.push(of, key, pick)
    const [slow, severe] = this.#split(of, pick)
    if (slow.length > 0) bulk.push(of, key, slow)
    if (severe.length > 0) fast.push(of, key, severe)
  }

  /** Severe events of a frame of both lanes can join those that ran ahead, if these are older. */
  #mayRunAhead({ frame, lanes, fast }: Taken): boolean {
    if (lanes !== LANES_BOTH || fast === 0 || this.#options.inOrder) return false
    return this.#groupings[FAST].size === 0 && frame.position.sequence > this.#ranAheadTo
  }

  /** The records by lane. */
  #split(of: Taken, pick: Uint16Array | null): readonly [bulk: Uint16Array, fast: Uint16Array] {
    const { words } = this.#options
    const { region, runs } = of.frame
    const records = pick === null ? allOf(words, of) : pick
    const isFast = (record: number) => (words[recordWord(region, runs, record)]! & RECORD_FAST) !== 0
    return [records.filter((record) => !isFast(record)), records.filter(isFast)]
  }

  get #lagsAtMs(): number {
    return Math.max(this.#behindSinceMs, this.#takenUpToMs) + LAG_MS
  }
}

/** More of a key would not go with its next batch, or severe events of it are on their way already. */
function isBehind(bulk: KeyQueue | undefined, fast: KeyQueue | undefined): boolean {
  return fast !== undefined || bulk?.full === true
}

function allOf(words: Int32Array, of: Taken): Uint16Array {
  return recordsOfAll(
    words,
    of.ranges.map(({ first, end }) => partOf(words, of, first, end)),
  )
}

/** Of parts of one frame; ascending. */
export function recordsOfAll(words: Int32Array, parts: readonly Part[]): Uint16Array {
  const records = new Uint16Array(parts.reduce((sum, { events }) => sum + events, 0))
  let at = 0
  for (const part of parts) {
    records.set(recordsOf(words, part), at)
    at += part.events
  }
  return records.toSorted()
}
