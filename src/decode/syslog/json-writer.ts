import { WINDOWS_1252 } from './windows-1252.ts'

/**
 * RFC 8259 section 7: what may stand in a string as it is, and what needs an escape.
 *
 *     char      = unescaped / %x5C ( %x22 / %x5C / %x2F / %x62 / %x66 / %x6E / %x72 / %x74 / %x75 4HEXDIG )
 *     unescaped = %x20-21 / %x23-5B / %x5D-10FFFF
 *
 * By byte, 0: it stands for itself; 1: it becomes \u00XX; else: it becomes a backslash and this letter.
 */
const ESCAPE = new Uint8Array(256)
const LETTERS: readonly (readonly [byte: number, letter: string])[] = [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
]
const HEX = new TextEncoder().encode('0123456789abcdef')

ESCAPE.fill(1, 0, 0x20)
for (const [byte, letter] of LETTERS) ESCAPE[byte] = letter.charCodeAt(0)

/** How many bytes a byte becomes in a JSON string, by its encoding. */
const UTF8_BYTES = Uint8Array.from(ESCAPE, (escape) => (escape === 0 ? 1 : escape === 1 ? 6 : 2))
const WINDOWS_1252_BYTES = UTF8_BYTES.map((count, byte) =>
  byte < 0x80 ? count : WINDOWS_1252[byte]! < 0x800 ? 2 : 3,
)
const BYTES_PER_BYTE_MAX = 6
/**
 * What a byte becomes, for text with an escape every few bytes: two bytes to write, the first in bits 0..7 (where it
 * stands for itself the second is overwritten by what follows), and how many of them count. \u00XX is not among them.
 */
const PAIR = new Int32Array(256)
const PAIR_COUNT_SHIFT = 16
const NO_PAIR = 1 << 24
for (let byte = 0; byte < 256; byte++) {
  const escape = ESCAPE[byte]!
  if (escape === 0) PAIR[byte] = byte | (1 << PAIR_COUNT_SHIFT)
  else if (escape === 1) PAIR[byte] = NO_PAIR
  else PAIR[byte] = 0x5c | (escape << 8) | (2 << PAIR_COUNT_SHIFT)
}
const PAIR_COUNT_MASK = 3
/** Text is looked at in blocks; one with so many escapes makes the next one dense. A multiple of four. */
const BLOCK_BYTES = 64
const DENSE_ESCAPES_MIN = 2

/** A piece of JSON that is written again and again: in words of four bytes, little-endian, and the bytes that are left. */
export interface JsonPiece {
  readonly words: Int32Array
  readonly rest: Uint8Array
}

export function jsonPiece(text: string): JsonPiece {
  const bytes = new TextEncoder().encode(text)
  const view = new DataView(bytes.buffer)
  const words = new Int32Array(bytes.length >> 2)
  for (let index = 0; index < words.length; index++) words[index] = view.getInt32(index * 4, true)
  return { words, rest: bytes.subarray(words.length * 4) }
}

/** Writes pieces of JSON one behind another. Without room for a piece it writes nothing more and is `full`. */
export class JsonWriter {
  at = 0
  full = false
  /** What text is read as: UTF-8, or Windows-1252. */
  windows1252 = false
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #to = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The pieces that follow go to [at, to). */
  begin(at: number, to: number): void {
    this.at = at
    this.#to = to
    this.full = false
    this.windows1252 = false
  }

  piece({ words, rest }: JsonPiece): void {
    if (!this.#hasRoom(words.length * 4 + rest.length)) return
    let at = this.at
    for (let index = 0; index < words.length; index++, at += 4) this.#view.setInt32(at, words[index]!, true)
    for (let index = 0; index < rest.length; index++) this.#bytes[at++] = rest[index]!
    this.at = at
  }

  /** JSON text as it is. */
  raw(text: Uint8Array): void {
    const { length } = text
    if (!this.#hasRoom(length)) return
    const bytes = this.#bytes
    const at = this.at
    for (let index = 0; index < length; index++) bytes[at + index] = text[index]!
    this.at = at + length
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
    if (this.windows1252) this.#windows1252Text(from, to)
    else this.#utf8Text(from, to)
  }

  /** Block by block, each in the way that suited the one before. */
  #utf8Text(from: number, to: number): void {
    if (!this.#hasRoomForText(from, to, UTF8_BYTES)) return
    let dense = false
    for (let block = from; block < to; block += BLOCK_BYTES) {
      const blockTo = block + BLOCK_BYTES < to ? block + BLOCK_BYTES : to
      const at = this.at
      // The pair of the last byte may reach beyond what the text becomes.
      if (!dense || this.#to - at < 2 * BLOCK_BYTES || !this.#denseBlock(block, blockTo))
        this.#block(block, blockTo)
      dense = this.at - at - (blockTo - block) >= DENSE_ESCAPES_MIN
    }
  }

  /**
   * Four bytes are looked at and written at a time. `marks` has the high bit of the lowest byte that needs an escape: a
   * subtraction borrows, and so marks wrongly, only above a byte that is marked rightly.
   */
  #block(from: number, to: number): void {
    const bytes = this.#bytes
    const view = this.#view
    let at = this.at
    while (from + 4 <= to) {
      const word = view.getInt32(from, true)
      const quote = word ^ 0x22222222
      const backslash = word ^ 0x5c5c5c5c
      const marks =
        (((word - 0x20202020) & ~word) |
          ((quote - 0x01010101) & ~quote) |
          ((backslash - 0x01010101) & ~backslash)) &
        0x80808080
      view.setInt32(at, word, true)
      if (marks === 0) {
        at += 4
        from += 4
        continue
      }
      const clean = (31 - Math.clz32(marks & -marks)) >> 3
      const byte = bytes[from + clean]!
      at = this.#escape(at + clean, byte, ESCAPE[byte]!)
      from += clean + 1
    }
    for (; from < to; from++) {
      const byte = bytes[from]!
      const escape = ESCAPE[byte]!
      if (escape === 0) bytes[at++] = byte
      else at = this.#escape(at, byte, escape)
    }
    this.at = at
  }

  /**
   * For text such as JSON, with a quote every few bytes: a branch for each would cost more than the byte, so there is
   * none. False, and nothing written that counts, where a byte needs \u00XX.
   */
  #denseBlock(from: number, to: number): boolean {
    const bytes = this.#bytes
    const view = this.#view
    let at = this.at
    let seen = 0
    for (; from < to; from++) {
      const pair = PAIR[bytes[from]!]!
      seen |= pair
      view.setInt16(at, pair, true)
      at += (pair >> PAIR_COUNT_SHIFT) & PAIR_COUNT_MASK
    }
    if (seen >= NO_PAIR) return false
    this.at = at
    return true
  }

  /** Of the code points of Windows-1252 none is above U+FFFF, and none is a surrogate. */
  #windows1252Text(from: number, to: number): void {
    if (!this.#hasRoomForText(from, to, WINDOWS_1252_BYTES)) return
    const bytes = this.#bytes
    let at = this.at
    for (; from < to; from++) {
      const byte = bytes[from]!
      const point = WINDOWS_1252[byte]!
      if (point < 0x80) {
        const escape = ESCAPE[byte]!
        if (escape === 0) bytes[at++] = byte
        else at = this.#escape(at, byte, escape)
      } else if (point < 0x800) {
        bytes[at++] = 0xc0 | (point >> 6)
        bytes[at++] = 0x80 | (point & 0x3f)
      } else {
        bytes[at++] = 0xe0 | (point >> 12)
        bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
        bytes[at++] = 0x80 | (point & 0x3f)
      }
    }
    this.at = at
  }

  #escape(at: number, byte: number, escape: number): number {
    const bytes = this.#bytes
    bytes[at++] = 0x5c
    if (escape !== 1) {
      bytes[at++] = escape
      return at
    }
    bytes[at++] = 0x75
    bytes[at++] = 0x30
    bytes[at++] = 0x30
    bytes[at++] = HEX[byte >> 4]!
    bytes[at++] = HEX[byte & 15]!
    return at
  }

  #hasRoom(count: number): boolean {
    if (this.full || this.#to - this.at < count) this.full = true
    return !this.full
  }

  /** Counts what the text becomes only where the most that it could become would not fit. */
  #hasRoomForText(from: number, to: number, bytesPerByte: Uint8Array): boolean {
    if (this.#to - this.at >= (to - from) * BYTES_PER_BYTE_MAX) return this.#hasRoom(0)
    let count = 0
    for (let at = from; at < to; at++) count += bytesPerByte[this.#bytes[at]!]!
    return this.#hasRoom(count)
  }
}
