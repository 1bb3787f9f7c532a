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
  readonly #lines: readonly NumberedLine[]
  readonly #digitsAt: Int32Array
  readonly #tally: Tally

  constructor(lines: readonly NumberedLine[], head: Buffer, tally: Tally) {
    this.bytes = Buffer.concat([head, ...lines.map(({ bytes }) => bytes)])
    this.malformed = lines.filter(({ malformed }) => malformed).length
    this.#lines = lines
    this.#tally = tally
    let at = head.length
    const starts = lines.map(({ bytes }) => (at += bytes.length) - bytes.length)
    this.events = lines.map(({ bytes }, i) => this.bytes.subarray(starts[i], starts[i]! + bytes.length))
    this.#digitsAt = Int32Array.from(lines, ({ numberAt }, i) => starts[i]! + numberAt)
  }

  /** Gives the events the numbers from this index on, and notes that they are sent now. */
  number(firstIndex: number): void {
    const nowMs = monotonicMs()
    for (let i = 0; i < this.#lines.length; i++) {
      this.#tally.sending(firstIndex + i, this.#lines[i]!.malformed, nowMs)
      const from = this.#digitsAt[i]!
      let rest = FIRST_NUMBER + firstIndex + i
      for (let at = from + NUMBER_DIGITS - 1; at >= from; at--) {
        const tenth = Math.floor(rest / 10)
        this.bytes[at] = DIGIT_0 + rest - tenth * 10
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
