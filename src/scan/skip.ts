/**
 * The JSON grammar of RFC 8259, without a schema:
 *
 *     value  = false / null / true / object / array / number / string
 *     object = "{" [ member *( "," member ) ] "}"        member = string ":" value
 *     array  = "[" [ value *( "," value ) ] "]"
 *     number = [ "-" ] int [ "." 1*DIGIT ] [ ("e" / "E") [ "-" / "+" ] 1*DIGIT ]
 *     string = DQUOTE *char DQUOTE
 *
 * Nothing recurses: which containers are open is kept in a small stack of bytes.
 */

export const MALFORMED = -1
/** The value runs on at `to`. */
export const TRUNCATED = -2
/** More than `maxDepth` containers are open; what follows was not looked at. */
export const TOO_DEEP = -3

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b

/** For each byte: 1 where it ends a run of plain string bytes (a quote, a backslash, a control character). */
const ENDS_PLAIN = new Uint8Array(256)
ENDS_PLAIN.fill(1, 0, 0x20)
ENDS_PLAIN[QUOTE] = 1
ENDS_PLAIN[BACKSLASH] = 1

const NAMES = [0x74, 0x66, 0x6e].map((first, index) => ({
  first,
  bytes: new TextEncoder().encode(['true', 'false', 'null'][index]),
}))

let openers = new Uint8Array(257)

/**
 * End of the JSON value at `from` (blanks before it are skipped), checked as `JSON.parse` checks it; or MALFORMED,
 * TRUNCATED, TOO_DEEP. A number that reaches `to` counts as ended there. Bytes from 0x80 up are taken as they are:
 * UTF-8 is checked elsewhere. `newlineIsSpace` false: a raw 0x0A is malformed between tokens too.
 */
export function skipValue(
  bytes: Uint8Array,
  from: number,
  to: number,
  maxDepth: number,
  newlineIsSpace: boolean,
): number {
  if (openers.length <= maxDepth) openers = new Uint8Array(maxDepth + 1)
  let depth = 0
  let at = skipBlanks(bytes, from, to, newlineIsSpace)
  for (;;) {
    if (at >= to) return TRUNCATED
    const first = bytes[at]!
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth === maxDepth) return TOO_DEEP
      openers[++depth] = first
      at = skipBlanks(bytes, at + 1, to, newlineIsSpace)
      if (at >= to) return TRUNCATED
      // '{' and '[' are two below their closing brackets.
      if (bytes[at] !== first + 2) {
        if (first === OPEN_OBJECT) {
          at = skipKey(bytes, at, to, newlineIsSpace)
          if (at < 0) return at
        }
        continue
      }
      depth--
      at++
    } else {
      at = skipScalar(bytes, at, to)
      if (at < 0) return at
    }
    // After a value: up to the next one, closing what ends here.
    for (;;) {
      if (depth === 0) return at
      at = skipBlanks(bytes, at, to, newlineIsSpace)
      if (at >= to) return TRUNCATED
      const opener = openers[depth]!
      const next = bytes[at++]!
      if (next === COMMA) {
        at = skipBlanks(bytes, at, to, newlineIsSpace)
        if (opener === OPEN_OBJECT) {
          at = skipKey(bytes, at, to, newlineIsSpace)
          if (at < 0) return at
        }
        break
      }
      if (next !== opener + 2) return MALFORMED
      depth--
    }
  }
}

/** Offset of the first byte at or after `at` that is no blank, at most `to`. */
export function skipBlanks(bytes: Uint8Array, at: number, to: number, newlineIsSpace: boolean): number {
  while (at < to) {
    const byte = bytes[at]!
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && (byte !== 0x0a || !newlineIsSpace)) break
    at++
  }
  return at
}

/** End of the object member whose key should begin at `from` (blanks before it are skipped); else as `skipValue`. */
export function skipMember(
  bytes: Uint8Array,
  from: number,
  to: number,
  maxDepth: number,
  newlineIsSpace: boolean,
): number {
  const at = skipKey(bytes, skipBlanks(bytes, from, to, newlineIsSpace), to, newlineIsSpace)
  return at < 0 ? at : skipValue(bytes, at, to, maxDepth, newlineIsSpace)
}

/** From a key's quote to the first byte of its value. */
function skipKey(bytes: Uint8Array, at: number, to: number, newlineIsSpace: boolean): number {
  if (at >= to) return TRUNCATED
  if (bytes[at] !== QUOTE) return MALFORMED
  at = skipString(bytes, at, to)
  if (at < 0) return at
  at = skipBlanks(bytes, at, to, newlineIsSpace)
  if (at >= to) return TRUNCATED
  if (bytes[at] !== COLON) return MALFORMED
  return skipBlanks(bytes, at + 1, to, newlineIsSpace)
}

function skipScalar(bytes: Uint8Array, at: number, to: number): number {
  const first = bytes[at]!
  if (first === QUOTE) return skipString(bytes, at, to)
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) return skipNumber(bytes, at, to)
  for (const name of NAMES) {
    if (first !== name.first) continue
    for (const byte of name.bytes) {
      if (at >= to) return TRUNCATED
      if (bytes[at++] !== byte) return MALFORMED
    }
    return at
  }
  return MALFORMED
}

/** `at` is the opening quote; the result is just after the closing one. */
export function skipString(bytes: Uint8Array, at: number, to: number): number {
  at++
  for (;;) {
    while (at < to && ENDS_PLAIN[bytes[at]!] === 0) at++
    if (at >= to) return TRUNCATED
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH) return MALFORMED
    if (at + 1 >= to) return TRUNCATED
    switch (bytes[at + 1]) {
      case 0x22: // "
      case 0x5c: // \
      case 0x2f: // /
      case 0x62: // b
      case 0x66: // f
      case 0x6e: // n
      case 0x72: // r
      case 0x74: // t
        at += 2
        break
      case 0x75: // u
        for (let i = at + 2; i < at + 6; i++) {
          if (i >= to) return TRUNCATED
          if (!isHexDigit(bytes[i]!)) return MALFORMED
        }
        at += 6
        break
      default:
        return MALFORMED
    }
  }
}

function skipNumber(bytes: Uint8Array, at: number, to: number): number {
  if (bytes[at] === 0x2d) at++
  if (at >= to) return TRUNCATED
  if (bytes[at] === 0x30) at++
  else {
    at = skipDigits(bytes, at, to)
    if (at < 0) return at
  }
  if (at < to && bytes[at] === 0x2e) {
    at = skipDigits(bytes, at + 1, to)
    if (at < 0) return at
  }
  if (at < to && (bytes[at]! | 0x20) === 0x65) {
    at++
    if (at < to && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++
    at = skipDigits(bytes, at, to)
  }
  return at
}

/** Over one or more digits. */
function skipDigits(bytes: Uint8Array, at: number, to: number): number {
  const first = at
  while (at < to && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
  if (at > first) return at
  return at >= to ? TRUNCATED : MALFORMED
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
