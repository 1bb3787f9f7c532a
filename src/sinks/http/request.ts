/** One request in flight: from its bytes to what became of them. */
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../base/clock.ts'
import { RESPONSE_BODY_BYTES } from '../../pipeline/limits.ts'
import type { Outcome } from '../../pipeline/sink.ts'
import { classify, classifyError } from './classify.ts'

/** As much of an answer's body is kept as a reason can need: 200 characters, however they are encoded. */
const KEPT_BODY_BYTES = 1024
const NOTHING = new Uint8Array(0)

type ResponseHeaders = Record<string, string | string[] | undefined>

/**
 * Gathers the answer that undici reports. `outcome` resolves once, and then no byte of the request is on its way any
 * more: a server may answer before it has read the whole request, so either the rest has left, or the connection is
 * closed. Else the rest would be sent out of memory that by then holds other events.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<Outcome>
  readonly #clock: Clock
  readonly #socketOf: () => Socket | null
  readonly #resolve: (outcome: Outcome) => void
  #done = false
  #sent = false
  #status = 0
  #retryAfter = ''
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #bodyBytes = 0

  constructor(clock: Clock, socketOf: () => Socket | null) {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.outcome = promise
    this.#resolve = resolve
    this.#clock = clock
    this.#socketOf = socketOf
  }

  onRequestStart(): void {
    // Must be there.
  }

  onRequestSent(): void {
    this.#sent = true
  }

  onResponseStart(_controller: unknown, status: number, headers: ResponseHeaders): void {
    this.#status = status
    const retryAfter = headers['retry-after']
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : (retryAfter?.[0] ?? '')
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#keptBytes < KEPT_BODY_BYTES) {
      const kept = Buffer.from(chunk.subarray(0, KEPT_BODY_BYTES - this.#keptBytes))
      this.#kept.push(kept)
      this.#keptBytes += kept.length
    }
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > RESPONSE_BODY_BYTES) this.#answered(true)
  }

  onResponseEnd(): void {
    this.#answered(false)
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.giveUp(classifyError(error))
  }

  /**
   * Ends the exchange: its connection broke, its time is over, or nobody waits for it any more. Where the head of an
   * answer has come, that is the answer: a body that breaks off or never ends doesn't take it back.
   */
  giveUp(outcome: Outcome): void {
    if (this.#status >= 200) this.#answered(true)
    else this.#finish(outcome, true)
  }

  #answered(cutOff: boolean): void {
    if (this.#done) return
    const body = Buffer.concat(this.#kept).toString()
    const answer = { status: this.#status, retryAfter: this.#retryAfter, body }
    const outcome = classify(answer, this.#clock.wallClock())
    const socket = this.#socketOf()
    const pending = !this.#sent || (socket !== null && socket.writableLength > 0)
    if (!pending || outcome.kind !== 'ack') this.#finish(outcome, pending || cutOff)
    else if (!this.#sent || socket === null || cutOff) this.#finish(this.#early(), true)
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
