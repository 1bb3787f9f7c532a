import { KIB, MIB } from '../../base/units.ts'

/** No batch grows beyond this, however many events it was asked to hold. */
export const BATCH_BYTES_MAX = 4 * MIB
const BATCH_BYTES_START = 128 * KIB

/** Events on their way, one behind the other in a buffer that is used again and again. */
export class Batch {
  bytes = Buffer.allocUnsafe(BATCH_BYTES_START)
  length = 0
  events = 0
  malformed = 0
  /** Where each event ends. */
  readonly #ends: Uint32Array

  constructor(eventsMax: number) {
    this.#ends = new Uint32Array(eventsMax)
  }

  clear(): void {
    this.length = this.events = this.malformed = 0
  }

  /** Makes room for an event of so many bytes; false when the batch should go as it is. A first event always finds room. */
  reserve(eventBytes: number): boolean {
    if (this.events === this.#ends.length) return false
    const needed = this.length + eventBytes
    if (needed > this.bytes.length) {
      if (this.events > 0 && needed > BATCH_BYTES_MAX) return false
      const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
      this.bytes.copy(grown, 0, 0, this.length)
      this.bytes = grown
    }
    return true
  }

  /** An event of so many bytes was put behind those before. */
  added(eventBytes: number): void {
    this.length += eventBytes
    this.#ends[this.events++] = this.length
  }

  /** The event of an index, framing included. */
  event(index: number): Uint8Array {
    return this.bytes.subarray(index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index])
  }

  /** All of it. */
  get filled(): Buffer {
    return this.bytes.subarray(0, this.length)
  }
}
