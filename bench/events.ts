/** The events that the benchmarks send: those of the scan benchmark, each with the place of its number. */
import { makeEvents } from './scan-events.ts'

export interface NumberedLine {
  /** The line with its line feed. */
  readonly bytes: Buffer
  /** Where the ten digits of `seq` begin. */
  readonly numberAt: number
  readonly malformed: boolean
}

type Event = Record<string, unknown>

const KEY = '"seq":'

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

/** Events of about 375 bytes, always the same; every 1/share-th is malformed. */
export function numberedLines(count: number, malformedShare: number): NumberedLine[] {
  const every = malformedShare === 0 ? Infinity : Math.round(1 / malformedShare)
  return makeEvents('plain', count).lines.map((line, index) => {
    const malformed = index % every === every - 1
    const fault = faults[Math.floor(index / every) % faults.length]
    const text = malformed ? fault!(line) : line
    const bytes = Buffer.from(`${text}\n`)
    return { bytes, numberAt: bytes.indexOf(KEY) + KEY.length, malformed }
  })
}
