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

  /** The generator is about to send an event. */
  sending(index: number, malformed: boolean, nowMs: number): void {
    this.#malformed[index] = malformed ? 1 : 0
    this.#sentAtMs[index] = nowMs
    if (this.#firstSentAtMs[0] === 0) this.#firstSentAtMs[0] = nowMs
  }

  /** The receiver has accepted the event with this number. */
  received(number: number, nowMs: number): void {
    const index = number - FIRST_NUMBER
    if (index < 0 || index >= this.#seen.length) this.#add('foreign')
    else if (this.#malformed[index] !== 0) this.#add('malformedPassed')
    else if (this.#seen[index] !== 0) this.#add('duplicates')
    else {
      this.#seen[index] = 1
      this.#receivedAtMs[index] = nowMs
      this.#add('unique')
    }
  }

  /** The receiver has refused a request. */
  refused(): void {
    this.#add('refused')
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

  /** When this share of all events had come, but at least one; null: it never has. */
  shareReceivedAtMs(share: number): number | null {
    const received = this.#receivedAtMs.filter((_, index) => this.#seen[index] !== 0).toSorted()
    return received[Math.max(Math.ceil(share * this.#seen.length), 1) - 1] ?? null
  }

  /** Milliseconds from sending to arrival of what was sent since `sinceMs` and came, sorted. */
  latenciesMs(sinceMs: number): Float64Array {
    return this.#receivedAtMs
      .map((atMs, index) => (this.#seen[index] === 0 ? -1 : atMs - this.#sentAtMs[index]!))
      .filter((latencyMs, index) => latencyMs >= 0 && this.#sentAtMs[index]! >= sinceMs)
      .toSorted()
  }

  #add(name: keyof typeof COUNT): void {
    Atomics.add(this.#counts, COUNT[name], 1)
  }
}
