import { BLANK, BREAK, DIGIT, KIND, skipBlanks } from './characters.ts'
import { NONE, digits } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'

const PRIORITY_MAX = 191
const COUNT_DIGITS_MAX = 7
const BREAK_BYTES_MAX = 2

/**
 * RFC 5424 section 6.2.1, RFC 3164 section 4.1.1:
 *
 *     PRI    = "<" PRIVAL ">"
 *     PRIVAL = 1*3DIGIT ; range 0 .. 191
 *
 * Leading zeros are taken, as are blanks, line breaks or a BOM before it.
 *
 * @returns the offset behind it, or NONE
 */
export function readPriority(bytes: Uint8Array, from: number, to: number, fields: SyslogFields): number {
  let at = from
  if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3
  while (at < to && (KIND[bytes[at]!]! & (BLANK | BREAK)) !== 0) at++
  return at < to && bytes[at] === 0x3c ? readValue(bytes, at + 1, to, fields) : NONE
}

/** The same without its `<`: senders that count octets wrong lose it. Believed only with a header behind it. */
export function readBarePriority(bytes: Uint8Array, from: number, to: number, fields: SyslogFields): number {
  return readValue(bytes, skipBlanks(bytes, from, to), to, fields)
}

/**
 * The length that octet counting (RFC 6587) puts before a message, where it is not framed so: in a datagram, or among
 * lines. It has to be right, but for a line break that is gone.
 *
 * @returns where the message begins, or NONE
 */
export function readCount(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  let count = 0
  while (at < to && at - from < COUNT_DIGITS_MAX && (KIND[bytes[at]!]! & DIGIT) !== 0) {
    count = count * 10 + bytes[at]! - 0x30
    at++
  }
  if (at === from || at >= to || bytes[at] !== 0x20) return NONE
  at++
  return count >= to - at && count <= to - at + BREAK_BYTES_MAX ? at : NONE
}

function readValue(bytes: Uint8Array, at: number, to: number, fields: SyslogFields): number {
  let count = 1
  while (count <= 3 && at + count < to && bytes[at + count] !== 0x3e) count++
  if (count > 3 || at + count >= to) return NONE
  const value = digits(bytes, at, to, count)
  if (value < 0 || value > PRIORITY_MAX) return NONE
  fields.facility = value >> 3
  fields.severity = value & 7
  return at + count + 1
}
