import { hold, letGo } from './frame.ts'
import type { Frame } from './frame.ts'

/**
 * The frames that one sink's reader needs where they are. Those that were never read back lie in slabs of the sources:
 * so many of these, and no more, are kept from being used again for this sink's sake.
 */
export class FrameHolds {
  readonly #slabsMax: number
  /** Frames held by slab of a source. */
  readonly #frames = new Map<number, number>()

  constructor(slabsMax: number) {
    this.#slabsMax = slabsMax
  }

  hasRoom(slab: number): boolean {
    return this.#frames.size < this.#slabsMax || this.#frames.has(slab)
  }

  hold(frame: Frame): void {
    hold(frame)
    const { readBack, slab } = frame
    if (!readBack) this.#frames.set(slab, (this.#frames.get(slab) ?? 0) + 1)
  }

  letGo(frame: Frame): void {
    const { readBack, slab } = frame
    if (!readBack) this.#letGoOf(slab)
    letGo(frame)
  }

  #letGoOf(slab: number): void {
    const frames = this.#frames.get(slab)! - 1
    if (frames === 0) this.#frames.delete(slab)
    else this.#frames.set(slab, frames)
  }
}
