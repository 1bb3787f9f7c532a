/** Sink `stdout`: NDJSON on standard output, as fast as its reader takes it. */
import type { Writable } from 'node:stream'
import type { Outcome, Payload, Sink } from '../../pipeline/sink.ts'
import { openStdout } from './open.ts'

const ACK: Outcome = { kind: 'ack' }
const STOPPED: Outcome = { kind: 'retry', category: 'unknown', reason: 'the sink is stopped' }

export class StdoutSink implements Sink {
  readonly #open: () => Writable
  #stream: Writable | null = null
  /** Why nothing can be written any more. */
  #failure: Outcome | null = null
  /** Sends that wait for the reader. */
  readonly #waiting = new Set<(outcome: Outcome) => void>()
  /** The batch that was written last has left. */
  #left: Promise<void> = Promise.resolve()

  constructor(open: () => Writable = openStdout) {
    this.#open = open
  }

  async start(): Promise<void> {
    this.#stream = this.#open()
    // Without a listener the reader's end would be the collector's.
    this.#stream.on('error', this.#fail)
  }

  /**
   * Resolves when the bytes have left for the pipe, terminal or file. They are copied, because what waits in the stream
   * can't be taken back: after an abort it must not become the bytes of other events. One copy waits at most, however
   * often a send is given up and comes again.
   */
  async send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    if (this.#failure !== null) return this.#failure
    if (this.#stream === null || signal.aborted) return STOPPED
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const abort = (): void => resolve(STOPPED)
    this.#waiting.add(resolve)
    signal.addEventListener('abort', abort)
    this.#left = this.#left.then(() => this.#write(payload, signal, resolve))
    const outcome = await promise
    signal.removeEventListener('abort', abort)
    this.#waiting.delete(resolve)
    return outcome
  }

  /** Resolves when the bytes have left, or were not written because nobody waits for them any more. */
  #write({ views, bytes }: Payload, signal: AbortSignal, settle: (outcome: Outcome) => void): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream === null || this.#failure !== null || signal.aborted) {
        resolve()
        return
      }
      this.#stream.write(Buffer.concat(views, bytes), (error) => {
        settle(error ? outcomeOf(error) : ACK)
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    for (const resolve of this.#waiting) resolve(STOPPED)
    if (stream === null) return
    if (stream !== process.stdout) stream.destroy()
    // An error may still be on its way: the listener stays with a stream that is gone, and leaves one that is not.
    else stream.off('error', this.#fail)
  }

  readonly #fail = (error: Error): void => {
    this.#failure = outcomeOf(error)
    for (const resolve of this.#waiting) resolve(this.#failure)
  }
}

/** Whoever read is gone: the operator must act. */
function outcomeOf(error: Error): Outcome {
  return { kind: 'hold', reason: `standard output: ${error.message}` }
}
