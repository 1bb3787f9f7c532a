/** The events that are measured with: made ones of the schema `soc`, or lines of a file. */
import { openSync, readSync, closeSync } from 'node:fs'
import { reasonOf, spwError } from '../../base/errors.ts'
import { MIB } from '../../base/units.ts'
import { makeTemplates } from '../send/template.ts'

export const EVENT_BYTES_DEFAULT = 375
export const EVENT_BYTES_MIN = 192
export const EVENT_BYTES_MAX = 256 * 1024

const BLOCK_BYTES = MIB
/** So much of a file is read. */
const FILE_BYTES_MAX = 16 * MIB
const SEED = 7
const KINDS_MAX = 1000

/** Whole lines, each ended by a line feed, in memory that threads share. */
export interface Sample {
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly events: number
  /** Of an event, with its line feed. */
  readonly meanBytes: number
}

/** Events of about `eventBytes`, always the same. */
export function madeSample(eventBytes: number): Sample {
  const count = Math.max(1, Math.floor(BLOCK_BYTES / eventBytes))
  const kinds = Math.min(count, KINDS_MAX)
  const events = makeTemplates({ format: 'json', framing: 'newline', seed: SEED, count: kinds })
  const lines = events.map(({ bytes }) => sized(JSON.parse(bytes.toString()), eventBytes - 1))
  return sampleOf(Array.from({ length: count }, (_, index) => lines[index % kinds]!))
}

type SocEvent = Record<string, unknown> & { raw_payload: Record<string, unknown> }

/** With less in it, or with more. */
function sized({ raw_payload: payload, ...fields }: SocEvent, bytes: number): string {
  const { timestamp, source_ip: sourceIp, event_type: eventType, severity } = fields
  for (const event of [
    { ...fields, raw_payload: { ...payload, note: '' } },
    { timestamp, source_ip: sourceIp, event_type: eventType, severity, raw_payload: { note: '' } },
  ]) {
    const missing = bytes - Buffer.byteLength(JSON.stringify(event))
    if (missing < 0) continue
    event.raw_payload['note'] = 'seen by sensor 17 at the edge; '.repeat(missing / 31 + 1).slice(0, missing)
    return JSON.stringify(event)
  }
  return JSON.stringify({ timestamp, source_ip: sourceIp, event_type: eventType, severity })
}

/** @throws SpillwayError SPW_ERR_SEND_FILE */
export function sampleOfFile(file: string): Sample {
  const buffer = Buffer.alloc(FILE_BYTES_MAX)
  let length = 0
  try {
    const descriptor = openSync(file, 'r')
    try {
      for (let count = -1; count !== 0 && length < buffer.length; length += count)
        count = readSync(descriptor, buffer, length, buffer.length - length, null)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw spwError('SPW_ERR_SEND_FILE', { file, reason: reasonOf(error) }, { cause: error })
  }
  const text = buffer.toString('utf8', 0, length)
  // What stands behind the last line feed may be cut.
  const lines = text
    .slice(0, length === FILE_BYTES_MAX ? text.lastIndexOf('\n') : undefined)
    .split('\n')
    .filter((line) => line.trim() !== '')
  if (lines.length === 0) throw spwError('SPW_ERR_SEND_FILE', { file, reason: 'there are no lines in it' })
  return sampleOf(lines)
}

function sampleOf(lines: readonly string[]): Sample {
  const text = Buffer.from(`${lines.join('\n')}\n`)
  const bytes = new Uint8Array(new SharedArrayBuffer(text.length))
  bytes.set(text)
  return { bytes, events: lines.length, meanBytes: text.length / lines.length }
}
