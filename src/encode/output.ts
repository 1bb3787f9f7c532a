import assert from 'node:assert'
import type { Buffer } from 'node:buffer'
import type { Arena } from '../memory/arena.ts'

const DIGIT_0 = 0x30

/** A range of the arena that is filled from its beginning with bytes of the arena, or others. */
export class Output {
  readonly #bytes: Uint8Array
  /** The same: of the two only this one copies shared memory as fast as the memory is. */
  readonly #buffer: Buffer
  readonly #from: number
  readonly #to: number
  #at: number

  constructor({ bytes, nodeBuffer }: Arena, from: number, to: number) {
    this.#bytes = bytes
    this.#buffer = nodeBuffer
    this.#from = from
    this.#to = to
    this.#at = from
  }

  get used(): number {
    return this.#at - this.#from
  }

  /** Bytes of the arena. */
  copy(from: number, to: number): void {
    assert(this.#at + to - from <= this.#to, 'a batch fits its output')
    this.#buffer.copy(this.#buffer, this.#at, from, to)
    this.#at += to - from
  }

  put(byte: number): void {
    assert(this.#at < this.#to, 'a batch fits its output')
    this.#bytes[this.#at++] = byte
  }

  /** Some bytes from elsewhere; few, since they are not copied but put. */
  write(piece: Uint8Array): void {
    const at = this.#at
    assert(at + piece.length <= this.#to, 'a batch fits its output')
    for (let i = 0; i < piece.length; i++) this.#bytes[at + i] = piece[i]!
    this.#at = at + piece.length
  }

  /** A whole number of at most five digits, in decimal. */
  writeNumber(value: number): void {
    assert(value >= 0 && value < 100_000, 'a number has five digits at most')
    let scale = 1
    while (scale * 10 <= value) scale *= 10
    for (let rest = value; scale >= 1; scale = Math.floor(scale / 10)) {
      this.put(DIGIT_0 + Math.floor(rest / scale))
      rest %= scale
    }
  }
}
