import type { SharedMemory } from '../../memory/web-assembly.ts'
import { textKernel } from '../wasm/text-kernel.ts'
import type { TextKernel } from '../wasm/text-kernel.ts'
import { WINDOWS_1252 } from './windows-1252.ts'

/** Where no room was left: less than any offset. */
const FULL = -1

/**
 * A piece of JSON that is written again and again: its bytes, and the same in words of eight, the last one padded. As
 * numbers these mean nothing; none is NaN, since no byte of ASCII begins one.
 */
export interface JsonPiece {
  readonly words: Float64Array
  readonly bytes: Uint8Array
  readonly byteCount: number
}

export function jsonPiece(text: string): JsonPiece {
  const bytes = new TextEncoder().encode(text)
  const words = new Float64Array((bytes.length + 7) >> 3)
  const padded = new Uint8Array(words.buffer)
  padded.set(bytes)
  return { words, bytes: padded, byteCount: bytes.length }
}

/** Writes pieces of JSON one behind another. Without room for a piece it writes nothing more and is `full`. */
export class JsonWriter {
  at = 0
  /** What text is read as: UTF-8, or Windows-1252. */
  windows1252 = false
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #escape: TextKernel['escape']
  #to = 0

  constructor(memory: SharedMemory) {
    this.#bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
    this.#escape = textKernel(memory).escape
  }

  get full(): boolean {
    return this.#to === FULL
  }

  /** The pieces that follow go to [at, to). */
  begin(at: number, to: number): void {
    this.at = at
    this.#to = to
    this.windows1252 = false
  }

  piece({ words, bytes, byteCount }: JsonPiece): void {
    const { length } = words
    let at = this.at
    if (this.#to - at < length * 8) return this.#tightPiece(bytes, byteCount)
    this.at = at + byteCount
    const view = this.#view
    for (let index = 0; index < length; index++, at += 8) view.setFloat64(at, words[index]!, true)
  }

  /** Where there is no room for the padding. */
  #tightPiece(bytes: Uint8Array, byteCount: number): void {
    if (!this.#hasRoom(byteCount)) return
    for (let index = 0; index < byteCount; index++) this.#bytes[this.at++] = bytes[index]!
  }

  /** Bytes [from, to) of the buffer as they are. */
  copy(from: number, to: number): void {
    if (!this.#hasRoom(to - from)) return
    const bytes = this.#bytes
    let at = this.at
    while (from < to) bytes[at++] = bytes[from++]!
    this.at = at
  }

  byte(value: number): void {
    if (this.#hasRoom(1)) this.#bytes[this.at++] = value
  }

  /** The text of [from, to), escaped, without quotes. */
  text(from: number, to: number): void {
    if (this.windows1252) return this.#windows1252Text(from, to)
    if (!this.#hasRoom(to - from)) return
    const end = this.#escape(from, to, this.at, this.#to)
    if (end < 0) this.#to = FULL
    else this.at = end
  }

  /** Of the code points of Windows-1252 none is above U+FFFF, and none is a surrogate. */
  #windows1252Text(from: number, to: number): void {
    const bytes = this.#bytes
    for (; from < to; from++) {
      const point = WINDOWS_1252[bytes[from]!]!
      if (point < 0x80) {
        const end = this.#hasRoom(1) ? this.#escape(from, from + 1, this.at, this.#to) : FULL
        if (end < 0) this.#to = FULL
        else this.at = end
      } else if (point < 0x800) {
        this.byte(0xc0 | (point >> 6))
        this.byte(0x80 | (point & 0x3f))
      } else {
        this.byte(0xe0 | (point >> 12))
        this.byte(0x80 | ((point >> 6) & 0x3f))
        this.byte(0x80 | (point & 0x3f))
      }
    }
  }

  #hasRoom(count: number): boolean {
    if (this.#to - this.at >= count) return true
    this.#to = FULL
    return false
  }
}
