import {
  BLANK,
  DIGIT,
  KIND,
  LETTER,
  PRINT,
  isWordEnd,
  skipBlanks,
  startsWith,
  wordEnd,
  wordList,
} from './characters.ts'
import { CiscoPrefix, isMnemonic } from './cisco-prefix.ts'
import { NONE } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'
import { isAddress, isHost, isLevel, isProse, isRepeatNotice, isTellingHost } from './host.ts'
import { readNamedHost } from './named-host.ts'
import { isNil } from './rfc5424.ts'
import type { StructuredData } from './structured-data.ts'
import { TagReader } from './tag.ts'
import type { TagProof } from './tag.ts'
import type { Timestamp } from './timestamp.ts'

const COLON = 0x3a
const OPEN = 0x5b
const CLOSE = 0x5d
const PERCENT = 0x25
const TAB = 0x09
/** Snare's agents for Windows send no header, but a host, this and the event, with tabs between. */
const [SNARE] = wordList('mswineventlog\t')

/**
 * RFC 3164 section 4.1 describes what was seen on the wire:
 *
 *     message = PRI TIMESTAMP SP HOSTNAME SP TAG CONTENT
 *
 * and every part of it may be missing, or look different. Each is taken only where it can be told; what can't stays in the
 * message, whole.
 */
export class Rfc3164Header {
  readonly #bytes: Uint8Array
  readonly #fields: SyslogFields
  readonly #structuredData: StructuredData
  readonly #time: Timestamp
  readonly #tag: TagReader
  readonly #cisco: CiscoPrefix

  constructor(bytes: Uint8Array, fields: SyslogFields, structuredData: StructuredData, time: Timestamp) {
    this.#bytes = bytes
    this.#fields = fields
    this.#structuredData = structuredData
    this.#time = time
    this.#tag = new TagReader(bytes, fields)
    this.#cisco = new CiscoPrefix(bytes, fields, time)
  }

  /** Takes a header that has a time, at `at`, behind priority and blanks. False, and nothing set, where none is there. */
  read(at: number, to: number): boolean {
    this.#cisco.uptimeFrom = NONE
    const timeEnd = this.#time.read(at, to)
    if (timeEnd >= 0) {
      this.#fields.hasTime = true
      this.readBehindTime(timeEnd, to)
      return true
    }
    const ciscoEnd = this.#cisco.read(at, to)
    if (ciscoEnd < 0) return false
    const fields = this.#fields
    if (fields.appTo > fields.appFrom) this.#setMessage(this.#behindColon(ciscoEnd, to), to)
    else if (fields.hostTo > fields.hostFrom) this.#readTag(this.#behindColon(ciscoEnd, to), to)
    else this.readBehindTime(ciscoEnd, to)
    this.#keepUptime(to)
    return true
  }

  /** Where a Cisco device has no clock, its uptime stays with the text, so that nothing is lost. */
  #keepUptime(to: number): void {
    if (this.#cisco.uptimeFrom >= 0) this.#setMessage(this.#cisco.uptimeFrom, to)
  }

  /** Takes host, tag and message from behind the time on. */
  readBehindTime(timeEnd: number, to: number): void {
    const bytes = this.#bytes
    const at = this.#behindColon(timeEnd, to)
    const end = wordEnd(bytes, at, to)
    this.#setMessage(at, to)
    if (at === end || isRepeatNotice(bytes, at, to) || this.#isSecondTime(at, to)) return
    const named = readNamedHost(bytes, at, end, to, this.#fields)
    if (named >= 0) return this.#readTag(named, to)
    if (bytes[at] === OPEN) return this.#readBracketed(at, end, to)
    if (isNil(bytes, at, to)) return this.#readBehindNil(at, end, to)
    if (bytes[end - 1] === COLON && this.#isHostBeforeColon(at, end - 1, end, to)) {
      return this.#readBehindHost(at, end - 1, end, to)
    }
    if (isHost(bytes, at, end) && !isLevel(bytes, at, end)) return this.#readBehindHost(at, end, end, to)
    this.#readPlacedTag(at, to, 'colon')
  }

  /**
   * Takes what a message without a time can begin with: a tag, and before it a host only where both are unmistakable.
   * `hasPriority`: without one the text could come from anywhere, and a colon doesn't make a tag.
   */
  readWithoutTime(from: number, to: number, hasPriority: boolean): void {
    const bytes = this.#bytes
    const at = hasPriority ? this.#behindColon(from, to) : skipBlanks(bytes, from, to)
    if (hasPriority) this.#setMessage(at, to)
    const end = wordEnd(bytes, at, to)
    const named = hasPriority ? readNamedHost(bytes, at, end, to, this.#fields) : NONE
    if (named >= 0) return this.#readTag(named, to)
    const mnemonic = this.#mnemonicBehindColon(skipBlanks(bytes, end, to), to)
    if (hasPriority && isHost(bytes, at, end) && isMnemonic(bytes, mnemonic, wordEnd(bytes, mnemonic, to))) {
      this.#fields.setHost(at, end)
      return this.#readTag(mnemonic, to)
    }
    let messageFrom = this.#tag.read(at, to, hasPriority ? 'colon' : 'process')
    if (messageFrom < 0 && hasPriority) messageFrom = this.#tagBehindAddress(at, end, to)
    if (messageFrom < 0 && isTellingHost(bytes, at, end)) {
      const isSnare = bytes[end] === TAB && startsWith(bytes, end + 1, to, SNARE!)
      if (isSnare || hasPriority) {
        messageFrom = this.#tag.read(skipBlanks(bytes, end, to), to, isSnare ? 'place' : 'process')
      }
      if (messageFrom >= 0) this.#fields.setHost(at, end)
    }
    if (messageFrom >= 0) this.#setMessage(messageFrom, to)
  }

  /** Takes an address, with or without a colon, where a tag follows: `192.0.2.1 su: text`. */
  #tagBehindAddress(at: number, end: number, to: number): number {
    const hostEnd = this.#bytes[end - 1] === COLON ? end - 1 : end
    if (!isAddress(this.#bytes, at, hostEnd)) return NONE
    const messageFrom = this.#tag.read(skipBlanks(this.#bytes, end, to), to, 'colon')
    if (messageFrom >= 0) this.#fields.setHost(at, hostEnd)
    return messageFrom
  }

  /** Whether there is one more time instead of a host; then it is taken with what it proves to begin, or left whole. */
  #isSecondTime(at: number, to: number): boolean {
    if (!this.#time.mayBegin(at, to)) return false
    const firstFrom = this.#time.from
    const end = this.#time.read(at, to)
    this.#time.read(firstFrom, to)
    const inner = end < 0 ? NONE : this.#innerHeader(at, to)
    if (inner >= 0) this.#readTag(inner, to)
    return end >= 0
  }

  /** RFC 5424's NILVALUE in the host's place, believed only with a tag behind it. */
  #readBehindNil(at: number, end: number, to: number): void {
    const messageFrom = this.#tag.read(skipBlanks(this.#bytes, end, to), to, 'colon')
    if (messageFrom >= 0) this.#setMessage(messageFrom, to)
    else this.#setMessage(at, to)
  }

  /** `[10.0.0.143]`, an address in brackets, is a host; all else in brackets is text. */
  #readBracketed(at: number, end: number, to: number): void {
    const close = this.#bytes[end - 1] === COLON ? end - 2 : end - 1
    if (this.#bytes[close] !== CLOSE || !isAddress(this.#bytes, at + 1, close)) return
    this.#readBehindHost(at + 1, close, end, to)
  }

  /** A word and a colon are a tag, unless the word is an address, or what follows is a tag without doubt. */
  #isHostBeforeColon(from: number, to: number, end: number, messageTo: number): boolean {
    const bytes = this.#bytes
    if (isAddress(bytes, from, to)) return true
    if (!isHost(bytes, from, to)) return false
    const next = skipBlanks(bytes, end, messageTo)
    if (next + 1 < messageTo && bytes[next] === PERCENT) return (KIND[bytes[next + 1]!]! & LETTER) !== 0
    return isTellingHost(bytes, from, to) && this.#isProcessTag(next, messageTo)
  }

  /** Whether `name[1234]:` stands at `at`. */
  #isProcessTag(at: number, to: number): boolean {
    const bytes = this.#bytes
    const end = wordEnd(bytes, at, to)
    if (end - at < 5 || bytes[end - 1] !== COLON || bytes[end - 2] !== CLOSE) return false
    let open = end - 3
    while (open > at && (KIND[bytes[open]!]! & DIGIT) !== 0) open--
    return open > at && open < end - 3 && bytes[open] === OPEN && (KIND[bytes[at]!]! & PRINT) !== 0
  }

  #readBehindHost(from: number, to: number, end: number, messageTo: number): void {
    const bytes = this.#bytes
    this.#fields.setHost(from, to)
    const at = this.#mnemonicBehindColon(skipBlanks(bytes, end, messageTo), messageTo)
    const inner = this.#innerHeader(at, messageTo)
    if (inner < 0 && this.#isTagBeforeColon(from, to, at, messageTo)) {
      this.#fields.setHost(0, 0)
      return this.#readPlacedTag(from, messageTo, 'colon')
    }
    this.#readTag(inner < 0 ? at : inner, messageTo)
    if (inner >= 0) this.#keepUptime(messageTo)
  }

  /** `0-PPE-0 : text`: a word before a colon that stands alone is a tag, an address is a host. */
  #isTagBeforeColon(from: number, to: number, colon: number, messageTo: number): boolean {
    const bytes = this.#bytes
    if (colon === to || colon >= messageTo || bytes[colon] !== COLON) return false
    return isWordEnd(bytes, colon + 1, messageTo) && !isAddress(bytes, from, to)
  }

  /** Cisco ASA: `host : %ASA-3-710003: text`. Where the mnemonic begins, `at` where there is none. */
  #mnemonicBehindColon(at: number, to: number): number {
    const bytes = this.#bytes
    if (at >= to || bytes[at] !== COLON) return at
    const next = skipBlanks(bytes, at + 1, to)
    return next < to && bytes[next] === PERCENT ? next : at
  }

  /**
   * A relay may have put its own time and host before a message that has them already: then those of the device are what
   * counts. They are believed only with a host and a tag that can be nothing else behind the time.
   *
   * @returns where the tag is looked for, or NONE
   */
  #innerHeader(at: number, to: number): number {
    const bytes = this.#bytes
    const outerFrom = this.#time.from
    this.#cisco.uptimeFrom = NONE
    if (!this.#time.mayBegin(at, to)) {
      if (!this.#cisco.mayBeginInner(at, to)) return NONE
      const mnemonicAt = this.#cisco.readInner(at, to)
      if (mnemonicAt < 0) this.#time.read(outerFrom, to)
      return mnemonicAt
    }
    const timeEnd = this.#time.read(at, to)
    const hostAt = timeEnd < 0 ? to : skipBlanks(bytes, timeEnd, to)
    const hostEnd = wordEnd(bytes, hostAt, to)
    const tagAt = this.#mnemonicBehindColon(skipBlanks(bytes, hostEnd, to), to)
    if (isHost(bytes, hostAt, hostEnd) && !isProse(bytes, hostAt, hostEnd) && this.#isPlainTag(tagAt, to)) {
      this.#fields.setHost(hostAt, hostEnd)
      return tagAt
    }
    this.#time.read(outerFrom, to)
    return NONE
  }

  /** Whether a word with a colon at its end, or one that only a program has for a name, stands at `at`. */
  #isPlainTag(at: number, to: number): boolean {
    const bytes = this.#bytes
    const end = wordEnd(bytes, at, to)
    if (end - at < 2) return false
    if (bytes[end - 1] === COLON || bytes[at] === PERCENT) return true
    for (let index = at; index < end; index++) if (bytes[index] === 0x5f) return true
    return false
  }

  #readTag(at: number, to: number): void {
    const bytes = this.#bytes
    this.#setMessage(at, to)
    const end = wordEnd(bytes, at, to)
    if (isLevel(bytes, at, end)) {
      // F5: `host notice tmm1[12390]: text`. The level stays with the message, so that nothing is lost.
      if (end < to && bytes[end] === 0x20) this.#tag.read(skipBlanks(bytes, end, to), to, 'process')
      return
    }
    this.#readPlacedTag(at, to, 'place')
  }

  #readPlacedTag(at: number, to: number, proof: TagProof): void {
    const messageFrom = this.#tag.read(at, to, proof)
    if (messageFrom >= 0) this.#setMessage(messageFrom, to)
    this.#readStructuredData(messageFrom >= 0 ? messageFrom : at, to)
  }

  /** `rsyslogd: [origin software="rsyslogd"] start`: elements with parameters, as RFC 5424 has them, before the text. */
  #readStructuredData(from: number, to: number): void {
    const bytes = this.#bytes
    const at = skipBlanks(bytes, from, to)
    if (at >= to || bytes[at] !== OPEN) return
    const end = this.#structuredData.read(at, to)
    const hasParams = this.#structuredData.paramCount >= this.#structuredData.elementCount
    if (end > at && hasParams && isWordEnd(bytes, end, to)) {
      const hasBlank = end < to && (KIND[bytes[end]!]! & BLANK) !== 0
      return this.#setMessage(hasBlank ? end + 1 : end, to)
    }
    this.#structuredData.clear()
  }

  #behindColon(from: number, to: number): number {
    const bytes = this.#bytes
    const at = skipBlanks(bytes, from, to)
    // `::1` is an address.
    const isSeparator = at < to && bytes[at] === COLON && (at + 1 === to || bytes[at + 1] !== COLON)
    return isSeparator ? skipBlanks(bytes, at + 1, to) : at
  }

  #setMessage(from: number, to: number): void {
    this.#fields.messageFrom = from
    this.#fields.messageTo = to
  }
}
