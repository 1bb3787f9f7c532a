import { KIND, BLANK, BREAK, skipBlanks } from './characters.ts'
import { NONE, digits } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'

const PRIORITY_MAX = 191

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
