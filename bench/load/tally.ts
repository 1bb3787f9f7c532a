/** What the generator's thread, the receiver's thread and the runner share: one entry for each event sent. */

/** The number of event 0: ten digits, so that a number is overwritten in place. */
export const FIRST_NUMBER = 1_000_000_000
export const NUMBER_DIGITS = 10

/** Where each count stands. */
const COUNT = { unique: 0, duplicates: 1, malformedPassed: 2, foreign: 3, refused: 4 } as const

export type TallyCounts = Readonly<Record<keyof typeof COUNT, number>>

export interface TallyBuffers {
  readonly seen: SharedArrayBuffer
  readonly malformed: SharedArrayBuffer
  readonly sentAtMs: SharedArrayBuffer
  readonly receivedAtMs: SharedArrayBuffer
  readonly counts: SharedArrayBuffer
  readonly firstSentAtMs: SharedArrayBuffer
}

/** Milliseconds of the clock that all threads and processes of the machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Each event by its index: whether it came, and when it was sent. Each array has one thread that writes it. */
export class Tally {
  readonly buffers: TallyBuffers
  readonly #seen: Uint8Array
  readonly #malformed: Uint8Array
  readonly #sentAtMs: Float64Array
  readonly #receivedAtMs: Float64Array
  readonly #counts: Int32Array
  readonly #firstSentAtMs: Float64Array

  constructor(buffers: TallyBuffers) {
    this.buffers = buffers
    this.#seen = new Uint8Array(buffers.seen)
    this.#malformed = new Uint8Array(buffers.malformed)
    this.#sentAtMs = new Float64Array(buffers.sentAtMs)
    this.#receivedAtMs = new Float64Array(buffers.receivedAtMs)
    this.#counts = new Int32Array(buffers.counts)
    this.#firstSentAtMs = new Float64Array(buffers.firstSentAtMs)
  }

  static create(events: number): Tally {
    return new Tally({
      seen: new SharedArrayBuffer(events),
      malformed: new SharedArrayBuffer(events),
      sentAtMs: new SharedArrayBuffer(events * Float64Array.BYTES_PER_ELEMENT),
      receivedAtMs: new SharedArrayBuffer(events * Float64Array.BYTES_PER_ELEMENT),
      counts: new SharedArrayBuffer(Object.keys(COUNT).length * Int32Array.BYTES_PER_ELEMENT),
      firstSentAtMs: new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT),
    })
  }

  /** The generator is about to send events that follow each other: for each, whether it is malformed. */
  sending(firstIndex: number, malformedFlags: Uint8Array, nowMs: number): void {
    this.#malformed.set(malformedFlags, firstIndex)
    this.#sentAtMs.fill(nowMs, firstIndex, firstIndex + malformedFlags.length)
    if (this.#firstSentAtMs[0] === 0) this.#firstSentAtMs[0] = nowMs
  }

  /** The receiver has accepted the events with the first `count` of these numbers. */
  received(numbers: Int32Array, count: number, nowMs: number): void {
    const seen = this.#seen
    const malformed = this.#malformed
    const counted = { unique: 0, duplicates: 0, malformedPassed: 0, foreign: 0 }
    for (let i = 0; i < count; i++) {
      const index = numbers[i]! - FIRST_NUMBER
      if (index < 0 || index >= seen.length) counted.foreign++
      else if (malformed[index] !== 0) counted.malformedPassed++
      else if (seen[index] !== 0) counted.duplicates++
      else {
        seen[index] = 1
        this.#receivedAtMs[index] = nowMs
        counted.unique++
      }
    }
    this.#add('duplicates', counted.duplicates)
    this.#add('malformedPassed', counted.malformedPassed)
    this.#add('foreign', counted.foreign)
    this.#add('unique', counted.unique)
  }

  /** The receiver has refused a request. */
  refused(): void {
    this.#add('refused', 1)
  }

  /** Another one of the same events: they are sent once, and come to several receivers. */
  forAnother(): Tally {
    const { seen, receivedAtMs, counts } = Tally.create(this.#seen.length).buffers
    return new Tally({ ...this.buffers, seen, receivedAtMs, counts })
  }

  get counts(): TallyCounts {
    const count = (name: keyof typeof COUNT) => Atomics.load(this.#counts, COUNT[name])
    return {
      unique: count('unique'),
      duplicates: count('duplicates'),
      malformedPassed: count('malformedPassed'),
      foreign: count('foreign'),
      refused: count('refused'),
    }
  }

  get firstSentAtMs(): number {
    return this.#firstSentAtMs[0]!
  }

  /** When this share of all events had come, to a millisecond, but at least one; null: it never has. */
  shareReceivedAtMs(share: number): number | null {
    const { firstMs, lastMs } = this.#receivedRange()
    if (firstMs === Infinity) return null
    const perMs = new Uint32Array(Math.floor(lastMs - firstMs) + 1)
    for (let index = 0; index < this.#seen.length; index++) {
      if (this.#seen[index] === 1) perMs[Math.floor(this.#receivedAtMs[index]! - firstMs)]!++
    }
    let missing = Math.max(Math.ceil(share * this.#seen.length), 1)
    const ms = perMs.findIndex((count) => (missing -= count) <= 0)
    return ms === -1 ? null : firstMs + ms
  }

  #receivedRange(): { firstMs: number; lastMs: number } {
    let firstMs = Infinity
    let lastMs = 0
    for (let index = 0; index < this.#seen.length; index++) {
      if (this.#seen[index] === 0) continue
      firstMs = Math.min(firstMs, this.#receivedAtMs[index]!)
      lastMs = Math.max(lastMs, this.#receivedAtMs[index]!)
    }
    return { firstMs, lastMs }
  }

  /** Milliseconds from sending to arrival of what was sent from `sinceMs` on, before `untilMs`, and came, sorted. */
  latenciesMs(sinceMs: number, untilMs = Infinity): Float64Array {
    const latencies = new Float64Array(this.#seen.length)
    let count = 0
    for (let index = 0; index < this.#seen.length; index++) {
      const sentAtMs = this.#sentAtMs[index]!
      if (this.#seen[index] === 0 || sentAtMs < sinceMs || sentAtMs >= untilMs) continue
      latencies[count++] = this.#receivedAtMs[index]! - sentAtMs
    }
    return latencies.subarray(0, count).toSorted()
  }

  /** The longest that one was on its way of those that were sent in each `slotMs` from `fromMs` on; Infinity: one never came. */
  worstBySlotMs(fromMs: number, slotMs: number): Float64Array {
    const slotOf = (sentAtMs: number) => Math.max(0, Math.floor((sentAtMs - fromMs) / slotMs))
    const slots = this.#sentAtMs.reduce((last, sentAtMs) => Math.max(last, slotOf(sentAtMs)), 0) + 1
    const worst = new Float64Array(slots)
    for (let index = 0; index < this.#seen.length; index++) {
      const sentAtMs = this.#sentAtMs[index]!
      if (sentAtMs === 0) continue
      const slot = slotOf(sentAtMs)
      const tookMs = this.#seen[index] === 0 ? Infinity : this.#receivedAtMs[index]! - sentAtMs
      worst[slot] = Math.max(worst[slot]!, tookMs)
    }
    return worst
  }

  #add(name: keyof typeof COUNT, count: number): void {
    if (count > 0) Atomics.add(this.#counts, COUNT[name], count)
  }
}
