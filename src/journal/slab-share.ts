/** Which slabs of the sources are kept from being used again for one sink's sake, and how many may be. */
export class SlabShare {
  readonly #slabsMax: number
  readonly #frames = new Map<number, number>()

  constructor(slabsMax: number) {
    this.#slabsMax = slabsMax
  }

  hasRoom(slab: number): boolean {
    return this.#frames.size < this.#slabsMax || this.#frames.has(slab)
  }

  take(slab: number): void {
    this.#frames.set(slab, (this.#frames.get(slab) ?? 0) + 1)
  }

  give(slab: number): void {
    const frames = this.#frames.get(slab)! - 1
    if (frames === 0) this.#frames.delete(slab)
    else this.#frames.set(slab, frames)
  }
}
