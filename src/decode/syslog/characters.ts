/** What kinds of character a byte can be, and small questions about ranges of bytes that several parsers ask. */

export const DIGIT = 1
export const LETTER = 2
/** May stand in a host's name or address: letters, digits, and `.` `-` `_` `/` `:`. */
export const HOST = 4
/** May stand in a tag before its process id and colon. */
export const TAG = 8
/** RFC 5424 PRINTUSASCII, %d33-126. */
export const PRINT = 16
/** RFC 5424 SD-NAME: PRINTUSASCII except `=` `]` `"`. */
export const SD_NAME = 32
/** Space or tab. */
export const BLANK = 64
/** Line feed, carriage return or NUL. */
export const BREAK = 128

export const KIND = new Uint8Array(256)

for (let byte = 33; byte <= 126; byte++) {
  const character = String.fromCharCode(byte)
  let kind = PRINT
  if (/[0-9]/.test(character)) kind |= DIGIT | HOST
  if (/[A-Za-z]/.test(character)) kind |= LETTER | HOST
  if ('.-_/:'.includes(character)) kind |= HOST
  if (!':[]{}<>"\',;=|`'.includes(character)) kind |= TAG
  if (!'=]"'.includes(character)) kind |= SD_NAME
  KIND[byte] = kind
}
KIND[0x20] = BLANK
KIND[0x09] = BLANK
KIND[0x0a] = BREAK
KIND[0x0d] = BREAK
KIND[0x00] = BREAK

export function skipBlanks(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && (KIND[bytes[at]!]! & BLANK) !== 0) at++
  return at
}

/** The end of what is neither blank nor line break from `at` on. */
export function wordEnd(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && (KIND[bytes[at]!]! & (BLANK | BREAK)) === 0) at++
  return at
}

/** Whether a word can end at `at`: there is a blank, a line break, or nothing more. */
export function isWordEnd(bytes: Uint8Array, at: number, to: number): boolean {
  return at >= to || (KIND[bytes[at]!]! & (BLANK | BREAK)) !== 0
}

/** Whether all of [from, to) is of one of `kinds`; true of nothing. */
export function isAll(bytes: Uint8Array, from: number, to: number, kinds: number): boolean {
  while (from < to && (KIND[bytes[from]!]! & kinds) !== 0) from++
  return from === to
}

export function hasAny(bytes: Uint8Array, from: number, to: number, kinds: number): boolean {
  while (from < to && (KIND[bytes[from]!]! & kinds) === 0) from++
  return from < to
}

/** Whether [from, to) is one of `words`, which are in lower case, whatever its own case is. */
export function isOneOf(bytes: Uint8Array, from: number, to: number, words: readonly Uint8Array[]): boolean {
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if (word.length === to - from && startsWith(bytes, from, to, word)) return true
  }
  return false
}

/** Whether `word`, in lower case, begins [from, to), in any case. */
export function startsWith(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from < word.length) return false
  for (let index = 0; index < word.length; index++) {
    const byte = bytes[from + index]!
    const lower = (KIND[byte]! & LETTER) === 0 ? byte : byte | 0x20
    if (lower !== word[index]) return false
  }
  return true
}

export function wordList(...texts: string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text))
}
