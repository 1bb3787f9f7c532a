/**
 * The grammar of `skip.ts` once more, as fast as JavaScript allows, over bytes that end in 0x0A, and answering below 0 to
 * whatever is wrong or rare.
 *
 * Strings are searched four bytes at a time. For a word x of four bytes, with arithmetic on all four at once:
 *
 *     y = x ^ 0x02020202      a quote (0x22) becomes 0x20, and control characters (below 0x20) stay below 0x20
 *     (y - 0x21212121) & ~y   has the high bit of a byte set where that byte of y is below 0x21
 *     z = x ^ 0x5c5c5c5c      a backslash becomes 0
 *     (z - 0x01010101) & ~z   the same for z below 0x01
 *
 * A borrow can mark a byte above a true hit, never below one, so the lowest mark (little-endian: the first byte) is
 * exact. Bytes from 0x80 up are never marked.
 */

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
export const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

/** How many containers deep `treeEnd` goes: their kinds are the bits of one integer. */
export const TREE_DEPTH_MAX = 31

/** What may follow a backslash: 2 bytes in all, or 6 for \u. */
const ESCAPE_BYTES = new Uint8Array(256)
for (const char of '"\\/bfnrt') ESCAPE_BYTES[char.charCodeAt(0)] = 2
ESCAPE_BYTES[0x75] = 6

const IS_HEX = new Uint8Array(256)
for (const char of '0123456789abcdefABCDEF') IS_HEX[char.charCodeAt(0)] = 1

/** Over blanks: the offset of the first byte that is none. A raw 0x0A is one only where `newlineIsSpace`. */
export function blanksEnd(bytes: Uint8Array, at: number, newlineIsSpace: boolean): number {
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && (byte !== 0x0a || !newlineIsSpace)) return at
    at++
  }
}

/** `at` is just after the opening quote; the result just after the closing one, or below 0. */
function stringEnd(bytes: Uint8Array, view: DataView, at: number): number {
  for (;;) {
    const x = view.getInt32(at, true)
    const y = x ^ 0x02020202
    const z = x ^ 0x5c5c5c5c
    const marks = (((y - 0x21212121) & ~y) | ((z - 0x01010101) & ~z)) & 0x80808080
    if (marks === 0) {
      at += 4
      continue
    }
    at += (31 - Math.clz32(marks & -marks)) >> 3
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH) return -1
    const length = ESCAPE_BYTES[bytes[at + 1]!]!
    if (length === 0) return -1
    if (length === 6 && !isHex4(bytes, at + 2)) return -1
    at += length
  }
}

function isHex4(bytes: Uint8Array, at: number): boolean {
  return (
    (IS_HEX[bytes[at]!]! & IS_HEX[bytes[at + 1]!]! & IS_HEX[bytes[at + 2]!]! & IS_HEX[bytes[at + 3]!]!) === 1
  )
}

/** `at` is the first byte of a number; the result just after it, or below 0. */
function numberEnd(bytes: Uint8Array, at: number): number {
  let digit = bytes[at]! - 0x30
  if (digit === -3) digit = bytes[++at]! - 0x30
  if (digit === 0) digit = bytes[++at]! - 0x30
  else {
    if (digit >>> 0 > 9) return -1
    do digit = bytes[++at]! - 0x30
    while (digit >>> 0 <= 9)
  }
  if (digit === -2) {
    digit = bytes[++at]! - 0x30
    if (digit >>> 0 > 9) return -1
    do digit = bytes[++at]! - 0x30
    while (digit >>> 0 <= 9)
  }
  return ((digit + 0x30) | 0x20) === 0x65 ? exponentEnd(bytes, at + 1) : at
}

function exponentEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
  if ((bytes[at]! - 0x30) >>> 0 > 9) return -1
  do at++
  while ((bytes[at]! - 0x30) >>> 0 <= 9)
  return at
}

/** `at` is the first letter of true, false or null; the result just after it, or below 0. */
function nameEnd(view: DataView, at: number): number {
  const word = view.getInt32(at, true)
  if (word === 0x65757274 || word === 0x6c6c756e) return at + 4
  return word === 0x736c6166 && view.getUint8(at + 4) === 0x65 ? at + 5 : -1
}

/** From a key's opening quote to the first byte of its value, or below 0. */
function keyEnd(bytes: Uint8Array, view: DataView, at: number, newlineIsSpace: boolean): number {
  at = stringEnd(bytes, view, at + 1)
  if (at < 0) return -1
  if (bytes[at] !== COLON) {
    at = blanksEnd(bytes, at, newlineIsSpace)
    if (bytes[at] !== COLON) return -1
  }
  if (bytes[++at] === 0x20) at++
  return bytes[at]! <= 0x20 ? blanksEnd(bytes, at, newlineIsSpace) : at
}

/**
 * `at` is the first byte of any value; the result just after it, or below 0: malformed, or with more than `room`
 * (at most TREE_DEPTH_MAX) containers open.
 */
export function treeEnd(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  room: number,
  newlineIsSpace: boolean,
): number {
  let depth = 0
  /** One bit for each open container, the innermost lowest: 1 is an object. */
  let kinds = 0
  let byte = bytes[at]!
  for (;;) {
    if (byte === QUOTE) {
      at = stringEnd(bytes, view, at + 1)
      if (at < 0) return -1
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === room) return -1
      const isObject = (byte >> 5) & 1
      byte = bytes[++at]!
      if (byte <= 0x20) {
        at = blanksEnd(bytes, at, newlineIsSpace)
        byte = bytes[at]!
      }
      if (byte === CLOSE_ARRAY + (isObject << 5)) at++
      else {
        depth++
        kinds = (kinds << 1) | isObject
        if (isObject === 1) {
          if (byte !== QUOTE) return -1
          at = keyEnd(bytes, view, at, newlineIsSpace)
          if (at < 0) return -1
          byte = bytes[at]!
        }
        continue
      }
    } else {
      at = byte > 0x39 ? nameEnd(view, at) : numberEnd(bytes, at)
      if (at < 0) return -1
    }
    if (depth === 0) return at
    for (;;) {
      byte = bytes[at]!
      if (byte === COMMA) break
      if (byte === CLOSE_ARRAY + ((kinds & 1) << 5)) {
        at++
        kinds >>>= 1
        if (--depth === 0) return at
      } else {
        if (byte > 0x20) return -1
        const next = blanksEnd(bytes, at, newlineIsSpace)
        if (next === at) return -1
        at = next
      }
    }
    byte = bytes[++at]!
    if (byte === 0x20) byte = bytes[++at]!
    if (byte <= 0x20) {
      at = blanksEnd(bytes, at, newlineIsSpace)
      byte = bytes[at]!
    }
    if ((kinds & 1) === 1) {
      if (byte !== QUOTE) return -1
      at = keyEnd(bytes, view, at, newlineIsSpace)
      if (at < 0) return -1
      byte = bytes[at]!
    }
  }
}

/** Like `stringEnd`, but an escape is below 0 too: the bytes between the quotes are the text. */
export function plainEnd(bytes: Uint8Array, view: DataView, at: number): number {
  for (;;) {
    const x = view.getInt32(at, true)
    const y = x ^ 0x02020202
    const z = x ^ 0x5c5c5c5c
    const marks = (((y - 0x21212121) & ~y) | ((z - 0x01010101) & ~z)) & 0x80808080
    if (marks !== 0) {
      at += (31 - Math.clz32(marks & -marks)) >> 3
      return bytes[at] === QUOTE ? at + 1 : -1
    }
    at += 4
  }
}

/** From just after a key to the first byte of its value, or below 0. */
export function valueStart(bytes: Uint8Array, at: number, newlineIsSpace: boolean): number {
  if (bytes[at] !== COLON) {
    at = blanksEnd(bytes, at, newlineIsSpace)
    if (bytes[at] !== COLON) return -1
  }
  return blanksEnd(bytes, at + 1, newlineIsSpace)
}

/** From just after a member's value to the next key's quote; `~end` when the object ends before `end`; -1 for neither. */
export function nextMember(bytes: Uint8Array, at: number, newlineIsSpace: boolean): number {
  at = blanksEnd(bytes, at, newlineIsSpace)
  if (bytes[at] === CLOSE_OBJECT) return ~(at + 1)
  if (bytes[at] !== COMMA) return -1
  at = blanksEnd(bytes, at + 1, newlineIsSpace)
  return bytes[at] === QUOTE ? at : -1
}

/** From just after an element to the next one; `~end` when the array ends before `end`; -1 for neither. */
export function nextElement(bytes: Uint8Array, at: number, newlineIsSpace: boolean): number {
  at = blanksEnd(bytes, at, newlineIsSpace)
  if (bytes[at] === CLOSE_ARRAY) return ~(at + 1)
  return bytes[at] === COMMA ? blanksEnd(bytes, at + 1, newlineIsSpace) : -1
}
