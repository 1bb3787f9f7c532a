import assert from 'node:assert'

/** Who may hold slabs: a source, the workers' outputs, a sink. */
export interface SlabOwner {
  readonly name: string
  /** Slabs that are always there for this owner. */
  readonly reserved: number
  /** Slabs that it may take from the shared rest, at most. */
  readonly sharedMax: number
  held: number
}

/**
 * Hands out the arena's slabs. Every owner has a reserve, so that no owner can starve another for ever, and a limit on
 * what it takes of the shared rest. A slab is referred to by whoever needs its bytes (the lane that fills it, each
 * extent not yet committed, each frame not yet settled) and is free again when the last of them lets go.
 * Main thread only.
 */
export class SlabPool {
  readonly slabCount: number
  readonly #free: number[] = []
  readonly #references: Int32Array
  readonly #owners: (SlabOwner | null)[]
  #reserved = 0
  #ownerCount = 0
  #sharedUsed = 0
  readonly #listeners: (() => void)[] = []

  constructor(slabCount: number) {
    this.slabCount = slabCount
    this.#references = new Int32Array(slabCount)
    this.#owners = Array.from({ length: slabCount }, () => null)
    for (let slab = slabCount - 1; slab >= 0; slab--) this.#free.push(slab)
  }

  /** Registers an owner; all owners register before the first slab is taken. */
  addOwner(name: string, reserved: number, sharedShare: number): SlabOwner {
    this.#reserved += reserved
    this.#ownerCount++
    assert(this.#reserved <= this.slabCount, 'the arena holds the reserves')
    const sharedMax = () => Math.floor(this.sharedCount * sharedShare)
    return {
      name,
      reserved,
      get sharedMax() {
        return sharedMax()
      },
      held: 0,
    }
  }

  get ownerCount(): number {
    return this.#ownerCount
  }

  /** Slabs that are in nobody's reserve. */
  get sharedCount(): number {
    return this.slabCount - this.#reserved
  }

  get freeCount(): number {
    return this.#free.length
  }

  /** Slabs that this owner could take now. */
  availableFor(owner: SlabOwner): number {
    const fromReserve = Math.max(0, owner.reserved - owner.held)
    const sharedLeft = this.sharedCount - this.#sharedUsed
    const shareLeft = owner.sharedMax - Math.max(0, owner.held - owner.reserved)
    return fromReserve + Math.max(0, Math.min(sharedLeft, shareLeft))
  }

  /** True when what keeps this owner waiting is its own share, not a full arena. */
  overShare(owner: SlabOwner): boolean {
    return owner.held - owner.reserved >= owner.sharedMax && this.#sharedUsed < this.sharedCount
  }

  /** A slab with one reference, or -1. */
  acquire(owner: SlabOwner): number {
    if (this.availableFor(owner) === 0) return -1
    const slab = this.#free.pop()
    assert(slab !== undefined, 'reserves and shares add up to the slabs there are')
    if (owner.held >= owner.reserved) this.#sharedUsed++
    owner.held++
    this.#owners[slab] = owner
    this.#references[slab] = 1
    return slab
  }

  retain(slab: number): void {
    assert(this.#references[slab]! > 0, 'only a held slab is retained')
    this.#references[slab]!++
  }

  release(slab: number): void {
    const left = --this.#references[slab]!
    assert(left >= 0, 'a slab is released as often as it was retained')
    if (left > 0) return
    const owner = this.#owners[slab]!
    owner.held--
    if (owner.held >= owner.reserved) this.#sharedUsed--
    this.#owners[slab] = null
    this.#free.push(slab)
    for (const listener of this.#listeners) listener()
  }

  /** Called whenever a slab becomes free. */
  onFree(listener: () => void): void {
    this.#listeners.push(listener)
  }
}
