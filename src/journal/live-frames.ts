import type { Clock } from '../base/clock.ts'
import { FrameHolds } from './frame-holds.ts'

/** A sink is crowded when its frames take so much of the slabs that they may, and fill half of these ... */
const CROWDED_SHARE = 1 / 2
const CROWDED_FILL = 1 / 2
/** ... until they take no more than so much ... */
const RELAXED_SHARE = 1 / 4
/** ... and is waited for, so long: one that gets 30 MB a second has freed these slabs by then. */
const PATIENCE_MS = 100
/** With fewer slabs there is nothing between the two. */
const SLABS_MIN = 4

export interface LiveFrameLimits {
  /** Slabs of the sources that frames for one sink may keep from being used again. */
  readonly slabsMax: number
  readonly slabBytes: number
}

interface Crowding {
  /** When it began, by the monotonic clock. */
  sinceMs: number | null
}

/**
 * The frames that sinks have not got yet and that are still where their sources put them. What does not fit here has to be
 * read back from disk, which costs more than all the rest of its way: so before that, sinks that are nearly as fast as their
 * sources are waited for. A slow or a dead one is waited for once, then it is behind, and nobody waits until it has caught up.
 */
export class LiveFrames {
  readonly #limits: LiveFrameLimits
  readonly #clock: Clock
  readonly #sinks: Crowding[] = []

  constructor(limits: LiveFrameLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** For one more sink. */
  newHolds(): FrameHolds {
    const { slabsMax } = this.#limits
    const crowding: Crowding = { sinceMs: null }
    this.#sinks.push(crowding)
    return new FrameHolds(slabsMax, (slabs, bytes) => this.#holdsNow(crowding, slabs, bytes))
  }

  /** True while no more should be committed, for a moment. */
  get crowded(): boolean {
    const now = this.#clock.now()
    return this.#sinks.some(({ sinceMs }) => sinceMs !== null && now - sinceMs < PATIENCE_MS)
  }

  #holdsNow(crowding: Crowding, slabs: number, bytes: number): void {
    const { slabsMax, slabBytes } = this.#limits
    if (slabs <= slabsMax * RELAXED_SHARE) crowding.sinceMs = null
    else if (
      slabsMax >= SLABS_MIN &&
      slabs >= slabsMax * CROWDED_SHARE &&
      bytes >= slabs * slabBytes * CROWDED_FILL
    )
      crowding.sinceMs ??= this.#clock.now()
  }
}
