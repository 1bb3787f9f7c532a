import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { ExtentQueue } from './extent-queue.ts'

export interface BackpressureOptions {
  readonly pool: SlabPool
  readonly owner: SlabOwner
  readonly extents: ExtentQueue
  readonly onChange: (paused: boolean) => void
}

/** What a source has taken of what it may take. */
export interface Fill {
  /** Places of its ring. */
  readonly ring: { readonly used: number; readonly most: number }
  /** Slabs, with what others have taken of those that are shared. */
  readonly slabs: { readonly used: number; readonly most: number }
}

/**
 * Whether a source may read. It stops when a slab or a place in the ring was wanted and not there, or when nothing may
 * be taken at all; where it was for slabs, it goes on only once a quarter of the source's share is free, so that
 * reading doesn't flap.
 */
export class Backpressure {
  readonly #options: BackpressureOptions
  #full = false
  /** It is for want of slabs, not only of places in the ring. */
  #slabsWanted = false
  #accepting = true

  constructor(options: BackpressureOptions) {
    this.#options = options
  }

  /** True from `begin` until `mayEnd` finds room. */
  get full(): boolean {
    return this.#full
  }

  get accepting(): boolean {
    return this.#accepting
  }

  set accepting(accepting: boolean) {
    this.#accepting = accepting
    if (!accepting) this.begin(false)
  }

  /** This source's share is used up, while others would get room. */
  get overShare(): boolean {
    return this.#options.pool.overShare(this.#options.owner)
  }

  get fill(): Fill {
    const { pool, owner, extents } = this.#options
    const most = owner.reserved + owner.sharedMax
    return {
      ring: { used: extents.depth, most: extents.entryCount },
      slabs: { used: most - pool.availableFor(owner), most },
    }
  }

  /** Slabs that must still become free before reading resumes: with less than a quarter it would stop again at once. */
  get slabsToResume(): number {
    const { pool, owner } = this.#options
    if (owner.held < owner.reserved) return 0
    const wanted = Math.max(1, Math.floor((owner.reserved + owner.sharedMax) / 4))
    return Math.max(0, wanted - pool.availableFor(owner))
  }

  /** Room was wanted and is not there: null, in place of it. */
  begin(forSlabs: boolean): null {
    this.#slabsWanted ||= forSlabs
    if (!this.#full) {
      this.#full = true
      this.#options.onChange(true)
    }
    return null
  }

  /** Room may have come: ends the backpressure if so. True when there is none now. */
  mayEnd(): boolean {
    if (!this.#full) return true
    if (this.#options.extents.full || !this.#accepting) return false
    if (this.#slabsWanted && this.slabsToResume > 0) return false
    this.#full = this.#slabsWanted = false
    this.#options.onChange(false)
    return true
  }
}
