/** Decodes single messages, as a worker does whole extents of them. */
import assert from 'node:assert'
import { Arena } from '../../../src/memory/arena.ts'
import { NO_ROOM, SyslogDecoder } from '../../../src/decode/syslog/decoder.ts'

/** Sunday, 22 November 2026, 05:00 UTC. */
export const RECEIVED_AT_MS = Date.UTC(2026, 10, 22, 5)
export const PEER = '192.0.2.9'

const PEER_AT = 16
const MESSAGE_AT = 1024
const OUT_AT = 1 << 20
const BYTES = 8 << 20

/** The part of an event that is made of the message itself. */
export interface RawPayload {
  readonly facility: number
  readonly severity: number
  readonly hostname?: string
  readonly app_name?: string
  readonly proc_id?: string
  readonly msg_id?: string
  readonly structured_data?: Record<string, Record<string, string>>
  readonly message?: string
  readonly encoding?: string
}

export interface DecodedEvent {
  readonly timestamp: string
  readonly source_ip: string
  readonly event_type: string
  readonly severity: number
  readonly raw_payload: RawPayload
}

export interface Decoded {
  readonly event: DecodedEvent
  /** The event's line, without its line feed. */
  readonly json: string
  readonly severity: number
  readonly timeMs: number
}

/** A decoder with memory of its own. */
export function makeRig(timezone = 'UTC', receivedAtMs = RECEIVED_AT_MS) {
  const { memory, bytes } = Arena.create(BYTES, 4096)
  const decoder = new SyslogDecoder(memory, { timezone })
  decoder.begin(receivedAtMs)
  bytes.set(Buffer.from(PEER), PEER_AT)
  decoder.setPeer(PEER_AT, PEER_AT + PEER.length)
  return {
    bytes,
    decoder,
    decode(message: string | Uint8Array, utf8 = false): Decoded {
      const data = Buffer.from(message as string)
      bytes.set(data, MESSAGE_AT)
      // What lies behind a message is no part of it, however much it looks so.
      bytes.set(Buffer.from('7 Sep 12 10:11:12 other app[1]: [a b="c"] text'), MESSAGE_AT + data.length)
      const end = decoder.decode(MESSAGE_AT, MESSAGE_AT + data.length, OUT_AT, BYTES, utf8)
      assert(end !== NO_ROOM && bytes[end - 1] === 0x0a)
      const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        bytes.slice(OUT_AT, end - 1),
      )
      return { event: JSON.parse(json), json, severity: decoder.severity, timeMs: decoder.timeMs }
    },
    /** What `decode` returns with `room` bytes for the event. */
    decodeInto(message: string, room: number): number {
      const data = Buffer.from(message)
      bytes.set(data, MESSAGE_AT)
      bytes.fill(0xee, OUT_AT, OUT_AT + 4096)
      const end = decoder.decode(MESSAGE_AT, MESSAGE_AT + data.length, OUT_AT, OUT_AT + room, true)
      assert(
        bytes.subarray(OUT_AT + room, OUT_AT + 4096).every((byte) => byte === 0xee),
        'nothing is written behind the room',
      )
      return end === NO_ROOM ? NO_ROOM : end - OUT_AT
    },
  }
}

const rig = makeRig()

export function decodeOne(message: string | Uint8Array): Decoded {
  return rig.decode(message)
}

/** What the message became, facility and severity left out, with the time in front. */
export function fieldsOf(message: string | Uint8Array): Record<string, unknown> {
  const { event } = decodeOne(message)
  const { facility: _facility, severity: _severity, ...fields } = event.raw_payload
  return { time: event.timestamp, ...fields }
}
