/** The events that the benchmarks send: those of the scan benchmark, each with the place of its number. */
import { MIB } from '../src/base/units.ts'
import { FIRST_NUMBER } from './load/tally.ts'
import { makeEvents } from './scan-events.ts'
import { rfc3164, rfc5424 } from './syslog-messages.ts'

export interface NumberedLine {
  /** As it is sent, with what ends it. */
  readonly bytes: Buffer
  /** Where the ten digits of `seq` begin. */
  readonly numberAt: number
  readonly malformed: boolean
}

type Event = Record<string, unknown>

const KEY = '"seq":'
const FIRST_AT_MS = Date.UTC(2026, 0, 15, 8)
const APART_MS = 7
const DISTINCT_BYTES_MAX = 48 * MIB

/** How an event is written; in syslog it is the message behind a header. */
const forms = {
  ndjson: (line: string) => `${line}\n`,
  /** The least that has a number: no `soc` event. */
  'ndjson-18': (_line: string, index: number) => `{"seq":${FIRST_NUMBER + index}}\n`,
  'ndjson-4096': (line: string) => `${grown(line, 4096)}\n`,
  'ndjson-65536': (line: string) => `${grown(line, 65_536)}\n`,
  /** For an array of a JSON document: its last comma is not sent. */
  array: (line: string) => `${line},`,
  rfc5424: (line: string, index: number) => `${rfc5424(index, sentAt(index), line)}\n`,
  rfc3164: (line: string, index: number) => `${rfc3164(index, sentAt(index), line)}\n`,
  /** RFC 6587 3.4.1. The line feed belongs to the message, so that the events are lines also to a program that sends lines. */
  octets: (line: string, index: number) => {
    const message = `${rfc5424(index, sentAt(index), line)}\n`
    return `${Buffer.byteLength(message)} ${message}`
  },
  datagram: (line: string, index: number) => rfc5424(index, sentAt(index), line),
} as const satisfies Record<string, (line: string, index: number) => string>

export type EventForm = keyof typeof forms

/** Ways to be malformed, taken in turn; each keeps the number. */
const faults: readonly ((line: string) => string)[] = [
  (line) => line.slice(0, -20),
  withEvent((event) => ({ ...event, source_ip: undefined })),
  withEvent((event) => ({ ...event, severity: 11 })),
  withEvent((event) => ({ ...event, timestamp: 'yesterday' })),
]

function withEvent(change: (event: Event) => Event): (line: string) => string {
  return (line) => JSON.stringify(change(parseEvent(line)))
}

function parseEvent(line: string): Event {
  return JSON.parse(line)
}

/** Of exactly so many bytes: what happened about the same time is told with it, and a note fills the rest. */
function grown(line: string, bytes: number): string {
  const event = parseEvent(line)
  const note = { note: '' }
  const grownBy = (count: number): string =>
    JSON.stringify({ ...event, related: [...Array(count).fill(event.raw_payload), note] })
  const aloneBytes = Buffer.byteLength(grownBy(0))
  const eachBytes = Buffer.byteLength(grownBy(1)) - aloneBytes
  const text = grownBy(Math.floor((bytes - aloneBytes) / eachBytes))
  note.note = 'x'.repeat(bytes - Buffer.byteLength(text))
  return text.replace('"note":""', JSON.stringify(note).slice(1, -1))
}

function sentAt(index: number): Date {
  return new Date(FIRST_AT_MS + index * APART_MS)
}

/** The body of a request with one event. */
export function numberedEvent(number: number): Uint8Array<ArrayBuffer> {
  const { bytes, numberAt } = numberedLines(1, 0, 'ndjson')[0]!
  bytes.write(String(number), numberAt, 'latin1')
  return Uint8Array.from(bytes)
}

/** How many different events are sent, within so many bytes: more than a processor learns by heart. */
export function distinctEvents(form: EventForm, eventsMax: number): number {
  const { bytes } = numberedLines(1, 0, form)[0]!
  return Math.min(eventsMax, Math.ceil(DISTINCT_BYTES_MAX / bytes.length))
}

/** Events of about 375 bytes, or of what the form says, always the same; every 1/share-th is malformed. */
export function numberedLines(count: number, malformedShare: number, form: EventForm): NumberedLine[] {
  const every = malformedShare === 0 ? Infinity : Math.round(1 / malformedShare)
  return makeEvents('plain', count).lines.map((line, index) => {
    const malformed = index % every === every - 1
    const fault = faults[Math.floor(index / every) % faults.length]
    const text = malformed ? fault!(line) : line
    const bytes = Buffer.from(forms[form](text, index))
    return { bytes, numberAt: bytes.indexOf(KEY) + KEY.length, malformed }
  })
}
