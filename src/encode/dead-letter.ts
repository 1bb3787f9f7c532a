/**
 * One dead letter: an NDJSON line that tells who sent a record, why it was given up, and the record itself, whole.
 *
 *     {"source":"push","peer":"10.0.0.7:49152","received_at":"2026-11-03T09:15:00.000Z","category":"schema_violation",
 *      "path":"/severity","expected":"an integer from 0 to 10","schema":"soc",
 *      "schema_version":"0f1e2d3c4b5a","record":"{\"severity\":99}"}
 *
 * `record` is a JSON string that holds the record's text; `record_base64` stands in its place where the record is not
 * UTF-8, or where escaping it would not fit into an empty output. A cut record is followed by `"truncated":true` and
 * the whole `length` in bytes; one given up at delivery by `sink`, `attempts`, `status` (where there was one), `reason`
 * and `history`, what became of it before, the oldest first:
 *
 *     "history":[{"at":"2026-11-03T09:15:00.000Z","status":503,"category":"server_error","reason":"...","count":4}]
 */
import { Buffer, isUtf8 } from 'node:buffer'
import assert from 'node:assert'
import type { Attempt } from './task.ts'

/** A record refused at ingest keeps so much of its beginning; an accepted one is never cut. */
export const DEAD_LETTER_RECORD_BYTES_MAX = 65_536

/** Paths, expectations and reasons carry words of strangers: longer ones are cut. In UTF-16 code units. */
const TEXT_CHARS_MAX = 512
/** The history is longer the more often it was sent: so many entries, with so much of what was said. */
const HISTORY_ENTRIES_MAX = 8
const HISTORY_TEXT_CHARS_MAX = 200
/** Names and numbers of an entry. */
const HISTORY_ENTRY_BYTES_MAX = 256
const HISTORY_BYTES_MAX = HISTORY_ENTRIES_MAX * (6 * HISTORY_TEXT_CHARS_MAX + HISTORY_ENTRY_BYTES_MAX)
/**
 * A code unit as JSON is at most `\u0000`. Path, expectation, reason; history; and the rest, of which names are the
 * longest.
 */
const OVERHEAD_BYTES_MAX = 3 * 6 * TEXT_CHARS_MAX + HISTORY_BYTES_MAX + 2048

export interface DeadLetterEntry {
  readonly source: string
  readonly peer: string
  /** Epoch milliseconds. */
  readonly receivedAtMs: number
  readonly category: string
  /** JSON pointer to what was wrong, '' for the record as a whole. */
  readonly path: string
  readonly expected: string
  readonly schema: string
  /** SchemaSpec.version; '' where the schema is not known any more. */
  readonly schemaVersion: string
  /** Absolute range of the record, or of its beginning, in the writer's bytes. */
  readonly from: number
  readonly to: number
  /** Whole length of the record in bytes; more than `to - from` where only its beginning is there. */
  readonly length: number
  /** For a record that was accepted and given up at delivery. */
  readonly sink?: string
  readonly attempts?: number
  readonly status?: number
  readonly reason?: string
  readonly history?: readonly Attempt[]
}

/** Most bytes that the dead letter of a record of this length takes in an output that its escaped form doesn't fit. */
export function deadLetterBytesMax(recordBytes: number): number {
  return base64Bytes(recordBytes) + OVERHEAD_BYTES_MAX
}

/** Appends dead letters to a part of `bytes` that may also hold the records. Not shared between threads. */
export class DeadLetterWriter {
  /** Bytes and letters written since `reset`. */
  used = 0
  count = 0
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  #from = 0
  #to = 0
  readonly #origin = new CachedOrigin()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Starts anew in [outFrom, outTo), absolute. */
  reset(outFrom: number, outTo: number): void {
    assert(
      outFrom >= 0 && outFrom <= outTo && outTo <= this.#bytes.length,
      'the output lies within the bytes',
    )
    this.#from = outFrom
    this.#to = outTo
    this.used = 0
    this.count = 0
  }

  /** False when there is no room for this one; then nothing was written. */
  write(entry: DeadLetterEntry): boolean {
    const end = keptUntil(this.#bytes, entry)
    const head = this.#origin.of(entry) + verdictOf(entry)
    const tail = remarksOf(entry, end)
    const room = this.#to - this.#from - this.used
    const capacity = this.#to - this.#from
    const textBytes = Buffer.byteLength(head) + Buffer.byteLength(tail) + RECORD_SYNTAX_BYTES
    let recordBytes = this.#escapedBytes(entry.from, end, room - textBytes)
    const asText = textBytes + recordBytes <= capacity && isUtf8(this.#bytes.subarray(entry.from, end))
    if (!asText) recordBytes = base64Bytes(end - entry.from)
    assert(textBytes + recordBytes <= capacity, 'an empty output holds any dead letter')
    if (textBytes + recordBytes > room) return false

    let at = this.#from + this.used
    at += this.#buffer.write(head, at)
    at = asText ? this.#writeText(at, entry.from, end) : this.#writeBase64(at, entry.from, end)
    at += this.#buffer.write(tail, at)
    this.used = at - this.#from
    this.count++
    return true
  }

  /** Bytes of the record as the inside of a JSON string; an upper bound where even that has room. */
  #escapedBytes(from: number, to: number, room: number): number {
    const bound = (to - from) * ESCAPE_BYTES_MAX
    if (bound <= room) return bound
    const bytes = this.#bytes
    let sum = to - from
    for (let i = from; i < to; i++) {
      const escape = ESCAPE[bytes[i]!]!
      if (escape !== 0) sum += escape === LONG ? ESCAPE_BYTES_MAX - 1 : 1
    }
    return sum
  }

  #writeText(outFrom: number, from: number, to: number): number {
    const bytes = this.#bytes
    let at = outFrom + this.#buffer.write(',"record":"', outFrom)
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!
      const escape = ESCAPE[byte]!
      if (escape === 0) {
        bytes[at++] = byte
        continue
      }
      bytes[at++] = BACKSLASH
      bytes[at++] = escape
      if (escape !== LONG) continue
      bytes[at++] = 0x30
      bytes[at++] = 0x30
      bytes[at++] = HEX.charCodeAt(byte >> 4)
      bytes[at++] = HEX.charCodeAt(byte & 15)
    }
    bytes[at++] = QUOTE
    return at
  }

  #writeBase64(outFrom: number, from: number, to: number): number {
    const text = this.#buffer.toString('base64', from, to)
    return outFrom + this.#buffer.write(`,"record_base64":"${text}"`, outFrom)
  }
}

/** The part of the line that neighbouring letters share, so that a flood from one sender doesn't build it each time. */
class CachedOrigin {
  #source = ''
  #peer = ''
  #receivedAtMs = NaN
  #text = ''

  of({ source, peer, receivedAtMs }: DeadLetterEntry): string {
    if (source !== this.#source || peer !== this.#peer || receivedAtMs !== this.#receivedAtMs) {
      this.#source = source
      this.#peer = peer
      this.#receivedAtMs = receivedAtMs
      const receivedAt = new Date(receivedAtMs).toISOString()
      this.#text = `{"source":${quoted(source)},"peer":${quoted(peer)},"received_at":"${receivedAt}"`
    }
    return this.#text
  }
}

function verdictOf({ category, path, expected, schema, schemaVersion }: DeadLetterEntry): string {
  return (
    `,"category":${quoted(category)},"path":${quoted(path)},"expected":${quoted(expected)}` +
    `,"schema":${quoted(schema)},"schema_version":"${schemaVersion}"`
  )
}

/** What follows the record, to the end of the line. */
function remarksOf(entry: DeadLetterEntry, end: number): string {
  let text = ''
  if (entry.length > end - entry.from) text += `,"truncated":true,"length":${entry.length}`
  if (entry.sink !== undefined) {
    text += `,"sink":${quoted(entry.sink)},"attempts":${entry.attempts ?? 0}`
    if (entry.status !== undefined) text += `,"status":${entry.status}`
    text += `,"reason":${quoted(entry.reason ?? '')}`
    const attempts = entry.history?.slice(-HISTORY_ENTRIES_MAX).map(attemptOf) ?? []
    text += `,"history":[${attempts.join(',')}]`
  }
  return `${text}}\n`
}

function attemptOf({ at, status, category, reason, count }: Attempt): string {
  const statusMember = status === undefined ? '' : `,"status":${status}`
  const words = quoted(reason, HISTORY_TEXT_CHARS_MAX)
  return `{"at":"${new Date(at).toISOString()}"${statusMember},"category":"${category}","reason":${words},"count":${count}}`
}

function quoted(text: string, maxChars = TEXT_CHARS_MAX): string {
  return JSON.stringify(text.length > maxChars ? text.slice(0, maxChars) : text)
}

/** Where the kept part of the record ends. */
function keptUntil(bytes: Uint8Array, { from, to, length, sink }: DeadLetterEntry): number {
  assert(to - from <= length, 'a record is at least as long as what is there of it')
  const end = sink === undefined ? Math.min(to, from + DEAD_LETTER_RECORD_BYTES_MAX) : to
  return end - from < length ? characterBorder(bytes, from, end) : end
}

/** The last border of a UTF-8 character at or before `to`; `to` itself where the bytes before it are no beginning of one. */
function characterBorder(bytes: Uint8Array, from: number, to: number): number {
  for (let i = to - 1; i >= from && i >= to - 3; i--) {
    const byte = bytes[i]!
    if (byte < 0x80) return to
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return i + needed > to ? i : to
    }
  }
  return to
}

function base64Bytes(bytes: number): number {
  return Math.ceil(bytes / 3) * 4
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX = '0123456789abcdef'
/** Around the record: `,"record_base64":""`. */
const RECORD_SYNTAX_BYTES = 19
/** `\u001f` */
const ESCAPE_BYTES_MAX = 6
/** `u`: the character is written as `\u00xx`. */
const LONG = 0x75

/** RFC 8259 section 7: what stands behind the backslash for a byte that a string can't hold as it is; 0: as it is. */
const ESCAPE = ((): Uint8Array => {
  const table = new Uint8Array(256).fill(LONG, 0, 0x20)
  table[QUOTE] = QUOTE
  table[BACKSLASH] = BACKSLASH
  for (const [byte, letter] of [
    [0x08, 'b'],
    [0x09, 't'],
    [0x0a, 'n'],
    [0x0c, 'f'],
    [0x0d, 'r'],
  ] as const) {
    table[byte] = letter.charCodeAt(0)
  }
  return table
})()
