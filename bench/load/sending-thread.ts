import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { GeneratorTask } from './generator-thread.ts'
import type { Answer } from './load.ts'
import type { PollServerTask } from './poll-server-thread.ts'

/** What was sent: told once all was taken, over HTTP once all was answered. */
export interface Sent {
  readonly events: number
  readonly malformed: number
  readonly bytes: number
  /** By the machine's monotonic clock. */
  readonly lastSentAtMs: number
  /** Requests answered 429 or 503, and sent again. */
  readonly retries: number
  readonly answers: readonly Answer[]
  /** Requests answered otherwise than 2xx, 429 or 503: their events are not sent again. */
  readonly refused: number
}

/** Something that sends events, in a thread of its own. */
export class SendingThread {
  readonly #worker: Worker
  /** null until all is sent. */
  sent: Sent | null = null
  /** What ended it before that. */
  failure: unknown = null

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Sends at once. */
  static generate(task: GeneratorTask): SendingThread {
    return new SendingThread(startThread('generator-thread.ts', task)).#awaitSent()
  }

  /** Listens, and answers from `serve` on. */
  static async listen(task: PollServerTask): Promise<{ thread: SendingThread; urls: readonly string[] }> {
    const worker = startThread('poll-server-thread.ts', task)
    const [urls]: (readonly string[])[] = await once(worker, 'message')
    return { thread: new SendingThread(worker).#awaitSent(), urls: urls! }
  }

  serve(): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage('serve')
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #awaitSent(): this {
    this.#worker.once('message', (sent: Sent) => (this.sent = sent))
    this.#worker.once('error', (error) => (this.failure = error))
    return this
  }
}

/** A module that is a thread; with none of this process's own arguments. A name is one of this folder. */
export function startThread(file: string | URL, workerData: object): Worker {
  return new Worker(new URL(file, import.meta.url), { workerData, execArgv: [], argv: [] })
}
