import assert from 'node:assert'
import type { Arena } from '../../memory/arena.ts'
import { FRAME_RECORDS_MAX, RECORD_BYTES } from '../../memory/frame-region.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'

/**
 * Room for the tables of extents whose own table was full: a slab at a time, filled from its start. A region keeps its
 * slab until its frame is settled.
 */
export class TableSpace {
  readonly #arena: Arena
  readonly #pool: SlabPool
  readonly #owner: SlabOwner
  #slab = -1
  #fill = 0
  readonly #listeners: (() => void)[] = []

  constructor(arena: Arena, pool: SlabPool, owner: SlabOwner) {
    this.#arena = arena
    this.#pool = pool
    this.#owner = owner
    pool.onFree(() => {
      for (const listener of this.#listeners) listener()
    })
  }

  /** Called when `take` may succeed again. */
  onRoom(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /**
   * A region with `headBytes` before its table, for `recordBytes` of records; its slab is retained. Null: no room now.
   * Full, it and the records still fit into one slab: that is where the frame is put when it is read back.
   */
  take(headBytes: number, recordBytes: number): { region: number; slab: number; capacity: number } | null {
    const fits = Math.floor((this.#arena.slabBytes - headBytes - recordBytes) / RECORD_BYTES)
    const capacity = Math.min(FRAME_RECORDS_MAX, fits, Math.ceil(recordBytes / 2) + 1)
    assert(capacity > 0, 'a slab holds the runs of an extent and more')
    const bytes = (headBytes + capacity * RECORD_BYTES + 7) & ~7
    if (!this.#fits(bytes)) {
      // First let go of the full one: it may be all that the owner can have, and free again by that.
      this.close()
      if (!this.#fits(bytes) && !this.#open()) return null
    }
    const region = this.#fill
    this.#fill += bytes
    this.#pool.retain(this.#slab)
    return { region, slab: this.#slab, capacity }
  }

  #fits(bytes: number): boolean {
    return (
      this.#slab !== -1 && this.#fill + bytes <= this.#arena.slabStart(this.#slab) + this.#arena.slabBytes
    )
  }

  #open(): boolean {
    this.#slab = this.#pool.acquire(this.#owner)
    this.#fill = this.#arena.slabStart(this.#slab)
    return this.#slab !== -1
  }

  /** Lets go of the slab being filled. Whoever waits for room may open another one meanwhile. */
  close(): void {
    const slab = this.#slab
    this.#slab = -1
    if (slab !== -1) this.#pool.release(slab)
  }
}
