/**
 * Equal blocks for the unfinished records of cold connections and requests, out of one allocation (whose pages the
 * system provides when they are first touched).
 */
export class BlockPool {
  readonly #free: Uint8Array[] = []
  readonly #blockBytes: number
  readonly #memory: ArrayBuffer
  #next = 0

  constructor(blockCount: number, blockBytes: number) {
    this.#blockBytes = blockBytes
    this.#memory = new ArrayBuffer(blockCount * blockBytes)
  }

  /** A block, or null when all are out. */
  take(): Uint8Array | null {
    const block = this.#free.pop()
    if (block !== undefined) return block
    if (this.#next === this.#memory.byteLength) return null
    const fresh = new Uint8Array(this.#memory, this.#next, this.#blockBytes)
    this.#next += this.#blockBytes
    return fresh
  }

  give(block: Uint8Array): void {
    this.#free.push(block)
  }
}
