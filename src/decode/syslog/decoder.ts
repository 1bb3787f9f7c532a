import { isUtf8 } from 'node:buffer'
import type { SharedMemory } from '../../memory/web-assembly.ts'
import { BREAK, BLANK, KIND, skipBlanks } from './characters.ts'
import { EventWriter, SOC_SEVERITY } from './event-writer.ts'
import { SyslogFields } from './fields.ts'
import { readBarePriority, readCount, readPriority } from './priority.ts'
import { Rfc3164Header } from './rfc3164.ts'
import { Rfc5424Header, isNil, readVersion } from './rfc5424.ts'
import { StructuredData } from './structured-data.ts'
import { Timestamp } from './timestamp.ts'
import { Zone } from './zone.ts'

export { timezoneProblem } from './zone.ts'
export const NO_ROOM = -1

/**
 * Makes `soc` events of syslog messages, bytes to bytes within one buffer, without an object or a string for each.
 * README.md says what it knows.
 */
export class SyslogDecoder {
  /** `soc` severity (0 to 10) and time (epoch ms; NaN: it has none) of the last decoded message. */
  severity = 0
  timeMs = 0
  readonly #bytes: Uint8Array
  readonly #fields = new SyslogFields()
  readonly #structuredData: StructuredData
  readonly #time: Timestamp
  readonly #rfc5424: Rfc5424Header
  readonly #rfc3164: Rfc3164Header
  readonly #event: EventWriter

  /**
   * @param memory messages are read from it, and events written to it
   * @param options.timezone for times without a zone: `local`, `UTC`, `+02:00` or an IANA name; `timezoneProblem` checks
   */
  constructor(memory: SharedMemory, options: { readonly timezone: string }) {
    const bytes = new Uint8Array(memory.buffer)
    this.#bytes = bytes
    this.#structuredData = new StructuredData(bytes)
    this.#time = new Timestamp(bytes, new Zone(options.timezone))
    this.#rfc5424 = new Rfc5424Header(bytes, this.#fields, this.#structuredData)
    this.#rfc3164 = new Rfc3164Header(bytes, this.#fields, this.#structuredData, this.#time)
    this.#event = new EventWriter(memory, this.#fields, this.#structuredData, this.#time)
    this.begin(0)
  }

  /** Before the messages that arrived at one time (epoch ms): for years left out, and for messages without a time. */
  begin(receivedAtMs: number): void {
    const arrivedAtMs = Math.floor(receivedAtMs)
    this.#time.begin(arrivedAtMs)
    this.#event.begin(arrivedAtMs)
  }

  /** The address of the peer, ASCII without port or brackets, for the messages that follow; an empty range: unknown. */
  setPeer(from: number, to: number): void {
    this.#event.setPeer(from, to)
  }

  /**
   * Decodes the message [from, to), one without its framing, into one line of JSON and a line feed in [out, outTo).
   * `utf8`: it is known to be valid UTF-8. Returns the offset behind the line feed, or NO_ROOM.
   */
  decode(from: number, to: number, out: number, outTo: number, utf8: boolean): number {
    const messageTo = textEnd(this.#bytes, from, to)
    this.#fields.reset(from, messageTo)
    this.#structuredData.clear()
    this.#parse(from, messageTo)
    this.severity = SOC_SEVERITY[this.#fields.severity]!
    this.timeMs = this.#fields.hasTime ? this.#time.timeMs : Number.NaN
    const isUnicode = utf8 || isUtf8Text(this.#bytes, from, messageTo)
    return this.#event.write(out, outTo, isUnicode)
  }

  #parse(from: number, to: number): void {
    const fields = this.#fields
    const bytes = this.#bytes
    let priorityEnd = readPriority(bytes, from, to, fields)
    if (priorityEnd < 0) {
      const counted = readCount(bytes, from, to)
      if (counted >= 0) priorityEnd = readPriority(bytes, counted, to, fields)
    }
    if (priorityEnd < 0) return this.#parseWithoutPriority(from, to)
    const at = skipBlanks(bytes, priorityEnd, to)
    fields.messageFrom = at
    if (this.#versioned(at, to, true) || this.#rfc3164.read(at, to)) return
    this.#rfc3164.readWithoutTime(at, to, true)
  }

  #parseWithoutPriority(from: number, to: number): void {
    const fields = this.#fields
    const bytes = this.#bytes
    const at = skipBlanks(bytes, from, to)
    if (this.#versioned(at, to, false) || this.#rfc3164.read(at, to)) return
    const barePriorityEnd = readBarePriority(bytes, from, to, fields)
    if (barePriorityEnd >= 0) {
      const header = skipBlanks(bytes, barePriorityEnd, to)
      if (this.#versioned(header, to, true) || this.#rfc3164.read(header, to)) return
      fields.reset(from, to)
    }
    this.#rfc3164.readWithoutTime(from, to, false)
  }

  /**
   * Takes a header that begins with a version and a time: RFC 5424, or one that goes on as those of RFC 3164 do, such as
   * Meraki's. Without a time it is RFC 5424 only with a priority, a NILVALUE and all the rest. False, and nothing set, for
   * all else.
   */
  #versioned(at: number, to: number, hasPriority: boolean): boolean {
    const bytes = this.#bytes
    const timeAt = readVersion(bytes, at, to)
    if (timeAt < 0) return false
    if (hasPriority && isNil(bytes, timeAt, to)) return this.#rfc5424.read(timeAt + 1, to)
    const timeEnd = this.#time.read(timeAt, to)
    if (timeEnd < 0) return false
    this.#fields.hasTime = true
    if (!this.#rfc5424.read(timeEnd, to)) this.#rfc3164.readBehindTime(timeEnd, to)
    return true
  }
}

/** Trailing blanks belong to the message, but not line breaks and NULs, nor what follows them. */
function textEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = to
  let end = to
  while (at > from && (KIND[bytes[at - 1]!]! & (BLANK | BREAK)) !== 0) {
    at--
    if ((KIND[bytes[at]!]! & BREAK) !== 0) end = at
  }
  return end
}

function isUtf8Text(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from
  while (at < to && bytes[at]! < 0x80) at++
  return at === to || isUtf8(bytes.subarray(at, to))
}
