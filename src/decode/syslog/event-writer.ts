import type { SharedMemory } from '../../memory/web-assembly.ts'
import { writeDate, writeTwoDigits } from './calendar.ts'
import type { SyslogFields } from './fields.ts'
import { JsonWriter, jsonPiece } from './json-writer.ts'
import type { JsonPiece } from './json-writer.ts'
import { Peers } from './peers.ts'
import type { StructuredData } from './structured-data.ts'
import type { Timestamp } from './timestamp.ts'

const MINUTES_PER_DAY = 1440
const QUOTE = 0x22

const TIMESTAMP = '{"timestamp":"'
const MINUTE = `${TIMESTAMP}YYYY-MM-DDTHH:MM:`
const SYSLOG = jsonPiece('syslog')
const HOSTNAME = jsonPiece(',"hostname":"')
const APP_NAME = jsonPiece(',"app_name":"')
const PROC_ID = jsonPiece(',"proc_id":"')
const MSG_ID = jsonPiece(',"msg_id":"')
const STRUCTURED_DATA = jsonPiece(',"structured_data":')
const SEQUENCE_ID = jsonPiece('{"meta":{"sequenceId":"')
const MESSAGE = jsonPiece(',"message":"')
const ENCODING = jsonPiece(',"encoding":"windows-1252"')
const END_OF_SEQUENCE_ID = jsonPiece('"}}')
const END = jsonPiece('}}\n')

/** What a severity of syslog, 0 to 7, is in `soc` events. */
export const SOC_SEVERITY = new Uint8Array([10, 9, 8, 7, 5, 3, 2, 1])

/** By priority, what stands between the event's type and the host's name. */
const PRIORITIES = Array.from({ length: 192 }, (_, priority) => {
  const facility = priority >> 3
  const severity = priority & 7
  return jsonPiece(
    `","severity":${SOC_SEVERITY[severity]},"raw_payload":{"facility":${facility},"severity":${severity}`,
  )
})

/** What stands between the time and the event's type. */
function sourcePiece(peer: string): JsonPiece {
  return jsonPiece(`Z","source_ip":"${peer}","event_type":"`)
}

/** Writes the fields of a message as one `soc` event and a line feed. */
export class EventWriter {
  readonly #out: JsonWriter
  readonly #fields: SyslogFields
  readonly #structuredData: StructuredData
  readonly #time: Timestamp
  readonly #peers: Peers
  #source = sourcePiece('')
  /** The beginning of a message without a time. */
  #received = jsonPiece('')
  #receivedAtMs = Number.NaN
  /** The minute that was written last, and the beginning of its messages. */
  #minute = Number.NaN
  readonly #minutePiece = jsonPiece(MINUTE)
  readonly #minuteText = this.#minutePiece.bytes.subarray(TIMESTAMP.length)

  constructor(memory: SharedMemory, fields: SyslogFields, structuredData: StructuredData, time: Timestamp) {
    this.#peers = new Peers(new Uint8Array(memory.buffer), sourcePiece)
    this.#out = new JsonWriter(memory)
    this.#fields = fields
    this.#structuredData = structuredData
    this.#time = time
  }

  begin(receivedAtMs: number): void {
    if (receivedAtMs === this.#receivedAtMs) return
    this.#receivedAtMs = receivedAtMs
    this.#received = jsonPiece(TIMESTAMP + new Date(receivedAtMs).toISOString().slice(0, -1))
  }

  setPeer(from: number, to: number): void {
    this.#source = this.#peers.pieceOf(from, to)
  }

  /** Returns the offset behind the line feed, or -1 without room. */
  write(at: number, to: number, isUtf8: boolean): number {
    const out = this.#out
    const fields = this.#fields
    out.begin(at, to)
    out.windows1252 = !isUtf8
    this.#writeTime()
    out.piece(this.#source)
    if (fields.appTo > fields.appFrom) out.text(fields.appFrom, fields.appTo)
    else out.piece(SYSLOG)
    out.piece(PRIORITIES[(fields.facility << 3) | fields.severity]!)
    this.#writeText(HOSTNAME, fields.hostFrom, fields.hostTo)
    this.#writeText(APP_NAME, fields.appFrom, fields.appTo)
    this.#writeText(PROC_ID, fields.procFrom, fields.procTo)
    this.#writeText(MSG_ID, fields.msgIdFrom, fields.msgIdTo)
    this.#writeStructuredData()
    this.#writeText(MESSAGE, fields.messageFrom, fields.messageTo)
    if (!isUtf8) out.piece(ENCODING)
    out.piece(END)
    return out.full ? -1 : out.at
  }

  #writeText(name: JsonPiece, from: number, to: number): void {
    if (from >= to) return
    const out = this.#out
    out.piece(name)
    out.text(from, to)
    out.byte(QUOTE)
  }

  #writeStructuredData(): void {
    const out = this.#out
    if (this.#structuredData.elementCount > 0) {
      out.piece(STRUCTURED_DATA)
      this.#structuredData.write(out)
    } else if (this.#fields.sequenceTo > this.#fields.sequenceFrom) {
      out.piece(STRUCTURED_DATA)
      out.piece(SEQUENCE_ID)
      out.text(this.#fields.sequenceFrom, this.#fields.sequenceTo)
      out.piece(END_OF_SEQUENCE_ID)
    }
  }

  /** Without the `Z`. Offsets are whole minutes, so that seconds and their fraction are those of the message. */
  #writeTime(): void {
    const out = this.#out
    if (!this.#fields.hasTime) return out.piece(this.#received)
    const { minuteUtc, clock } = this.#time
    if (minuteUtc !== this.#minute) this.#setMinute(minuteUtc)
    out.piece(this.#minutePiece)
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
    writeTwoDigits(text, 11, (minuteOfDay / 60) | 0)
    writeTwoDigits(text, 14, minuteOfDay % 60)
    this.#minute = minuteUtc
  }
}
