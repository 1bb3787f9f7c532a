/** One request in flight: from its bytes to what became of them. */
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Outcome } from '../sink.ts'
import type { AnswerHeaders } from './answer-headers.ts'
import { classifyError } from './classify.ts'
import type { Answer } from './classify.ts'

/** As much of an answer's body is kept as a reason can need: 200 characters, however they are encoded. */
const KEPT_BODY_BYTES = 1024
const NOTHING = new Uint8Array(0)

/** Makes sense of the answer to a request. */
export interface AnswerReader {
  /** A longer body is cut off. */
  readonly bodyBytesMax: number
  /** Is given each piece of the body, valid during the call alone. */
  read?(status: number, chunk: Uint8Array): void
  classify(answer: Answer): Outcome
}

/**
 * Gathers the answer that undici reports. `outcome` resolves once, and then no byte of the request is on its way any
 * more: a server may answer before it has read the whole request, so either the rest has left, or the connection is
 * closed. Else the rest would be sent out of memory that by then holds other events.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<Outcome>
  readonly #reader: AnswerReader
  readonly #socketOf: () => Socket | null
  readonly #resolve: (outcome: Outcome) => void
  #done = false
  #sent = false
  #status = 0
  #headers: AnswerHeaders = {}
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #bodyBytes = 0

  constructor(reader: AnswerReader, socketOf: () => Socket | null) {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#resolve = resolve
    this.#reader = reader
    this.#socketOf = socketOf
  }

  onRequestStart(): void {
    // Must be there.
  }

  onRequestSent(): void {
    this.#sent = true
  }

  onResponseStart(_controller: unknown, status: number, headers: AnswerHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#done) return
    if (this.#keptBytes < KEPT_BODY_BYTES) {
      const kept = Buffer.from(chunk.subarray(0, KEPT_BODY_BYTES - this.#keptBytes))
      this.#kept.push(kept)
      this.#keptBytes += kept.length
    }
    this.#bodyBytes += chunk.length
    const { bodyBytesMax } = this.#reader
    if (this.#bodyBytes > bodyBytesMax) this.#answered(tooLong(bodyBytesMax, this.#status))
    else this.#reader.read?.(this.#status, chunk)
  }

  onResponseEnd(): void {
    this.#answered(null)
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.giveUp(classifyError(error))
  }

  /**
   * Ends the exchange: its connection broke, its time is over, or nobody waits for it any more. Where the head of an
   * answer has come, the reader decides what it is worth without the rest of its body.
   */
  giveUp(outcome: Outcome): void {
    if (this.#status >= 200) this.#answered(outcome)
    else this.#finish(outcome, true)
  }

  #answered(cutOff: Outcome | null): void {
    if (this.#done) return
    const body = Buffer.concat(this.#kept).toString()
    const outcome = this.#reader.classify({ status: this.#status, headers: this.#headers, body, cutOff })
    const closes = cutOff !== null
    const takes = outcome.kind === 'ack' || outcome.kind === 'partial'
    const socket = this.#socketOf()
    const pending = !this.#sent || (socket !== null && socket.writableLength > 0)
    if (!pending || !takes) this.#finish(outcome, pending || closes)
    else if (!this.#sent || socket === null || closes) this.#finish(this.#early(), true)
    // What was answered with 2xx but not yet read by the server's side is delivered when it has left.
    else
      socket.write(NOTHING, (error) =>
        error ? this.#finish(this.#early(), true) : this.#finish(outcome, false),
      )
  }

  #early(): Outcome {
    const reason = `HTTP ${this.#status}, but the connection ended before the request was sent whole`
    return { kind: 'retry', category: 'reset', reason, status: this.#status }
  }

  #finish(outcome: Outcome, closes: boolean): void {
    if (this.#done) return
    this.#done = true
    if (closes) this.#socketOf()?.destroy(new Error('request given up'))
    this.#resolve(outcome)
  }
}

function tooLong(bodyBytesMax: number, status: number): Outcome {
  const reason = `HTTP ${status} with a body of more than ${bodyBytesMax} bytes`
  return { kind: 'retry', category: 'unknown', reason, status }
}
