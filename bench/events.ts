/** The events that the benchmarks send: those of the scan benchmark, each with the place of its number. */
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

/** How an event is written; in syslog it is the message behind a header. */
const forms = {
  ndjson: (line: string) => `${line}\n`,
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

function sentAt(index: number): Date {
  return new Date(FIRST_AT_MS + index * APART_MS)
}

/** The body of a request with one event. */
export function numberedEvent(number: number): Uint8Array<ArrayBuffer> {
  const { bytes, numberAt } = numberedLines(1, 0, 'ndjson')[0]!
  bytes.write(String(number), numberAt, 'latin1')
  return Uint8Array.from(bytes)
}

/** Events of about 375 bytes, in the form asked for, always the same; every 1/share-th is malformed. */
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
