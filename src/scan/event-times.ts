import { FRAME_RECORDS_MAX } from '../memory/frame-region.ts'

/** More milliseconds than that after the frame's first event can't be noted. */
const EVENT_DELAY_MAX_MS = 0xffffffff

/** When the events of a frame happened, in epoch milliseconds; an event without a time of its own: when it arrived. */
export class EventTimes {
  readonly #times = new Float64Array(FRAME_RECORDS_MAX)
  #receivedAtMs = 0
  #count = 0
  #firstMs = Infinity
  #lastMs = -Infinity
  /** Events without a time of their own. */
  untimed = 0

  reset(receivedAtMs: number): void {
    this.#receivedAtMs = receivedAtMs
    this.#count = 0
    this.#firstMs = Infinity
    this.#lastMs = -Infinity
    this.untimed = 0
  }

  /** The next event; NaN for one without a time. */
  note(timeMs: number): void {
    const timed = timeMs - timeMs === 0
    const time = timed ? timeMs : this.#receivedAtMs
    if (!timed) this.untimed++
    if (time < this.#firstMs) this.#firstMs = time
    if (time > this.#lastMs) this.#lastMs = time
    this.#times[this.#count++] = time
  }

  get firstMs(): number {
    return this.#count > 0 ? this.#firstMs : this.#receivedAtMs
  }

  get lastMs(): number {
    return this.#count > 0 ? this.#lastMs : this.#receivedAtMs
  }

  /** Writes each event's delay after the first into a table: the first one's at `word`, the others `stride` words apart. */
  writeDelays(words: Int32Array, word: number, stride: number): void {
    const first = this.firstMs
    for (let i = 0, at = word; i < this.#count; i++, at += stride) {
      words[at] = Math.min(this.#times[i]! - first, EVENT_DELAY_MAX_MS)
    }
  }
}
