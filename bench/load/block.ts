import type { NumberedLine } from '../events.ts'
import type { StreamPlan } from './stream.ts'
import { FIRST_NUMBER, NUMBER_DIGITS, monotonicMs } from './tally.ts'
import type { Tally } from './tally.ts'

const DIGIT_0 = 0x30

/** What a connection sends, built once: only the digits of the numbers change from one write to the next. */
export class Block {
  readonly bytes: Buffer
  /** Events of a write that are malformed. */
  readonly malformed: number
  readonly #lines: readonly NumberedLine[]
  readonly #digitsAt: Int32Array
  readonly #tally: Tally

  constructor(lines: readonly NumberedLine[], { mode, port }: StreamPlan, tally: Tally) {
    const length = lines.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const head = Buffer.from(
      mode === 'tcp'
        ? ''
        : `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-ndjson\r\n` +
            `Content-Length: ${length}\r\n\r\n`,
    )
    this.bytes = Buffer.concat([head, ...lines.map(({ bytes }) => bytes)])
    this.malformed = lines.filter(({ malformed }) => malformed).length
    this.#lines = lines
    this.#tally = tally
    let at = head.length
    this.#digitsAt = Int32Array.from(lines, ({ bytes, numberAt }) => {
      const digitsAt = at + numberAt
      at += bytes.length
      return digitsAt
    })
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
