import type { Fill } from '../../pipeline/intake/backpressure.ts'

/** Up to this share of the ring or of the slabs, all polls may go on at once; from there they get fewer ... */
const FILL_EASY = 0.5
/** ... down to one. */
const FILL_TIGHT = 0.9

export interface PollConcurrencyOptions {
  /** `concurrency` of the source. */
  readonly most: number
  readonly fill: () => Fill
  readonly onChange: (from: number, to: number, cause: string) => void
}

/**
 * How many polls may be under way at once: fewer as the source fills, so that answers are not fetched only to wait. It
 * falls in step with the fill, before a poll begins, and grows by one for each that ends while there is plenty of room;
 * in between it stays, so that it doesn't flap. One always may: whether there is room for it at all is the intake's to say.
 */
export class PollConcurrency {
  readonly #options: PollConcurrencyOptions
  #allowed: number

  constructor(options: PollConcurrencyOptions) {
    this.#options = options
    this.#allowed = options.most
  }

  get allowed(): number {
    return this.#allowed
  }

  /** A poll is about to begin. */
  beforeOne(): void {
    const { most } = this.#options
    const { fill, cause } = this.#fullest()
    const tightness = Math.min(1, Math.max(0, (fill - FILL_EASY) / (FILL_TIGHT - FILL_EASY)))
    const to = most - Math.round((most - 1) * tightness)
    if (to < this.#allowed) this.#change(to, cause)
  }

  /** A poll has ended. */
  afterOne(): void {
    const { fill, cause } = this.#fullest()
    if (fill <= FILL_EASY && this.#allowed < this.#options.most) this.#change(this.#allowed + 1, cause)
  }

  #change(to: number, cause: string): void {
    const from = this.#allowed
    this.#allowed = to
    this.#options.onChange(from, to, cause)
  }

  #fullest(): { fill: number; cause: string } {
    const { ring, slabs } = this.#options.fill()
    const [ofRing, ofSlabs] = [ring.used / ring.most, slabs.used / slabs.most]
    return ofRing >= ofSlabs
      ? { fill: ofRing, cause: `ring depth ${ring.used} of ${ring.most}` }
      : { fill: ofSlabs, cause: `${slabs.used} of ${slabs.most} slabs taken` }
  }
}
