import type { Clock, Timer } from '../../base/clock.ts'
import type { Arena } from '../../memory/arena.ts'
import { RUN_KIND, RUN_KIND_MASK } from '../../memory/frame-region.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import { Backpressure } from './backpressure.ts'
import type { Fill } from './backpressure.ts'
import type { BlockPool } from './block-pool.ts'
import type { ExtentQueue } from './extent-queue.ts'
import { Lane, LF_BYTES } from './lane.ts'
import { Stream } from './stream.ts'
import type { StreamOptions } from './stream.ts'
import { Waiting } from './waiting.ts'
import { EXTENT_BYTES_IDLE, worthCutting } from './worth-cutting.ts'
import type { Taker } from './worth-cutting.ts'

/**
 * Lanes that streams may own, as a part of the source's share of the arena, and all sources together as a part of what
 * is shared: a lane that is full keeps its slab until it gets the next, so lanes must never hold all of them.
 */
const OWN_LANES_SHARE = 1 / 4
const ALL_OWN_LANES_SHARE = 1 / 2
const MEAN_RECORD_BYTES_START = 256
/** Weight of the newest extent in the mean density of records. */
const MEAN_WEIGHT = 0.2
/** `{}` and a line feed. */
const RECORD_BYTES_MIN = 3

export interface IntakeOptions {
  readonly arena: Arena
  readonly pool: SlabPool
  readonly owner: SlabOwner
  readonly blocks: BlockPool
  readonly extents: ExtentQueue
  readonly clock: Clock
  readonly maxRecordBytes: number
  readonly lingerMs: number
  /** There may be work for an idle worker. */
  readonly wake: () => void
  readonly onBackpressure: (paused: boolean) => void
}

/**
 * The memory side of a source: where its bytes go and when extents are cut. It says no when it is full; the source
 * then stops reading, and is called back when a quarter of its share is free again.
 */
export class Intake {
  readonly arena: Arena
  readonly blocks: BlockPool
  readonly maxRecordBytes: number
  meanRecordBytes = MEAN_RECORD_BYTES_START
  readonly #options: IntakeOptions
  #shared: Lane | null = null
  readonly #lanes = new Set<Lane>()
  #ownLanes = 0
  /** Streams whose end somebody waits for. */
  openStreams = 0
  #nextStreamId = 1
  readonly #waiting = new Waiting({ mayRead: () => !this.full, laneFree: () => this.#laneFree })
  readonly #backpressure: Backpressure
  #lingerTimer: Timer | null = null
  #stopped = false
  /** Bytes that streams have read and hold outside of lanes: unfinished records, what waits for room, small bodies. */
  heldByStreams = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    this.arena = options.arena
    this.blocks = options.blocks
    this.maxRecordBytes = options.maxRecordBytes
    const { pool, owner, extents, onBackpressure: onChange } = options
    this.#backpressure = new Backpressure({ pool, owner, extents, onChange })
    options.pool.onFree(() => this.#roomMayHaveCome())
  }

  // ---- for sources

  openStream(options: StreamOptions): Stream {
    const id = options.onDone === undefined ? 0 : this.#nextStreamId++
    if (this.#nextStreamId > 0x7fffffff) this.#nextStreamId = 1
    if (id !== 0) this.openStreams++
    return new Stream(this, id, options)
  }

  /** True while reading should not begin: the arena, or this source's share of it, is full. */
  get full(): boolean {
    return this.#backpressure.full
  }

  /** Longest chunk that a stream may be given: with an unfinished record before it, it fits into an empty slab. */
  get chunkBytesMax(): number {
    return this.arena.slabBytes / 2
  }

  /** When full: it is this source's share that is used up, while others would get room. */
  get overShare(): boolean {
    return this.#backpressure.overShare
  }

  /**
   * True when `bytes` of whole records, of any one stream, would be placed now. Makes room if it can; false makes the
   * intake full until `onRoom`.
   */
  hasRoom(bytes: number): boolean {
    return !this.full && this.#waiting.forRoom.empty && this.#sharedLane(bytes) !== null
  }

  /**
   * False stops all reading, whatever room there is: what a source is told could not be made durable, or no worker can
   * start.
   */
  setAccepting(accepting: boolean): void {
    if (this.accepting === accepting) return
    this.#backpressure.accepting = accepting
    this.#roomMayHaveCome()
  }

  get accepting(): boolean {
    return this.#backpressure.accepting
  }

  get fill(): Fill {
    return this.#backpressure.fill
  }

  /** Slabs that must still become free before reading resumes. */
  get slabsToResume(): number {
    return this.#backpressure.slabsToResume
  }

  /** Calls back once, when there is room again. */
  onRoom(listener: () => void): void {
    this.#waiting.onRoom(listener)
  }

  /** What was read and is not yet committed: what a crash of this process would lose of a source without answers. */
  get uncommittedBytes(): number {
    let bytes = this.heldByStreams + this.#options.extents.bytes
    for (const lane of this.#lanes) bytes += lane.fill - lane.cutFrom
    return bytes
  }

  /** Slabs being filled. */
  slabs(): number[] {
    return [...this.#lanes].map((lane) => lane.slab)
  }

  // ---- for streams

  /** Puts whole records of a stream into the shared lane. False: no room, the stream waits and is resumed. */
  place(stream: Stream, kind: number, pieces: readonly Uint8Array[]): boolean {
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    const lane = this.laneFor(stream, kind, bytes)
    if (lane === null) {
      this.waitForRoom(stream)
      return false
    }
    for (const piece of pieces) lane.append(piece)
    if ((kind & RUN_KIND_MASK) === RUN_KIND.BROKEN) lane.append(LF_BYTES)
    lane.complete = lane.fill
    this.poke(lane)
    return true
  }

  /** The shared lane, for `bytes` of whole records that the stream appends by itself. Null: no room; it doesn't wait. */
  laneFor(stream: Stream, kind: number, bytes: number): Lane | null {
    // Those that wait go first.
    const itsTurn = this.#waiting.forRoom.isFirst(stream) && this.#onItsTerms(stream)
    const lane = itsTurn ? this.#sharedLane(bytes) : null
    if (lane === null) return null
    const runsBefore = lane.runs.length
    lane.beginRun(stream, kind)
    if (lane.runs.length > runsBefore) stream.runPlaced()
    return lane
  }

  /** What pends in the shared lane has the terms of the stream, or is cut before. False: the ring is full. */
  #onItsTerms({ terms }: Stream): boolean {
    const pending = this.#shared?.runs[0]
    return pending === undefined || pending.stream.terms === terms || this.#flush(this.#shared!)
  }

  /** A stream with whole records in the shared lane has ended, and somebody may wait for its answer. */
  hurry(): void {
    const lane = this.#shared
    if (lane === null) return
    lane.urgent = true
    this.poke(lane)
  }

  /** The lane that all streams share, with room for `bytes` and one more run. */
  #sharedLane(bytes: number): Lane | null {
    const lane = this.#shared
    if (lane !== null) {
      if (lane.room(this.meanRecordBytes, 1) >= bytes + 1) return lane
      if (!this.#flush(lane)) return this.#backpressure.begin(false)
      this.#retire(lane)
      this.#shared = null
    }
    return (this.#shared = this.#newLane(this.#ownLanes === 0 && this.lanesWanted ? 1 : 0))
  }

  /** True when a stream may have a lane of its own just to be faster, not because it must. */
  get lanesToSpare(): boolean {
    const { pool, owner } = this.#options
    return (
      this.#laneFree &&
      this.#waiting.forRoom.empty &&
      this.#waiting.forLane.empty &&
      pool.availableFor(owner) > 2
    )
  }

  /** Streams wait for a lane: those that are not needed should be given back. */
  get lanesWanted(): boolean {
    return !this.#waiting.forLane.empty
  }

  get #laneFree(): boolean {
    const { pool, owner } = this.#options
    const fair = Math.floor((pool.sharedCount * ALL_OWN_LANES_SHARE) / pool.ownerCount)
    return this.#ownLanes < Math.max(1, Math.min(Math.floor(owner.sharedMax * OWN_LANES_SHARE), fair))
  }

  /** A lane for one stream. Limited, and the last slab is the shared lane's. Null: the stream waits and is resumed. */
  openLane(stream: Stream): Lane | null {
    if (!this.#laneFree || !this.#waiting.forLane.isFirst(stream)) {
      this.#waiting.forLane.add(stream)
      this.#waiting.goOnSoon()
      return null
    }
    // What the stream has in the shared lane comes first.
    const flushed = this.#shared === null || this.#flush(this.#shared)
    const lane = flushed ? this.#newLane(this.#shared === null ? 1 : 0) : this.#backpressure.begin(false)
    if (lane === null) this.#waiting.forLane.add(stream)
    else this.#ownLanes++
    return lane
  }

  #newLane(leave: number): Lane | null {
    const { pool, owner, arena } = this.#options
    const slab = !this.#stopped && pool.availableFor(owner) > leave ? pool.acquire(owner) : -1
    if (slab === -1) return this.#backpressure.begin(true)
    const lane = new Lane(arena, slab)
    this.#lanes.add(lane)
    return lane
  }

  /** Hands over what is whole and moves the rest to a new slab. Null: no slab, or no place in the ring; the stream waits. */
  rotate(stream: Stream, lane: Lane): Lane | null {
    const next = this.#flush(lane) ? this.#newLane(0) : this.#backpressure.begin(false)
    if (next === null) {
      this.waitForRoom(stream)
      return null
    }
    next.append(this.arena.bytes.subarray(lane.complete, lane.fill))
    this.#retire(lane)
    return next
  }

  /** The owner needs it no more; everything in it is whole. False: the ring is full. */
  closeLane(lane: Lane): boolean {
    if (!this.#flush(lane)) return false
    this.dropLane(lane)
    return true
  }

  dropLane(lane: Lane): void {
    if (!this.#lanes.has(lane)) return
    this.#ownLanes--
    this.#retire(lane)
    this.#roomMayHaveCome()
  }

  #retire(lane: Lane): void {
    this.#lanes.delete(lane)
    this.#options.pool.release(lane.slab)
  }

  /** Everything whole of a lane becomes extents. False when the ring is full. */
  #flush(lane: Lane): boolean {
    while (lane.pendingBytes > 0) if (!this.cut(lane, false)) return false
    return true
  }

  /** Cuts an extent of all that is whole in a lane. False when the ring is full. */
  cut(lane: Lane, own: boolean): boolean {
    if (lane.pendingBytes === 0) return true
    // After a stop the lanes are gone.
    if (this.#stopped || !this.#options.extents.push(lane, own, this.meanRecordBytes)) return false
    lane.due = lane.urgent = false
    this.#options.wake()
    return true
  }

  /** Bytes came into a lane: is it time for a worker? */
  poke(lane: Lane): void {
    if (lane.pendingBytes === 0) return
    if (lane.pendingBytes >= Math.min(lane.extentBytesMax(this.meanRecordBytes), this.readBytesMax)) {
      this.cut(lane, false)
      return
    }
    if (lane.urgent || lane.pendingBytes >= EXTENT_BYTES_IDLE) this.#options.wake()
    this.#lingerTimer ??= this.#options.clock.setTimeout(() => this.#linger(), this.#options.lingerMs)
  }

  /** What fills the space for decoded events: more is not read at once, nor worth a task. */
  get readBytesMax(): number {
    return this.#options.extents.extentBytesMax(this.meanRecordBytes)
  }

  #linger(): void {
    this.#lingerTimer = null
    for (const lane of this.#lanes) if (lane.pendingBytes > 0) lane.due = true
    this.#options.wake()
  }

  /** Gives the shared lane back, where nothing of it is left to cut: a source that seldom has anything needs no slab. */
  rest(): void {
    if (this.#shared === null || this.#shared.fill > this.#shared.cutFrom) return
    this.#retire(this.#shared)
    this.#shared = null
  }

  forget(stream: Stream): void {
    this.#waiting.forget(stream)
    if (stream.id !== 0) this.openStreams--
  }

  /** The stream's turn may have come: it is resumed in a turn of its own. */
  retry(stream: Stream): void {
    this.#waiting.retry(stream)
  }

  /** There was no room, be it in a slab or in the ring: the stream is resumed when there is. */
  waitForRoom(stream: Stream): void {
    this.#waiting.forRoom.add(stream)
    if (!this.full && this.#options.extents.full) this.#backpressure.begin(false)
    if (!this.full) this.#waiting.goOnSoon()
  }

  // ---- for the scheduler

  /** A worker could take something: is a lane worth it? An idle one takes what is urgent, due or `EXTENT_BYTES_IDLE`. */
  hasWork(taker: Taker): boolean {
    const { extents } = this.#options
    return !extents.full && !extents.waitsForSpace && worthCutting(this.#lanes, taker) !== null
  }

  /** Cuts a lane that is worth it, all in turn. True when an extent was cut. */
  offerWork(taker: Taker): boolean {
    const lane = worthCutting(this.#lanes, taker)
    if (lane === null) return false
    this.#lanes.delete(lane)
    this.#lanes.add(lane)
    return this.cut(lane, false)
  }

  /** A worker is done with so many bytes, and found so many records in them. */
  framed(bytes: number, records: number): void {
    if (records > 0) {
      // By density, so that one extent of tiny records counts at once: too small a table costs more than too large a one.
      const perByte = 1 / this.meanRecordBytes
      const density = Math.min(records / bytes, 1 / RECORD_BYTES_MIN)
      this.meanRecordBytes = 1 / (perByte + MEAN_WEIGHT * (density - perByte))
    }
    this.#roomMayHaveCome()
  }

  /** Hands everything whole to the workers, whatever its size; for a clean stop. */
  flush(): void {
    for (const lane of this.#lanes) if (lane.pendingBytes > 0) lane.due = true
    this.#options.wake()
  }

  /** Nothing waits here and nothing is out. */
  get idle(): boolean {
    return (
      this.#waiting.empty &&
      this.openStreams === 0 &&
      this.#options.extents.empty &&
      this.uncommittedBytes === 0
    )
  }

  /** Lets go of everything. What is still in lanes then, because time ran out, was never acknowledged. */
  stop(): void {
    this.#stopped = true
    this.#lingerTimer?.clear()
    this.#lingerTimer = null
    this.#waiting.stop()
    for (const lane of this.#lanes) this.#retire(lane)
    this.#shared = null
  }

  #roomMayHaveCome(): void {
    if (this.#backpressure.mayEnd()) this.#waiting.roomCame()
  }
}
