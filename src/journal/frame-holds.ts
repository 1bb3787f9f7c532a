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
  /** Of those frames. */
  #bytes = 0
  readonly #onChange: (slabs: number, bytes: number) => void

  /** `onChange` is told what is held whenever one more slab is, or one less. */
  constructor(slabsMax: number, onChange: (slabs: number, bytes: number) => void) {
    this.#slabsMax = slabsMax
    this.#onChange = onChange
  }

  hasRoom(slab: number): boolean {
    return this.#frames.size < this.#slabsMax || this.#frames.has(slab)
  }

  hold(frame: Frame): void {
    hold(frame)
    if (!frame.readBack) this.#count(frame, 1)
  }

  letGo(frame: Frame): void {
    if (!frame.readBack) this.#count(frame, -1)
    letGo(frame)
  }

  #count({ slab, bytesFrom, bytesTo }: Frame, change: 1 | -1): void {
    const before = this.#frames.get(slab) ?? 0
    const frames = before + change
    this.#bytes += change * (bytesTo - bytesFrom)
    if (frames > 0) this.#frames.set(slab, frames)
    else this.#frames.delete(slab)
    if (before === 0 || frames === 0) this.#onChange(this.#frames.size, this.#bytes)
  }
}
