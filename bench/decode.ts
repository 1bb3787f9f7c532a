/**
 * Speed of one thread that makes `soc` events of syslog messages.
 *
 *     node bench/decode.ts [--json FILE] [--runs 25] [--count 20000] [--only CASE]
 *
 * Where nothing else is said, the messages' text is JSON, as applications write it today: every quote of it has to be
 * escaped.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { NO_ROOM, SyslogDecoder } from '../src/decode/syslog/decoder.ts'
import { OctetFrames } from '../src/scan/framing/octets.ts'
import { MIB } from '../src/base/units.ts'
import { Arena } from '../src/memory/arena.ts'
import type { SharedMemory } from '../src/memory/web-assembly.ts'
import { host } from './results.ts'
import { makeEvents } from './scan-events.ts'
import { ciscoAsa, ciscoIos, rfc3164, rfc5424, rfc5424WithData, sshd } from './syslog-messages.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    runs: { type: 'string', default: '25' },
    count: { type: 'string', default: '20000' },
    only: { type: 'string' },
  },
})
const RECEIVED_AT_MS = Date.UTC(2026, 0, 15, 8)
const PEER = '192.0.2.7'
const COUNTED = 'RFC 5424, octet-counted'
/** Each makes a message of its number, the time it was sent, and its text. */
const cases: Record<string, (index: number, at: Date, text: string) => string> = {
  'RFC 5424': rfc5424,
  [COUNTED]: rfc5424,
  'RFC 5424, structured data': (index, at, text) => rfc5424WithData(index, at, text.slice(0, -70)),
  'RFC 3164': rfc3164,
  'RFC 3164, plain text': (index, at, text) => rfc3164(index, at, text.replaceAll('"', ' ')),
  'RFC 3164, lines of sshd': sshd,
  'Cisco ASA': ciscoAsa,
  'Cisco IOS': ciscoIos,
}

interface MessageSet {
  readonly memory: SharedMemory
  readonly bytes: Uint8Array
  /** The last one is the end. */
  readonly starts: Int32Array
  /** They are told apart by their lengths, which are looked for. */
  readonly counted: boolean
  readonly length: number
  /** Where events go, again and again: two megabytes of it. */
  readonly out: number
}

function makeMessages(name: string, count: number): MessageSet {
  const message = cases[name]!
  const { lines } = makeEvents('plain', count)
  const counted = name === COUNTED
  const texts = lines.map((line, index) => {
    const text = message(index, new Date(RECEIVED_AT_MS + index * 7), line)
    return counted ? `${Buffer.byteLength(text)} ${text}` : text
  })
  const starts = new Int32Array(count + 1)
  const messages = Buffer.from(texts.join('\n'))
  for (let index = 0, at = 0; index < count; index++) {
    at += Buffer.byteLength(texts[index]!) + 1
    starts[index + 1] = at
  }
  const out = messages.length + 64
  const { memory, bytes } = Arena.create(out + 3 * MIB, MIB)
  bytes.set(messages)
  bytes.set(Buffer.from(PEER), messages.length)
  return { memory, bytes, starts, counted, length: messages.length, out }
}

/** Decodes all and returns the bytes of events. */
function decodeAll(decoder: SyslogDecoder, { bytes, starts, counted, length, out }: MessageSet): number {
  const frames = new OctetFrames(true)
  decoder.begin(RECEIVED_AT_MS)
  decoder.setPeer(length, length + PEER.length)
  let at = out
  let eventBytes = 0
  for (let index = 0; index + 1 < starts.length; index++) {
    if (bytes.length - at < 64 * 1024) at = out
    let from = starts[index]!
    let to = starts[index + 1]! - 1
    if (counted) {
      frames.next(bytes, from, length)
      from = frames.messageFrom
      to = frames.messageTo
    }
    const end = decoder.decode(from, to, at, bytes.length, true)
    if (end === NO_ROOM) throw new Error('no room')
    eventBytes += end - at
    at = end
  }
  return eventBytes
}

function measure(name: string): Result {
  const count = Number(options.count)
  const messages = makeMessages(name, count)
  const decoder = new SyslogDecoder(messages.memory, { timezone: 'UTC' })
  let eventBytes = 0
  const run = (): number => {
    const start = process.hrtime.bigint()
    eventBytes = decodeAll(decoder, messages)
    return Number(process.hrtime.bigint() - start) / 1e9
  }
  for (let warmUp = 0; warmUp < 2; warmUp++) run()
  const seconds = Array.from({ length: Number(options.runs) }, run).toSorted((a, b) => a - b)
  const rate = (index: number): number => Number((messages.length / 1e9 / seconds[index]!).toFixed(3))
  const each = (index: number): number => Number(((seconds[index]! / count) * 1e6).toFixed(3))
  const last = seconds.length - 1
  const middle = seconds.length >> 1
  return {
    case: name,
    meanMessageBytes: Math.round(messages.length / count),
    meanEventBytes: Math.round(eventBytes / count),
    gigabytesPerSecond: { median: rate(middle), min: rate(last), max: rate(0) },
    microsecondsPerMessage: { median: each(middle), min: each(0), max: each(last) },
  }
}

interface Spread {
  median: number
  min: number
  max: number
}

interface Result {
  case: string
  meanMessageBytes: number
  meanEventBytes: number
  gigabytesPerSecond: Spread
  microsecondsPerMessage: Spread
}

const results = Object.keys(cases)
  .filter((name) => options.only === undefined || name === options.only)
  .map(measure)
console.table(
  results.map((result) => ({
    case: `${result.case} (${result.meanMessageBytes} B)`,
    'GB/s': result.gigabytesPerSecond.median,
    'µs/message': result.microsecondsPerMessage.median,
    'min-max': `${result.microsecondsPerMessage.min}-${result.microsecondsPerMessage.max}`,
  })),
)
if (options.json !== undefined) {
  writeFileSync(
    options.json,
    JSON.stringify({ bench: 'decode', environment: host(), results }, null, 2) + '\n',
  )
}
