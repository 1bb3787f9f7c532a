/**
 * Text for JSON, in AssemblyScript, because it has vectors: sixteen bytes are looked at in the time that JavaScript needs
 * for one. `npm run build:kernel` compiles it into text-module.ts.
 *
 * It may read up to 63 bytes behind a text; nothing is written behind the room that it is given.
 */

/** RFC 8259 section 7: besides control characters, what may not stand in a string as it is. */
const QUOTE: u8 = 0x22
const BACKSLASH: u8 = 0x5c
const SPACE: u8 = 0x20

const PIECE_BYTES: i32 = 16
const BLOCK_BYTES: i32 = 64
const ESCAPE_BYTES_MAX: i32 = 6
/** For a block of control characters, and what the last piece of a copy has too much. */
const ROOM_BYTES: i32 = BLOCK_BYTES * ESCAPE_BYTES_MAX + PIECE_BYTES
const NO_ROOM: i32 = -1

/**
 * Writes the text [from, to) as it stands in a JSON string, without quotes, to [out, outTo). Bytes from 0x80 on are left
 * as they are. The offset behind it, or NO_ROOM.
 */
export function escape(from: i32, to: i32, out: i32, outTo: i32): i32 {
  while (from < to) {
    if (outTo - out < ROOM_BYTES) return escapeBytewise(from, to, out, outTo)
    const block = from
    const end = min(to, block + BLOCK_BYTES)
    let escapes = escapesOf(block, end)
    for (; escapes != 0; escapes &= escapes - 1) {
      const at = block + <i32>ctz(escapes)
      out = copy(from, at, out)
      const byte = load<u8>(at)
      if (byte < SPACE) {
        out = writeEscape(byte, out)
        from = at + 1
      } else {
        // The byte itself begins what is copied next.
        store<u8>(out++, BACKSLASH)
        from = at
      }
    }
    out = copy(from, end, out)
    from = end
  }
  return out
}

/** By bit: the bytes of a block, or of what is left of it, that need an escape. */
@inline
function escapesOf(from: i32, to: i32): u64 {
  let bits = <u64>pieceEscapes(from)
  if (to - from > PIECE_BYTES) {
    bits |= <u64>pieceEscapes(from + 16) << 16
    bits |= <u64>pieceEscapes(from + 32) << 32
    bits |= <u64>pieceEscapes(from + 48) << 48
  }
  return to - from < BLOCK_BYTES ? bits & ((<u64>1 << (to - from)) - 1) : bits
}

@inline
function pieceEscapes(at: i32): u32 {
  const piece = v128.load(at)
  const quotes = i8x16.eq(piece, i8x16.splat(QUOTE))
  const backslashes = i8x16.eq(piece, i8x16.splat(BACKSLASH))
  const controls = i8x16.lt_u(piece, i8x16.splat(SPACE))
  return <u32>i8x16.bitmask(v128.or(v128.or(quotes, backslashes), controls))
}

/** Copies [from, to), and up to fifteen bytes more. */
@inline
function copy(from: i32, to: i32, out: i32): i32 {
  v128.store(out, v128.load(from))
  for (let done = PIECE_BYTES; from + done < to; done += PIECE_BYTES) {
    v128.store(out + done, v128.load(from + done))
  }
  return out + (to - from)
}

/** The same where the room may not do. */
function escapeBytewise(from: i32, to: i32, out: i32, outTo: i32): i32 {
  for (; from < to; from++) {
    const byte = load<u8>(from)
    const isEscaped = byte < SPACE || byte == QUOTE || byte == BACKSLASH
    const byteCount = isEscaped ? (letterOf(byte) != 0 ? 2 : ESCAPE_BYTES_MAX) : 1
    if (outTo - out < byteCount) return NO_ROOM
    if (isEscaped) out = writeEscape(byte, out)
    else store<u8>(out++, byte)
  }
  return out
}

/** What stands behind the backslash for a byte that has an escape of two characters, else 0. */
function letterOf(byte: u8): u8 {
  switch (byte) {
    case 0x08:
      return 0x62
    case 0x09:
      return 0x74
    case 0x0a:
      return 0x6e
    case 0x0c:
      return 0x66
    case 0x0d:
      return 0x72
    case QUOTE:
    case BACKSLASH:
      return byte
    default:
      return 0
  }
}

function writeEscape(byte: u8, out: i32): i32 {
  store<u8>(out, BACKSLASH)
  const letter = letterOf(byte)
  if (letter != 0) {
    store<u8>(out + 1, letter)
    return out + 2
  }
  // \u00XX
  store<u32>(out + 1, 0x30303075)
  store<u8>(out + 4, 0x30 + (byte >> 4))
  const digit = byte & 15
  store<u8>(out + 5, digit < 10 ? 0x30 + digit : 0x57 + digit)
  return out + ESCAPE_BYTES_MAX
}
