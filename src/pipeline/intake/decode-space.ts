import assert from 'node:assert'
import { KIB } from '../../base/units.ts'
import type { Arena } from '../../memory/arena.ts'
import { FRAME_RECORDS_MAX, RECORD_BYTES, regionBytes } from '../../memory/frame-region.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'

/** Room for more records and bytes than the source's means suggest. */
const MARGIN = 1.2
const SPARE_RECORDS = 16
const SPARE_BYTES = 1024
/** Part of a slab that one table may take. */
const TABLE_SHARE_MAX = 1 / 4
/** Part of a slab that the decoded events of one extent are to fill. */
const FILL = 0.9
/** Bytes of decoded events for each byte of a message, until it is known. */
const EXPANSION_START = 2
const EXPANSION_WEIGHT = 0.2
/** A later extent leaves so many slabs for the oldest, on which it depends. */
const LEFT_FOR_THE_OLDEST = 1
/** What is left of a slab is offered again if so much is. */
const REST_BYTES_MIN = 4 * KIB
const UNUSED_BYTES = 8

/** A part of a slab for the frame of one task: events are written from `from` on, the region stands at its end. */
export interface DecodeArea {
  readonly slab: number
  readonly from: number
  /** Where the region begins. */
  readonly to: number
  readonly capacity: number
  /** It is a whole slab: there is no larger one. */
  readonly fresh: boolean
}

interface OpenSlab {
  readonly slab: number
  fill: number
  top: number
}

/**
 * Where the decoded events of a source go: slabs of its own for frames, filled task by task, so that a trickle of small
 * extents does not use one up each. Each task in hand has a slab to itself; of those at rest one is kept open.
 *
 *     start          fill                                    top                 end
 *       | events of frames |             free                  | their regions     |
 */
export class DecodeSpace {
  readonly #arena: Arena
  readonly #pool: SlabPool
  readonly #owner: SlabOwner
  #open: OpenSlab | null = null
  readonly #lent = new Map<DecodeArea, OpenSlab>()
  #expansion = EXPANSION_START
  #closed = false
  readonly #listeners: (() => void)[] = []

  constructor(arena: Arena, pool: SlabPool, owner: SlabOwner) {
    this.#arena = arena
    this.#pool = pool
    this.#owner = owner
    pool.onFree(() => this.#tellRoom())
  }

  /** Called when `take` may succeed again. */
  onRoom(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #tellRoom(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Bytes of messages whose events are expected to fit into a slab. */
  inputBytesMax(meanRecordBytes: number): number {
    const perByte = (this.#expansion + RECORD_BYTES / meanRecordBytes) * MARGIN
    return Math.floor((this.#arena.slabBytes * FILL) / perByte)
  }

  /**
   * Space for the frame of `inputBytes` of messages in so many runs; it may turn out too small. `oldest`: all others
   * wait for this extent. `whole`: no less than a slab. Null: none now.
   */
  take(options: {
    readonly runs: number
    readonly inputBytes: number
    readonly meanRecordBytes: number
    readonly oldest: boolean
    readonly whole: boolean
  }): DecodeArea | null {
    const { runs, inputBytes, meanRecordBytes, oldest, whole } = options
    const records = Math.ceil((inputBytes / meanRecordBytes) * MARGIN) + SPARE_RECORDS
    const tableMax = Math.floor((this.#arena.slabBytes * TABLE_SHARE_MAX) / RECORD_BYTES)
    const capacity = Math.min(records, tableMax, FRAME_RECORDS_MAX)
    const tableBytes = regionBytes(runs, capacity) + 8
    const wanted = tableBytes + Math.ceil(inputBytes * this.#expansion * MARGIN) + SPARE_BYTES
    const most = this.#arena.slabBytes * FILL
    if (whole || this.#open === null || this.#open.top - this.#open.fill < Math.min(wanted, most)) {
      if (!this.#openSlab(oldest ? 0 : LEFT_FOR_THE_OLDEST)) return null
    }
    const open = this.#open!
    this.#open = null
    const fresh = open.fill === this.#start(open.slab)
    const to = (open.top - regionBytes(runs, capacity)) & ~7
    assert(to > open.fill, 'a slab holds the region of an extent and more')
    const area = { slab: open.slab, from: open.fill, to, capacity, fresh }
    this.#lent.set(area, open)
    return area
  }

  /** Another slab takes the place of the one that is open, if there is one to be had. */
  #openSlab(leave: number): boolean {
    // For the oldest: what is open may be the last that the owner can have, and free again by being closed.
    if (leave === 0) this.#close()
    const slab =
      !this.#closed && this.#pool.availableFor(this.#owner) > leave ? this.#pool.acquire(this.#owner) : -1
    if (slab === -1) return false
    this.#close()
    this.#open = { slab, fill: this.#start(slab), top: this.#arena.slabStart(slab) + this.#arena.slabBytes }
    return true
  }

  /** The ring says 0 for no space. */
  #start(slab: number): number {
    return this.#arena.slabStart(slab) + UNUSED_BYTES
  }

  /** The task is over: `bytes` of events stand in the area, from `inputBytes` of messages. `kept`: a frame has its region. */
  give(area: DecodeArea, bytes: number, inputBytes: number, kept = bytes > 0): void {
    const slab = this.#lent.get(area)!
    this.#lent.delete(area)
    if (bytes > 0) this.#expansion += EXPANSION_WEIGHT * (bytes / inputBytes - this.#expansion)
    if (kept) {
      slab.fill = area.from + bytes
      slab.top = area.to
    }
    const stays = this.#open
    const rest = slab.top - slab.fill
    if (this.#closed || rest < REST_BYTES_MIN || (stays !== null && stays.top - stays.fill >= rest)) {
      this.#pool.release(slab.slab)
    } else {
      this.#close()
      this.#open = slab
    }
    this.#tellRoom()
  }

  #close(): void {
    const open = this.#open
    this.#open = null
    if (open !== null) this.#pool.release(open.slab)
  }

  /** Nothing more is lent; what is out is released when it is given back. */
  stop(): void {
    this.#closed = true
    this.#close()
  }
}
