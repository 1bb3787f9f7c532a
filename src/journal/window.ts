import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import { hold } from './frame.ts'
import type { Frame } from './frame.ts'
import type { RecordRange, Taken } from './log.ts'

/** A frame with something for a sink, at hand. */
export interface Offer {
  readonly frame: Frame
  readonly routeBit: number
  /** Records for this sink that are not settled yet. */
  readonly ranges: readonly RecordRange[]
  /** Events in them by lane. */
  readonly bulk: number
  readonly fast: number
}

const COMPACT_AT = 1024

/**
 * Frames at hand for a sink, in commit order, and the two cursors over them: bulk takes from the front, fast runs ahead.
 * What fast has passed, bulk takes without its fast records. Each frame in it is held.
 */
export class Window {
  #offers: Offer[] = []
  #head = 0
  /** First offer that the fast cursor has not passed; not below the head. */
  #fast = 0
  bytes = 0

  get length(): number {
    return this.#offers.length - this.#head
  }

  /** The fast cursor has passed something that bulk has not. */
  get split(): boolean {
    return this.#fast > this.#head
  }

  push(offer: Offer): void {
    hold(offer.frame)
    this.bytes += bytesOf(offer.frame)
    this.#offers.push(offer)
  }

  /** The frame stays held, for what is taken now. */
  takeBulk(): Taken | null {
    while (this.#head < this.#offers.length) {
      const offer = this.#offers[this.#head++]!
      this.bytes -= bytesOf(offer.frame)
      const passed = this.#fast >= this.#head
      if (!passed) this.#fast = this.#head
      this.#compact()
      if (!passed) return taken(offer, LANES_BOTH, offer.bulk + offer.fast, offer.fast)
      if (offer.bulk > 0) return taken(offer, LANES_BULK, offer.bulk, 0)
      this.onSkip(offer.frame)
    }
    return null
  }

  takeFast(): Taken | null {
    while (this.#fast < this.#offers.length) {
      const offer = this.#offers[this.#fast++]!
      if (offer.fast === 0) continue
      hold(offer.frame)
      return taken(offer, LANES_FAST, offer.fast, offer.fast)
    }
    return null
  }

  /** Bulk finds nothing left for it in a frame: it is let go. */
  readonly onSkip: (frame: Frame) => void

  constructor(onSkip: (frame: Frame) => void) {
    this.onSkip = onSkip
  }

  /** Events of no cursor yet: of both lanes behind the fast cursor, of bulk before it. */
  held(): [bulk: number, fast: number] {
    let bulk = 0
    let fast = 0
    for (let i = this.#head; i < this.#offers.length; i++) {
      bulk += this.#offers[i]!.bulk
      if (i >= this.#fast) fast += this.#offers[i]!.fast
    }
    return [bulk, fast]
  }

  #compact(): void {
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#offers.length) return
    this.#offers = this.#offers.slice(this.#head)
    this.#fast -= this.#head
    this.#head = 0
  }
}

function taken({ frame, routeBit, ranges }: Offer, lanes: number, events: number, fast: number): Taken {
  return { frame, lanes, routeBit, ranges, events, fast, unsettled: events }
}

function bytesOf({ bytesFrom, bytesTo }: Frame): number {
  return bytesTo - bytesFrom
}
