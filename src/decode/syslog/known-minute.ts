/**
 * The text of a time up to its minute, and which one it is: messages that follow each other mostly differ only in what
 * stands behind it.
 */
export class KnownMinute {
  /** Minutes since 1970-01-01T00:00, in the time's own zone. */
  minute = 0
  readonly #view: DataView
  readonly #words: Int32Array
  #isKnown = false

  /** Of texts of `byteCount` bytes, a multiple of four. */
  constructor(bytes: Uint8Array, byteCount: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#words = new Int32Array(byteCount / 4)
  }

  /** Whether its text stands at `at`. */
  isAt(at: number): boolean {
    const words = this.#words
    for (let index = 0; index < words.length; index++) {
      if (this.#view.getInt32(at + index * 4, true) !== words[index]) return false
    }
    return this.#isKnown
  }

  set(at: number, minute: number): void {
    const words = this.#words
    for (let index = 0; index < words.length; index++)
      words[index] = this.#view.getInt32(at + index * 4, true)
    this.minute = minute
    this.#isKnown = true
  }

  forget(): void {
    this.#isKnown = false
  }
}
