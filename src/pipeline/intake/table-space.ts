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

  /** A region with `headBytes` before its table, for `recordBytes` of records; its slab is retained. Null: no room now. */
  take(headBytes: number, recordBytes: number): { region: number; slab: number; capacity: number } | null {
    const capacity = Math.min(FRAME_RECORDS_MAX, Math.ceil(recordBytes / 2) + 1)
    const bytes = (headBytes + capacity * RECORD_BYTES + 7) & ~7
    if (this.#slab === -1 || this.#fill + bytes > this.#arena.slabStart(this.#slab) + this.#arena.slabBytes) {
      const slab = this.#pool.acquire(this.#owner)
      if (slab === -1) return null
      this.close()
      this.#slab = slab
      this.#fill = this.#arena.slabStart(slab)
    }
    const region = this.#fill
    this.#fill += bytes
    this.#pool.retain(this.#slab)
    return { region, slab: this.#slab, capacity }
  }

  /** Lets go of the slab being filled. */
  close(): void {
    if (this.#slab !== -1) this.#pool.release(this.#slab)
    this.#slab = -1
  }
}
