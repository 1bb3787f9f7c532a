const BITS = 8
const BYTES_START = 1024

/** Whole numbers from 0 on, as bits: what it takes is an eighth of a byte for each number up to the largest. */
export class NumberSet {
  #bits = new Uint8Array(BYTES_START)
  /** Different numbers in it. */
  count = 0

  /** False where it was there already. */
  add(number: number): boolean {
    const at = Math.floor(number / BITS)
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.#bits.length * 2))
      grown.set(this.#bits)
      this.#bits = grown
    }
    const bit = 1 << (number % BITS)
    if ((this.#bits[at]! & bit) !== 0) return false
    this.#bits[at]! |= bit
    this.count++
    return true
  }
}
