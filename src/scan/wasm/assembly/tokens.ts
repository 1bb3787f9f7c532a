/**
 * Tokens of JSON (RFC 8259) in the arena. Each function answers the offset just behind its token, or FAIL for what is
 * wrong or rare. Bytes end in at least 64 line feeds, which end every token, and 64 zeros, which end every blank, so that
 * reading 32 bytes on from any token is within the memory.
 */

export const FAIL: i32 = -1

/** Raw CR and LF that were passed between tokens of the record. */
export let lineBreaks: i32 = 0
let newlineIsSpace: bool = false

export function beginBlanks(isSpace: bool): void {
  lineBreaks = 0
  newlineIsSpace = isSpace
}

@inline
export function byteAt(at: i32): i32 {
  return <i32>load<u8>(at)
}

/** Over blanks: the offset of the first byte that is none. A raw 0x0A is one only where `newlineIsSpace`. */
export function blanksEnd(at: i32): i32 {
  while (true) {
    const byte = byteAt(at)
    if (byte == 0x0d || (byte == 0x0a && newlineIsSpace)) lineBreaks++
    else if (byte != 0x20 && byte != 0x09) return at
    at++
  }
}

/**
 * One bit for each of 16 bytes that is a quote, a backslash or a control character: with 2 put in or out, a quote (0x22)
 * is 0x20 and control characters stay below.
 */
@inline
function marksOf(bytes: v128): i32 {
  const lowOrQuote = i8x16.le_u(v128.xor(bytes, i8x16.splat(2)), i8x16.splat(0x20))
  return i8x16.bitmask(v128.or(lowOrQuote, i8x16.eq(bytes, i8x16.splat(0x5c))))
}

/** `at` is just behind the opening quote. Most strings end within 16 bytes: no loop, nothing to mispredict. */
@inline
export function stringEnd(at: i32): i32 {
  const marks = marksOf(v128.load(at))
  const end = at + ctz(marks | 0x10000)
  if (marks != 0 && byteAt(end) == 0x22) return end + 1
  return longStringEnd(end)
}

/** `at` is anywhere in a string. */
function longStringEnd(at: i32): i32 {
  while (true) {
    const marks = marksOf(v128.load(at))
    if (marks == 0) {
      at += 16
      continue
    }
    at += ctz(marks)
    const byte = byteAt(at)
    if (byte == 0x22) return at + 1
    if (byte != 0x5c) return FAIL
    at = escapeEnd(at)
    if (at < 0) return FAIL
  }
}

function escapeEnd(at: i32): i32 {
  switch (byteAt(at + 1)) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 2
    case 0x75: // u
      return isHex4(load<u32>(at + 2)) ? at + 6 : FAIL
    default:
      return FAIL
  }
}

function isHex4(digits: u32): bool {
  for (let i = 0; i < 4; i++, digits >>= 8) {
    const digit = digits & 0xff
    if (digit - 0x30 > 9 && (digit | 0x20) - 0x61 > 5) return false
  }
  return true
}

/** Like `stringEnd`, but an escape is FAIL too: the bytes between the quotes are the text. */
export function plainEnd(at: i32): i32 {
  while (true) {
    const marks = marksOf(v128.load(at))
    if (marks != 0) {
      at += ctz(marks)
      return byteAt(at) == 0x22 ? at + 1 : FAIL
    }
    at += 16
  }
}

@inline
export function isDigit(byte: i32): bool {
  return <u32>(byte - 0x30) <= 9
}

/** `at` is the first byte of a number: its digits, with those behind a point, are mostly among 16 bytes. */
@inline
export function numberEnd(at: i32): i32 {
  if (byteAt(at) == 0x2d) at++
  // One bit for each byte that is no digit.
  const others = i8x16.bitmask(i8x16.gt_u(i8x16.sub(v128.load(at), i8x16.splat(0x30)), i8x16.splat(9)))
  const digits = ctz(others | 0x10000)
  let end = at + digits
  let byte = byteAt(end)
  if (digits == 0 || digits == 16 || (digits > 1 && byteAt(at) == 0x30)) return longNumberEnd(at)
  if (byte == 0x2e) {
    const fraction = ctz((others >> (digits + 1)) | 0x10000)
    end += 1 + fraction
    // No digit, or none that ends within the 16 bytes.
    if (fraction == 0 || fraction == 16) return longNumberEnd(at)
    byte = byteAt(end)
  }
  return (byte | 0x20) == 0x65 ? exponentEnd(end + 1) : end
}

/** Behind the sign. */
function longNumberEnd(at: i32): i32 {
  if (byteAt(at) == 0x30) at++
  else {
    at = digitsEnd(at)
    if (at < 0) return FAIL
  }
  if (byteAt(at) == 0x2e) {
    at = digitsEnd(at + 1)
    if (at < 0) return FAIL
  }
  return (byteAt(at) | 0x20) == 0x65 ? exponentEnd(at + 1) : at
}

function exponentEnd(at: i32): i32 {
  if (byteAt(at) == 0x2b || byteAt(at) == 0x2d) at++
  return digitsEnd(at)
}

/** Over one or more digits. */
function digitsEnd(at: i32): i32 {
  if (!isDigit(byteAt(at))) return FAIL
  do at++
  while (isDigit(byteAt(at)))
  return at
}

/** `at` is the first letter of true, false or null. */
export function nameEnd(at: i32): i32 {
  const word = load<u32>(at)
  if (word == 0x65757274 || word == 0x6c6c756e) return at + 4
  return word == 0x736c6166 && byteAt(at + 4) == 0x65 ? at + 5 : FAIL
}
