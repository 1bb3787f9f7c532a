import { writeDate, writeTwoDigits } from './calendar.ts'
import type { SyslogFields } from './fields.ts'
import { JsonWriter } from './json-writer.ts'
import type { StructuredData } from './structured-data.ts'
import type { Timestamp } from './timestamp.ts'

const MINUTES_PER_DAY = 1440
const PEER_BYTES_MAX = 255
const QUOTE = 0x22
/** Of `YYYY-MM-DDTHH:MM:`. */
const MINUTE_BYTES = 17

function json(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const TIMESTAMP = json('{"timestamp":"')
const SOURCE_IP = json('Z","source_ip":"')
const EVENT_TYPE = json('","event_type":"')
const SYSLOG = json('syslog')
const SEVERITY = json('","severity":')
const FACILITY = json(',"raw_payload":{"facility":')
const SYSLOG_SEVERITY = json(',"severity":')
const HOSTNAME = json(',"hostname":"')
const APP_NAME = json(',"app_name":"')
const PROC_ID = json(',"proc_id":"')
const MSG_ID = json(',"msg_id":"')
const STRUCTURED_DATA = json(',"structured_data":')
const SEQUENCE_ID = json('{"meta":{"sequenceId":"')
const MESSAGE = json(',"message":"')
const ENCODING = json(',"encoding":"windows-1252"')
const END_OF_STRING = json('"')
const END_OF_SEQUENCE_ID = json('"}}')
const END = json('}}\n')

/** Writes the fields of a message as one `soc` event and a line feed. */
export class EventWriter {
  readonly #out: JsonWriter
  readonly #fields: SyslogFields
  readonly #structuredData: StructuredData
  readonly #time: Timestamp
  readonly #bytes: Uint8Array
  #peer: Uint8Array = new Uint8Array(0)
  readonly #peerText = new Uint8Array(PEER_BYTES_MAX)
  #received: Uint8Array = new Uint8Array(0)
  #receivedAtMs = Number.NaN
  /** The minute that was written last, and its text. */
  #minute = Number.NaN
  readonly #minuteText = new Uint8Array(MINUTE_BYTES)

  constructor(bytes: Uint8Array, fields: SyslogFields, structuredData: StructuredData, time: Timestamp) {
    this.#bytes = bytes
    this.#out = new JsonWriter(bytes)
    this.#fields = fields
    this.#structuredData = structuredData
    this.#time = time
  }

  begin(receivedAtMs: number): void {
    if (receivedAtMs === this.#receivedAtMs) return
    this.#receivedAtMs = receivedAtMs
    this.#received = json(new Date(receivedAtMs).toISOString().slice(0, -1))
  }

  setPeer(from: number, to: number): void {
    const bytes = this.#bytes
    let count = 0
    for (let at = from; at < to && count < PEER_BYTES_MAX; at++) {
      const byte = bytes[at]!
      // An address has none of these; whatever else comes here stays harmless.
      if (byte > 0x20 && byte < 0x7f && byte !== QUOTE && byte !== 0x5c) this.#peerText[count++] = byte
    }
    this.#peer = this.#peerText.subarray(0, count)
  }

  /** Returns the offset behind the line feed, or -1 without room. */
  write(at: number, to: number, severity: number, isUtf8: boolean): number {
    const out = this.#out
    const fields = this.#fields
    const isNamed = fields.appTo > fields.appFrom
    out.begin(at, to)
    out.windows1252 = !isUtf8
    out.raw(TIMESTAMP)
    this.#writeTime()
    out.raw(SOURCE_IP)
    out.raw(this.#peer)
    out.raw(EVENT_TYPE)
    if (isNamed) out.text(fields.appFrom, fields.appTo)
    else out.raw(SYSLOG)
    out.raw(SEVERITY)
    out.number(severity)
    out.raw(FACILITY)
    out.number(fields.facility)
    out.raw(SYSLOG_SEVERITY)
    out.number(fields.severity)
    this.#writeText(HOSTNAME, fields.hostFrom, fields.hostTo)
    this.#writeText(APP_NAME, fields.appFrom, fields.appTo)
    this.#writeText(PROC_ID, fields.procFrom, fields.procTo)
    this.#writeText(MSG_ID, fields.msgIdFrom, fields.msgIdTo)
    this.#writeStructuredData()
    this.#writeText(MESSAGE, fields.messageFrom, fields.messageTo)
    if (!isUtf8) out.raw(ENCODING)
    out.raw(END)
    return out.full ? -1 : out.at
  }

  #writeText(name: Uint8Array, from: number, to: number): void {
    if (from >= to) return
    const out = this.#out
    out.raw(name)
    out.text(from, to)
    out.raw(END_OF_STRING)
  }

  #writeStructuredData(): void {
    const out = this.#out
    if (this.#structuredData.elementCount > 0) {
      out.raw(STRUCTURED_DATA)
      this.#structuredData.write(out)
    } else if (this.#fields.sequenceTo > this.#fields.sequenceFrom) {
      out.raw(STRUCTURED_DATA)
      out.raw(SEQUENCE_ID)
      out.text(this.#fields.sequenceFrom, this.#fields.sequenceTo)
      out.raw(END_OF_SEQUENCE_ID)
    }
  }

  /** Without the `Z`. Offsets are whole minutes, so that seconds and their fraction are those of the message. */
  #writeTime(): void {
    const out = this.#out
    if (!this.#fields.hasTime) return out.raw(this.#received)
    const { minuteUtc, clock } = this.#time
    if (minuteUtc !== this.#minute) this.#setMinute(minuteUtc)
    out.raw(this.#minuteText)
    out.byte(0x30 + ((clock.second / 10) | 0))
    out.byte(0x30 + (clock.second % 10))
    if (clock.fractionTo === clock.fractionFrom) return
    out.byte(0x2e)
    out.copy(clock.fractionFrom, clock.fractionTo)
  }

  #setMinute(minuteUtc: number): void {
    const text = this.#minuteText
    const day = Math.floor(minuteUtc / MINUTES_PER_DAY)
    const minuteOfDay = minuteUtc - day * MINUTES_PER_DAY
    writeDate(text, 0, day)
    text[10] = 0x54
    writeTwoDigits(text, 11, (minuteOfDay / 60) | 0)
    text[13] = 0x3a
    writeTwoDigits(text, 14, minuteOfDay % 60)
    text[16] = 0x3a
    this.#minute = minuteUtc
  }
}
