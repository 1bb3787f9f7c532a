import { DIGIT, KIND, PRINT } from './characters.ts'
import { NONE } from './clock-time.ts'
import type { SyslogFields } from './fields.ts'
import type { StructuredData } from './structured-data.ts'

/** RFC 5424 allows names of 48, process ids of 128 and message ids of 32 characters; containers' names are longer. */
const FIELD_BYTES_MAX = 255
const VERSION_DIGITS_MAX = 3
const NIL = 0x2d
const SPACE = 0x20

/**
 *     VERSION = NONZERO-DIGIT 0*2DIGIT
 *
 * @returns the offset behind it and its space, or NONE
 */
export function readVersion(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && at - from < VERSION_DIGITS_MAX && (KIND[bytes[at]!]! & DIGIT) !== 0) at++
  return at === from || bytes[from] === 0x30 || at >= to || bytes[at] !== SPACE ? NONE : at + 1
}

/** Whether a NILVALUE stands at `at`. */
export function isNil(bytes: Uint8Array, at: number, to: number): boolean {
  return at < to && bytes[at] === NIL && (at + 1 === to || bytes[at + 1] === SPACE)
}

/**
 * RFC 5424 section 6, from behind the timestamp on:
 *
 *     HEADER     = PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID
 *     SYSLOG-MSG = HEADER SP STRUCTURED-DATA [SP MSG]
 *     HOSTNAME   = NILVALUE / 1*255PRINTUSASCII
 *     APP-NAME   = NILVALUE / 1*48PRINTUSASCII
 *     PROCID     = NILVALUE / 1*128PRINTUSASCII
 *     MSGID      = NILVALUE / 1*32PRINTUSASCII
 *     MSG        = MSG-ANY / MSG-UTF8
 *     MSG-UTF8   = BOM UTF-8-STRING
 *
 * Fields are one space apart, so that an empty one doesn't shift the others. Structured data that breaks its grammar
 * begins the message. A header with something else in its place, or nothing, is none: the words before could be anything.
 */
export class Rfc5424Header {
  readonly #bytes: Uint8Array
  readonly #fields: SyslogFields
  readonly #structuredData: StructuredData

  constructor(bytes: Uint8Array, fields: SyslogFields, structuredData: StructuredData) {
    this.#bytes = bytes
    this.#fields = fields
    this.#structuredData = structuredData
  }

  /** Takes the fields from `at`, behind the timestamp, on. False, and nothing set, where they are none. */
  read(at: number, to: number): boolean {
    const bytes = this.#bytes
    const hostEnd = this.#fieldEnd(at, to)
    const appEnd = this.#fieldEnd(hostEnd, to)
    const procEnd = this.#fieldEnd(appEnd, to)
    const msgIdEnd = this.#fieldEnd(procEnd, to)
    if (msgIdEnd < 0) return false
    const messageFrom = this.#structuredDataEnd(msgIdEnd, to)
    if (messageFrom < 0) return false
    const fields = this.#fields
    if (!isNil(bytes, at + 1, to)) fields.setHost(at + 1, hostEnd)
    if (!isNil(bytes, hostEnd + 1, to)) fields.setApp(hostEnd + 1, appEnd)
    if (!isNil(bytes, appEnd + 1, to)) fields.setProc(appEnd + 1, procEnd)
    if (!isNil(bytes, procEnd + 1, to)) fields.setMsgId(procEnd + 1, msgIdEnd)
    fields.messageFrom = messageFrom
    fields.messageTo = to
    return true
  }

  /** The end of the field behind the space at `at`. */
  #fieldEnd(at: number, to: number): number {
    const bytes = this.#bytes
    if (at < 0 || at >= to || bytes[at] !== SPACE) return NONE
    const from = ++at
    while (at < to && (KIND[bytes[at]!]! & PRINT) !== 0) at++
    return at === from || at - from > FIELD_BYTES_MAX ? NONE : at
  }

  /** Where the message begins, behind the space and the structured data at `at`. */
  #structuredDataEnd(at: number, to: number): number {
    const bytes = this.#bytes
    const from = at + 1
    if (from >= to || bytes[at] !== SPACE) return NONE
    if (isNil(bytes, from, to)) return this.#behindBom(from + 1, to)
    if (bytes[from] !== 0x5b) return NONE
    const end = this.#structuredData.read(from, to)
    return end === to || (end > from && bytes[end] === SPACE)
      ? this.#behindBom(end, to)
      : this.#cutOff(from, end)
  }

  /** What follows the last whole element directly: another one that is broken, or text. */
  #cutOff(from: number, end: number): number {
    if (end > from && this.#bytes[end] === 0x5b) return end
    this.#structuredData.clear()
    return from
  }

  /** The message begins behind the space at `at`, and behind its BOM. */
  #behindBom(at: number, to: number): number {
    if (at >= to) return to
    const bytes = this.#bytes
    const from = at + 1
    return to - from >= 3 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf
      ? from + 3
      : from
  }
}
