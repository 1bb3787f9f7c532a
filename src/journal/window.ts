import { LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import type { Frame } from './frame.ts'
import type { RecordRange, Taken } from './log.ts'

/** A frame with something for a sink, at hand. */
export interface Offer {
  readonly frame: Frame
  readonly routeBit: number
  /** Lanes of it that are for this cursor: LANES_*. */
  readonly lanes: number
  /** Records for this sink that are not settled yet. */
  readonly ranges: readonly RecordRange[]
  /** Events in them by lane; 0 in a lane that is not for this cursor. */
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
  readonly #onHold: (frame: Frame) => void
  readonly #onSkip: (frame: Frame) => void

  /** `onHold`: a frame is needed once more; `onSkip`: bulk found nothing left for it in a frame, it is to be let go. */
  constructor(onHold: (frame: Frame) => void, onSkip: (frame: Frame) => void) {
    this.#onHold = onHold
    this.#onSkip = onSkip
  }

  get length(): number {
    return this.#offers.length - this.#head
  }

  /** The fast cursor has passed something that bulk has not. */
  get split(): boolean {
    return this.#fast > this.#head
  }

  push(offer: Offer): void {
    this.#onHold(offer.frame)
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
      const { lanes, bulk, fast } = offer
      if (!passed && bulk + fast > 0) return taken(offer, lanes, bulk + fast, fast)
      if (bulk > 0) return taken(offer, lanes & LANES_BULK, bulk, 0)
      this.#onSkip(offer.frame)
    }
    return null
  }

  takeFast(): Taken | null {
    while (this.#fast < this.#offers.length) {
      const offer = this.#offers[this.#fast++]!
      if (offer.fast === 0) continue
      this.#onHold(offer.frame)
      return taken(offer, LANES_FAST, offer.fast, offer.fast)
    }
    return null
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

  /** When the oldest of the events above was received, by lane; Infinity: there is none. */
  oldestReceived(): [bulk: number, fast: number] {
    let bulk = Infinity
    let fast = Infinity
    for (let i = this.#head; i < this.#offers.length; i++) {
      const offer = this.#offers[i]!
      const { receivedAtMs } = offer.frame
      if (offer.bulk > 0) bulk = Math.min(bulk, receivedAtMs)
      if (offer.fast > 0 && i >= this.#fast) fast = Math.min(fast, receivedAtMs)
    }
    return [bulk, fast]
  }

  /** Offers that bulk has not passed, the oldest first. */
  forEach(visit: (offer: Offer, passedByFast: boolean) => void): void {
    for (let i = this.#head; i < this.#offers.length; i++) visit(this.#offers[i]!, i < this.#fast)
  }

  /** Takes out all that is left, letting nothing go. */
  clear(): Offer[] {
    const left = this.#offers.slice(this.#head)
    this.#offers = []
    this.#head = this.#fast = this.bytes = 0
    return left
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
