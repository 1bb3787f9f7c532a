import type { NumberedLine } from '../events.ts'
import { FIRST_NUMBER, NUMBER_DIGITS, monotonicMs } from './tally.ts'
import type { Tally } from './tally.ts'

const DIGIT_0 = 0x30

/** Events that are sent together, built once: only the digits of their numbers change from one time to the next. */
export class Block {
  /** The head and the events. */
  readonly bytes: Buffer
  /** Each event alone: views of the bytes. */
  readonly events: readonly Buffer[]
  /** How many of them are malformed. */
  readonly malformed: number
  readonly #malformedFlags: Uint8Array
  readonly #digitsAt: Int32Array
  readonly #tally: Tally

  constructor(lines: readonly NumberedLine[], head: Buffer, tally: Tally) {
    this.bytes = Buffer.concat([head, ...lines.map(({ bytes }) => bytes)])
    this.malformed = lines.filter(({ malformed }) => malformed).length
    this.#malformedFlags = Uint8Array.from(lines, ({ malformed }) => (malformed ? 1 : 0))
    this.#tally = tally
    let at = head.length
    const starts = lines.map(({ bytes }) => (at += bytes.length) - bytes.length)
    this.events = lines.map(({ bytes }, i) => this.bytes.subarray(starts[i], starts[i]! + bytes.length))
    this.#digitsAt = Int32Array.from(lines, ({ numberAt }, i) => starts[i]! + numberAt)
  }

  /** Gives the events the numbers from this index on, and notes that they are sent, at this time of the monotonic clock. */
  number(firstIndex: number, sentAtMs = monotonicMs()): void {
    this.#tally.sending(firstIndex, this.#malformedFlags, sentAtMs)
    const { bytes } = this
    const digitsAt = this.#digitsAt
    for (let i = 0; i < digitsAt.length; i++) {
      const from = digitsAt[i]!
      // Numbers stay below 2 ** 31: divisions of integers, which are cheap.
      let rest = (FIRST_NUMBER + firstIndex + i) | 0
      for (let at = from + NUMBER_DIGITS - 1; at >= from; at--) {
        const tenth = (rest / 10) | 0
        bytes[at] = DIGIT_0 + rest - tenth * 10
        rest = tenth
      }
    }
  }
}

/** Before the events of a request. */
export function requestHead(lines: readonly NumberedLine[], port: number): Buffer {
  const length = lines.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-ndjson\r\n` +
      `Content-Length: ${length}\r\n\r\n`,
  )
}
