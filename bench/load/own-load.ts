import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { GeneratorTask, Sent } from './generator-thread.ts'
import type { StreamPlan } from './stream.ts'
import { NEARLY_ALL } from './load.ts'
import type { Load, LoadPlan, LoadReport } from './load.ts'
import type { ReceiverTask } from './receiver-thread.ts'
import { Tally, monotonicMs } from './tally.ts'

const POLL_MS = 10

/** Generator and receiver as two threads of this process, which is not the collector's. */
export class OwnLoad implements Load {
  readonly url: string
  readonly tally: Tally
  readonly #plan: LoadPlan
  readonly #receiver: Worker
  #generator: Worker | null = null

  private constructor(plan: LoadPlan, tally: Tally, receiver: Worker, port: number) {
    this.#plan = plan
    this.tally = tally
    this.#receiver = receiver
    this.url = `http://127.0.0.1:${port}/`
  }

  static async start(plan: LoadPlan): Promise<OwnLoad> {
    const tally = Tally.create(plan.events)
    const task: ReceiverTask = { tally: tally.buffers, outage: plan.outage }
    const receiver = startThread('receiver-thread.ts', task)
    const [port]: number[] = await once(receiver, 'message')
    return new OwnLoad(plan, tally, receiver, port!)
  }

  async send(streams: readonly StreamPlan[], idleMs: number): Promise<LoadReport> {
    const { tally } = this
    const task: GeneratorTask = { tally: tally.buffers, streams, malformedShare: this.#plan.malformedShare }
    this.#generator = startThread('generator-thread.ts', task)
    let sent: Sent | null = null
    this.#generator.once('message', (message: Sent) => (sent = message))
    let seen = 0
    let seenAtMs = monotonicMs()
    for (;;) {
      const { unique, duplicates, malformedPassed, foreign, refused } = tally.counts
      if (unique > seen) seenAtMs = monotonicMs()
      seen = unique
      const complete = sent !== null && unique === wellFormed(sent)
      if (complete || monotonicMs() - seenAtMs > idleMs) {
        const { malformed = 0, bytes = 0, retries = 0 } = (sent as Sent | null) ?? {}
        return {
          sent: this.#plan.events,
          malformed,
          bytes,
          retries,
          refused,
          unique,
          duplicates,
          strange: malformedPassed + foreign,
          firstSentAtMs: tally.firstSentAtMs,
          nearlyAllAtMs: tally.shareReceivedAtMs(NEARLY_ALL),
        }
      }
      await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop -- it waits for others
    }
  }

  /** Resolves once the first event is on its way. */
  async sending(): Promise<void> {
    while (this.tally.firstSentAtMs === 0) await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop
  }

  async stop(): Promise<void> {
    await Promise.all([this.#generator?.terminate(), this.#receiver.terminate()])
  }
}

function wellFormed({ events, malformed }: Sent): number {
  return events - malformed
}

function startThread(file: string, workerData: ReceiverTask | GeneratorTask): Worker {
  return new Worker(new URL(file, import.meta.url), { workerData, execArgv: [], argv: [] })
}
