import { INFLATERS_MAX } from '../limits.ts'

interface Wanted {
  readonly count: number
  readonly granted: () => void
}

/** Memory for inflaters in units of INFLATER_BYTES, handed out in the order of asking. */
export class InflaterPermits {
  readonly #max: number
  #free: number
  /** At most one for each request in hand. */
  readonly #waiting = new Set<Wanted>()

  constructor(max: number) {
    this.#max = this.#free = max
  }

  get free(): number {
    return this.#free
  }

  /** Calls `granted`, now or later, once there are `count`; more than there are in all is taken as all. */
  acquire(count: number, granted: (count: number) => void): { cancel(): void } {
    const units = Math.min(count, this.#max)
    const wanted = { count: units, granted: () => granted(units) }
    this.#waiting.add(wanted)
    this.#grant()
    return {
      cancel: () => {
        if (this.#waiting.delete(wanted)) this.#grant()
      },
    }
  }

  release(count: number): void {
    this.#free += count
    this.#grant()
  }

  #grant(): void {
    for (const wanted of this.#waiting) {
      if (wanted.count > this.#free) return
      this.#waiting.delete(wanted)
      this.#free -= wanted.count
      wanted.granted()
    }
  }
}

/** Of the process, as its memory is: all http sources share them. */
export const inflaterPermits = new InflaterPermits(INFLATERS_MAX)
