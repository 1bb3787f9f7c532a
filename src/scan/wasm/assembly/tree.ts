import { keyEnd } from './keys.ts'
import { FAIL, blanksEnd, byteAt, nameEnd, numberEnd, stringEnd } from './tokens.ts'

/**
 * Over any value that begins at `at`, whatever is in it. FAIL also where more than `room` (at most 31) containers are
 * open: their kinds are the bits of one integer.
 */
export function treeEnd(at: i32, room: i32): i32 {
  let depth = 0
  /** One bit for each open container, the innermost lowest: 1 is an object. */
  let kinds = 0
  let byte = byteAt(at)
  while (true) {
    if (byte == 0x22) {
      at = stringEnd(at + 1)
      if (at < 0) return FAIL
    } else if (byte <= 0x39) {
      at = numberEnd(at)
      if (at < 0) return FAIL
    } else if (byte == 0x7b || byte == 0x5b) {
      if (depth == room) return FAIL
      const isObject = (byte >> 5) & 1
      byte = byteAt(++at)
      if (byte <= 0x20) {
        at = blanksEnd(at)
        byte = byteAt(at)
      }
      if (byte == 0x5d + (isObject << 5)) at++
      else {
        depth++
        kinds = (kinds << 1) | isObject
        if (isObject) {
          if (byte != 0x22) return FAIL
          at = keyEnd(at + 1, 0)
          if (at < 0) return FAIL
          byte = byteAt(at)
        }
        continue
      }
    } else {
      at = nameEnd(at)
      if (at < 0) return FAIL
    }
    if (depth == 0) return at
    while (true) {
      byte = byteAt(at)
      if (byte == 0x2c) break
      if (byte == 0x5d + ((kinds & 1) << 5)) {
        at++
        kinds >>>= 1
        if (--depth == 0) return at
      } else {
        const next = blanksEnd(at)
        if (next == at) return FAIL
        at = next
      }
    }
    byte = byteAt(++at)
    if (byte == 0x20) byte = byteAt(++at)
    if (byte <= 0x20) {
      at = blanksEnd(at)
      byte = byteAt(at)
    }
    if (kinds & 1) {
      if (byte != 0x22) return FAIL
      at = keyEnd(at + 1, 0)
      if (at < 0) return FAIL
      byte = byteAt(at)
    }
  }
}
