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

/** Writes pieces of JSON one behind another. Without room for a piece it writes nothing more and is `full`. */
export class JsonWriter {
  at = 0
  full = false
  /** What text is read as: UTF-8, or Windows-1252. */
  windows1252 = false
  readonly #bytes: Uint8Array
  #to = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The pieces that follow go to [at, to). */
  begin(at: number, to: number): void {
    this.at = at
    this.#to = to
    this.full = false
    this.windows1252 = false
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

  /** A number from 0 to 99. */
  number(value: number): void {
    if (value >= 10) this.byte(0x30 + ((value / 10) | 0))
    this.byte(0x30 + (value % 10))
  }

  /** The text of [from, to), escaped, without quotes. */
  text(from: number, to: number): void {
    if (this.windows1252) this.#windows1252Text(from, to)
    else this.#utf8Text(from, to)
  }

  #utf8Text(from: number, to: number): void {
    if (!this.#hasRoomForText(from, to, UTF8_BYTES)) return
    const bytes = this.#bytes
    let at = this.at
    for (; from < to; from++) {
      const byte = bytes[from]!
      const escape = ESCAPE[byte]!
      if (escape === 0) bytes[at++] = byte
      else at = this.#escape(at, byte, escape)
    }
    this.at = at
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
