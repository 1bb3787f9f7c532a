import {
  BLANK,
  DIGIT,
  HOST,
  KIND,
  LETTER,
  TAG,
  isAll,
  skipBlanks,
  startsWith,
  wordEnd,
  wordList,
} from './characters.ts'
import { NONE } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'
import { isAddress, isHost } from './host.ts'
import type { Timestamp } from './timestamp.ts'

const PARTS_MAX = 4
const UPTIME_BYTES_MAX = 16
const COLON = 0x3a
const STAR = 0x2a
const [NODE, LINE_CARD] = wordList('rp/', 'lc/')

/**
 * What Cisco's devices put between the priority and the time:
 *
 *     prefix   = *( part ":" *SP ) / host SP node ":"
 *     part     = sequence / host / node / task        ; four at most
 *     sequence = 1*DIGIT                              ; the syslog counter, or the logging sequence number
 *     node     = ("RP/" / "LC/") text                 ; IOS XR: RP/0/RSP0/CPU0
 *     task     = "*" name                             ; AireOS: *spamApTask0
 *     uptime   = 2DIGIT ":" 2DIGIT ":" 2DIGIT / 1*( 1*DIGIT unit )        ; instead of the time, where no clock is set
 *
 *     <189>123: *Sep 12 10:11:12.123 UTC: %SYS-5-CONFIG_I: ...
 *     <189>123: edge1: 000456: Sep 12 10:11:12.123 UTC: %SYS-5-CONFIG_I: ...
 *     <189>: 2024 Sep 12 10:11:12 UTC: %ETHPORT-5-IF_UP: ...
 *     <189>123: %SYS-5-CONFIG_I: ...
 *     <166>fw1: %ASA-6-302013: ...
 *     <189>123: 1w2d: %SYS-5-CONFIG_I: ...
 *     <187>wlc1: *spamApTask0: Sep 12 10:11:12.123: #CAPWAP-3-DTLS_ERR: ...
 *
 * All but numbers are taken only with a mnemonic behind them or behind the time: `app: Sep 12 10:11:12 text` begins with a program.
 */
export class CiscoPrefix {
  /** Where the message's uptime stands, before its mnemonic; NONE without one. */
  uptimeFrom = NONE
  readonly #bytes: Uint8Array
  readonly #fields: SyslogFields
  readonly #time: Timestamp

  constructor(bytes: Uint8Array, fields: SyslogFields, time: Timestamp) {
    this.#bytes = bytes
    this.#fields = fields
    this.#time = time
  }

  /** Takes prefix and time. The offset behind the time, or of a mnemonic without one; NONE where none of it is there. */
  read(at: number, to: number): number {
    const fields = this.#fields
    const end = this.#parts(at, to)
    if (end < 0) fields.forgetHeader()
    return end
  }

  /** Whether it is worth looking for a counter, a mark or a colon at `at`. */
  mayBeginInner(at: number, to: number): boolean {
    if (at >= to) return false
    const byte = this.#bytes[at]!
    return byte === COLON || byte === 0x2a || byte === 0x2e || (KIND[byte]! & DIGIT) !== 0
  }

  /**
   * Takes counters and the device's own time from behind a header that a relay put before them:
   *
   *     <189>Sep 12 10:11:13 edge1 123: *Sep 12 10:11:12.123 UTC: %SYS-5-CONFIG_I: ...
   *
   * The offset of the mnemonic, or NONE: then the time has to be read anew.
   */
  readInner(from: number, to: number): number {
    const bytes = this.#bytes
    let at = from
    let sequenceFrom = 0
    let sequenceTo = 0
    for (let part = 0; part < PARTS_MAX; part++) {
      let end = at
      while (end < to && (KIND[bytes[end]!]! & DIGIT) !== 0) end++
      if (end >= to || bytes[end] !== COLON || !isPartEnd(bytes, end, to)) break
      if (end > at) {
        sequenceFrom = at
        sequenceTo = end
      }
      at = skipBlanks(bytes, end + 1, to)
    }
    const isMarked = at < to && (bytes[at] === 0x2a || bytes[at] === 0x2e)
    const uptimeEnd = isMarked ? NONE : this.#uptimeEnd(at, to)
    if (uptimeEnd >= 0) at = uptimeEnd
    else {
      if (at === from && !isMarked) return NONE
      const timeEnd = this.#time.read(at, to)
      if (timeEnd < 0) return NONE
      at = skipBlanks(bytes, timeEnd, to)
      if (at < to && bytes[at] === COLON) at = skipBlanks(bytes, at + 1, to)
      if (at >= to || bytes[at] !== 0x25) return NONE
    }
    this.#fields.setSequence(sequenceFrom, sequenceTo)
    return at
  }

  #parts(from: number, to: number): number {
    const bytes = this.#bytes
    const fields = this.#fields
    let at = from
    let hasName = false
    for (let part = 0; part < PARTS_MAX; part++) {
      at = skipBlanks(bytes, at, to)
      const uptimeEnd = this.#uptimeEnd(at, to)
      if (uptimeEnd >= 0) return uptimeEnd
      const end = this.#partEnd(at, to)
      if (end >= to) return NONE
      hasName ||= !isAll(bytes, at, end, DIGIT)
      if (bytes[end] === COLON) {
        if (!this.#part(at, end, to)) return NONE
        at = skipBlanks(bytes, end + 1, to)
      } else {
        if ((KIND[bytes[end]!]! & BLANK) === 0 || !isNode(bytes, end + 1, to)) return NONE
        if (!this.#part(at, end, to)) return NONE
        at = end + 1
        continue
      }
      if (at < to && bytes[at] === 0x25) {
        const isKnown = hasName
          ? isMnemonic(bytes, at, wordEnd(bytes, at, to))
          : fields.sequenceTo > fields.sequenceFrom
        return isKnown ? at : NONE
      }
      const timeEnd = this.#time.read(at, to)
      if (timeEnd < 0) continue
      fields.hasTime = true
      if (hasName && !isBeforeMnemonic(bytes, timeEnd, to)) {
        fields.hasTime = false
        return NONE
      }
      return timeEnd
    }
    return NONE
  }

  /** The end of the name or number at `at`: at its colon, or behind it. An address's own colons are part of it. */
  #partEnd(at: number, to: number): number {
    const bytes = this.#bytes
    if (at < to && bytes[at] === STAR) {
      let end = at + 1
      while (end < to && (KIND[bytes[end]!]! & TAG) !== 0) end++
      return end
    }
    let runEnd = at
    while (runEnd < to && (KIND[bytes[runEnd]!]! & HOST) !== 0) runEnd++
    if (bytes[runEnd - 1] === COLON && isAddress(bytes, at, runEnd - 1)) return runEnd - 1
    let end = at
    while (end < runEnd && bytes[end] !== COLON) end++
    return end
  }

  /** Where the mnemonic begins behind the uptime at `at`, NONE where these don't stand there. */
  #uptimeEnd(at: number, to: number): number {
    const bytes = this.#bytes
    const last = Math.min(to, at + UPTIME_BYTES_MAX + 1)
    let end = at
    while (end < last && (KIND[bytes[end]!]! & BLANK) === 0) end++
    if (end === at || bytes[end - 1] !== COLON || !isUptime(bytes, at, end - 1)) return NONE
    const next = skipBlanks(bytes, end, to)
    if (next >= to || bytes[next] !== 0x25) return NONE
    this.uptimeFrom = at
    return next
  }

  /** A sequence number (the last of several counts), a node, one host, or nothing before the first colon. */
  #part(from: number, to: number, messageTo: number): boolean {
    const bytes = this.#bytes
    const fields = this.#fields
    if (from === to || isNode(bytes, from, to)) return true
    if (bytes[from] === STAR) {
      const isFirst = fields.appTo === fields.appFrom
      fields.setApp(from, to)
      return isFirst && to - from > 1
    }
    if (isAll(bytes, from, to, DIGIT)) {
      fields.setSequence(from, to)
      return isPartEnd(bytes, to, messageTo)
    }
    if (fields.hostTo > fields.hostFrom || !isHost(bytes, from, to)) return false
    if ((KIND[bytes[from]!]! & (LETTER | DIGIT)) === 0) return false
    fields.setHost(from, to)
    return true
  }
}

/** Whether [from, to) is what Cisco's devices call their messages: `%` facility `-` severity `-` name. */
export function isMnemonic(bytes: Uint8Array, from: number, to: number): boolean {
  if (bytes[from] !== 0x25 || (KIND[bytes[from + 1]!]! & LETTER) === 0) return false
  for (let at = from + 2; at + 2 < to; at++) {
    if (bytes[at] !== 0x2d || bytes[at + 2] !== 0x2d) continue
    if (bytes[at + 1]! >= 0x30 && bytes[at + 1]! <= 0x37) return true
  }
  return false
}

/** `1w2d` or `00:00:46`: how long the device has been up, where its clock isn't set. */
function isUptime(bytes: Uint8Array, from: number, to: number): boolean {
  const isClock = to - from === 8 && bytes[from + 2] === COLON && bytes[from + 5] === COLON
  let at = from
  while (at < to) {
    const digitsFrom = at
    while (at < to && (KIND[bytes[at]!]! & DIGIT) !== 0) at++
    if (at === digitsFrom) return false
    if (isClock ? at < to && bytes[at] !== COLON : at === to || !isUnit(bytes[at]!)) return false
    at++
  }
  return to > from
}

/** Of years, weeks, days, hours, minutes and seconds. */
function isUnit(byte: number): boolean {
  return byte === 0x79 || byte === 0x77 || byte === 0x64 || byte === 0x68 || byte === 0x6d || byte === 0x73
}

/** Whether a part ends at its colon: `46:` does, the hour of `00:00:46` doesn't. */
function isPartEnd(bytes: Uint8Array, colon: number, to: number): boolean {
  return colon + 1 >= to || (KIND[bytes[colon + 1]!]! & DIGIT) === 0
}

function isNode(bytes: Uint8Array, at: number, to: number): boolean {
  return startsWith(bytes, at, to, NODE!) || startsWith(bytes, at, to, LINE_CARD!)
}

/** Whether a `%` follows, colon and blanks and the name of an IOS XR process apart. */
function isBeforeMnemonic(bytes: Uint8Array, from: number, to: number): boolean {
  let at = skipBlanks(bytes, from, to)
  if (at < to && bytes[at] === COLON) at = skipBlanks(bytes, at + 1, to)
  if (at < to && (bytes[at] === 0x25 || bytes[at] === 0x23)) return true
  while (at < to && (KIND[bytes[at]!]! & BLANK) === 0) at++
  at = skipBlanks(bytes, at, to)
  return at < to && bytes[at] === 0x25
}
