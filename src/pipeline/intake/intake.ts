import type { Clock, Timer } from '../../base/clock.ts'
import type { Arena } from '../../memory/arena.ts'
import { RUN_KIND, RUN_KIND_MASK } from '../../memory/frame-region.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { BlockPool } from './block-pool.ts'
import type { ExtentQueue } from './extent-queue.ts'
import { Lane } from './lane.ts'
import { Stream } from './stream.ts'
import type { StreamOptions } from './stream.ts'
import { WaitingLine } from './waiting-line.ts'

/** A lane is worth a task when a worker is idle and so much is there. */
const EXTENT_BYTES_MIN = 64 * 1024
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
  /** Streams that wait for room in the arena or in the ring. */
  readonly #roomLine = new WaitingLine()
  /** Streams that wait until another one gives its lane back. They are in nobody's way but each other's. */
  readonly #laneLine = new WaitingLine()
  /** Streams whose own extent is back. */
  #retries = new Set<Stream>()
  /** Reading stopped and room has not come back yet. */
  #full = false
  /** ... for want of slabs, not only of places in the ring. */
  #slabsWanted = false
  #accepting = true
  #roomListeners: (() => void)[] = []
  #lingerTimer: Timer | null = null
  #resumeAsked = false
  #stopped = false
  /** Bytes that streams have read and hold outside of lanes: unfinished records, what waits for room, small bodies. */
  heldByStreams = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    this.arena = options.arena
    this.blocks = options.blocks
    this.maxRecordBytes = options.maxRecordBytes
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
    return this.#full
  }

  /** Longest chunk that a stream may be given: with an unfinished record before it, it fits into an empty slab. */
  get chunkBytesMax(): number {
    return this.arena.slabBytes / 2
  }

  /** When full: it is this source's share that is used up, while others would get room. */
  get overShare(): boolean {
    return this.#options.pool.overShare(this.#options.owner)
  }

  /**
   * True when `bytes` of whole records, of any one stream, would be placed now. Makes room if it can; false makes the
   * intake full until `onRoom`.
   */
  hasRoom(bytes: number): boolean {
    return !this.#full && this.#roomLine.empty && this.#sharedLane(bytes, 1) !== null
  }

  /**
   * False stops all reading, whatever room there is: what a source is told could not be made durable, or no worker can
   * start.
   */
  setAccepting(accepting: boolean): void {
    if (this.#accepting === accepting) return
    this.#accepting = accepting
    if (accepting) this.#roomMayHaveCome()
    else this.#becomeFull(false)
  }

  get accepting(): boolean {
    return this.#accepting
  }

  /** Calls back once, when there is room again. */
  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener)
    if (!this.#full) this.#resumeSoon()
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
    // Those that wait go first.
    const lane = this.#roomLine.isFirst(stream) ? this.#sharedLane(bytes, 1) : null
    if (lane === null) {
      this.waitForRoom(stream)
      return false
    }
    const runsBefore = lane.runs.length
    lane.beginRun(stream, kind)
    if (lane.runs.length > runsBefore) stream.runPlaced()
    for (const piece of pieces) lane.append(piece)
    if ((kind & RUN_KIND_MASK) === RUN_KIND.BROKEN) lane.append(LF_BYTES)
    lane.complete = lane.fill
    this.poke(lane)
    return true
  }

  /** A stream with whole records in the shared lane has ended, and somebody may wait for its answer. */
  hurry(): void {
    const lane = this.#shared
    if (lane === null) return
    lane.urgent = true
    this.poke(lane)
  }

  /** The lane that all streams share, with room for `bytes` and so many more runs. */
  #sharedLane(bytes: number, runs: number): Lane | null {
    const lane = this.#shared
    if (lane !== null) {
      if (lane.room(this.meanRecordBytes, runs) >= bytes + 1) return lane
      if (!this.#flush(lane)) return this.#becomeFull(false)
      this.#retire(lane)
      this.#shared = null
    }
    return (this.#shared = this.#newLane(this.#ownLanes === 0 && this.lanesWanted ? 1 : 0))
  }

  /** True when a stream may have a lane of its own just to be faster, not because it must. */
  get lanesToSpare(): boolean {
    const { pool, owner } = this.#options
    return this.#laneFree && this.#roomLine.empty && this.#laneLine.empty && pool.availableFor(owner) > 2
  }

  /** Streams wait for a lane: those that are not needed should be given back. */
  get lanesWanted(): boolean {
    return !this.#laneLine.empty
  }

  get #laneFree(): boolean {
    const { pool, owner } = this.#options
    const fair = Math.floor((pool.sharedCount * ALL_OWN_LANES_SHARE) / pool.ownerCount)
    return this.#ownLanes < Math.max(1, Math.min(Math.floor(owner.sharedMax * OWN_LANES_SHARE), fair))
  }

  /** A lane for one stream. Limited, and the last slab is the shared lane's. Null: the stream waits and is resumed. */
  openLane(stream: Stream): Lane | null {
    if (!this.#laneFree || !this.#laneLine.isFirst(stream)) {
      this.#laneLine.add(stream)
      this.#resumeSoon()
      return null
    }
    // What the stream has in the shared lane comes first.
    const flushed = this.#shared === null || this.#flush(this.#shared)
    const lane = flushed ? this.#newLane(this.#shared === null ? 1 : 0) : this.#becomeFull(false)
    if (lane === null) this.#laneLine.add(stream)
    else this.#ownLanes++
    return lane
  }

  #newLane(leave: number): Lane | null {
    const { pool, owner, arena } = this.#options
    const slab = !this.#stopped && pool.availableFor(owner) > leave ? pool.acquire(owner) : -1
    if (slab === -1) return this.#becomeFull(true)
    const lane = new Lane(arena, slab)
    this.#lanes.add(lane)
    return lane
  }

  /** Hands over what is whole and moves the rest to a new slab. Null: no slab, or no place in the ring; the stream waits. */
  rotate(stream: Stream, lane: Lane): Lane | null {
    const next = this.#flush(lane) ? this.#newLane(0) : this.#becomeFull(false)
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
    if (lane.pendingBytes >= lane.extentBytesMax(this.meanRecordBytes)) {
      this.cut(lane, false)
      return
    }
    if (lane.urgent || lane.pendingBytes >= EXTENT_BYTES_MIN) this.#options.wake()
    this.#lingerTimer ??= this.#options.clock.setTimeout(() => this.#linger(), this.#options.lingerMs)
  }

  #linger(): void {
    this.#lingerTimer = null
    for (const lane of this.#lanes) if (lane.pendingBytes > 0) lane.due = true
    this.#options.wake()
  }

  forget(stream: Stream): void {
    this.#roomLine.delete(stream)
    this.#laneLine.delete(stream)
    this.#retries.delete(stream)
    if (stream.id !== 0) this.openStreams--
  }

  /** The stream's turn may have come; asked in a turn of its own, so that callers need not be re-entrant. */
  retry(stream: Stream): void {
    this.#retries.add(stream)
    this.#resumeSoon()
  }

  /** There was no room, be it in a slab or in the ring: the stream is resumed when there is. */
  waitForRoom(stream: Stream): void {
    this.#roomLine.add(stream)
    if (!this.#full && this.#options.extents.full) this.#becomeFull(false)
    if (!this.#full) this.#resumeSoon()
  }

  // ---- for the scheduler

  /** An idle worker asks: cuts a lane that is worth it, all in turn. True when an extent was cut. */
  offerWork(): boolean {
    for (const lane of this.#lanes) {
      const { pendingBytes, urgent, due } = lane
      if (pendingBytes === 0 || !(urgent || due || pendingBytes >= EXTENT_BYTES_MIN)) continue
      this.#lanes.delete(lane)
      this.#lanes.add(lane)
      return this.cut(lane, false)
    }
    return false
  }

  /** An extent of so many bytes was committed with so many records. */
  committed(bytes: number, records: number): void {
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
      this.#roomLine.empty &&
      this.#laneLine.empty &&
      this.#retries.size === 0 &&
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
    this.#roomLine.clear()
    this.#laneLine.clear()
    this.#retries.clear()
    this.#roomListeners = []
    for (const lane of this.#lanes) this.#retire(lane)
    this.#shared = null
  }

  // ---- backpressure

  #becomeFull(forSlabs: boolean): null {
    this.#slabsWanted ||= forSlabs
    if (!this.#full) {
      this.#full = true
      this.#options.onBackpressure(true)
    }
    return null
  }

  /** Slabs that must still become free before reading resumes: with less than a quarter it would stop again at once. */
  get slabsToResume(): number {
    const { pool, owner } = this.#options
    if (owner.held < owner.reserved) return 0
    const wanted = Math.max(1, Math.floor((owner.reserved + owner.sharedMax) / 4))
    return Math.max(0, wanted - pool.availableFor(owner))
  }

  get #mayResume(): boolean {
    if (this.#options.extents.full || !this.#accepting) return false
    return !this.#slabsWanted || this.slabsToResume === 0
  }

  #roomMayHaveCome(): void {
    if (this.#full) {
      if (!this.#mayResume) return
      this.#full = this.#slabsWanted = false
      this.#options.onBackpressure(false)
    }
    if (!this.#roomLine.empty || !this.#laneLine.empty || this.#roomListeners.length > 0) this.#resumeSoon()
  }

  /** In a turn of its own: a microtask would run inside a read callback, before its read has ended. */
  #resumeSoon(): void {
    if (this.#resumeAsked || this.#stopped) return
    this.#resumeAsked = true
    setImmediate(() => {
      this.#resumeAsked = false
      if (!this.#stopped) this.#resumeWaiting()
    })
  }

  #resumeWaiting(): void {
    const retries = this.#retries
    this.#retries = new Set()
    for (const stream of retries) stream.resume()
    this.#roomLine.serve(() => !this.#full)
    this.#laneLine.serve(() => !this.#full && this.#laneFree)
    if (this.#full) return
    const listeners = this.#roomListeners
    this.#roomListeners = []
    for (const listener of listeners) listener()
  }
}

const LF_BYTES = Uint8Array.of(0x0a)
