import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { StreamPlan } from './stream.ts'
import { NEARLY_ALL } from './load.ts'
import type { Load, LoadPlan, LoadReport } from './load.ts'
import type { ReceiverTask } from './receiver-thread.ts'
import { SendingThread, startThread } from './sending-thread.ts'
import { Tally, monotonicMs } from './tally.ts'

const POLL_MS = 10

/** Sender and receiver as two threads of this process, which is not the collector's. */
export class OwnLoad implements Load {
  readonly url: string
  readonly tally: Tally
  readonly served: readonly string[]
  readonly #plan: LoadPlan
  readonly #receiver: Worker
  #sender: SendingThread | null

  private constructor(
    plan: LoadPlan,
    tally: Tally,
    receiver: { worker: Worker; port: number },
    server: { thread: SendingThread; urls: readonly string[] } | null,
  ) {
    this.#plan = plan
    this.tally = tally
    this.#receiver = receiver.worker
    this.url = `http://127.0.0.1:${receiver.port}/`
    this.#sender = server?.thread ?? null
    this.served = server?.urls ?? []
  }

  static async start(plan: LoadPlan): Promise<OwnLoad> {
    const { events, outage, served, dead } = plan
    const tally = Tally.create(events)
    const task: ReceiverTask = { tally: tally.buffers, outage, dead }
    const worker = startThread('receiver-thread.ts', task)
    const [port]: number[] = await once(worker, 'message')
    const server = served && (await SendingThread.listen({ ...served, events, tally: tally.buffers }))
    return new OwnLoad(plan, tally, { worker, port: port! }, server)
  }

  send(streams: readonly StreamPlan[], idleMs: number): Promise<LoadReport> {
    this.#sender?.serve()
    return this.#received((this.#sender ??= this.#generate(streams)), idleMs)
  }

  async feed(stream: StreamPlan): Promise<void> {
    this.#sender = this.#generate([stream])
    while (this.#sender.sent === null) await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop
  }

  drain(idleMs: number): Promise<LoadReport> {
    this.#receiver.postMessage('take') // oxlint-disable-line unicorn/require-post-message-target-origin -- a thread
    return this.#received(this.#sender!, idleMs)
  }

  #generate(streams: readonly StreamPlan[]): SendingThread {
    const { form, malformedShare } = this.#plan
    return SendingThread.generate({ tally: this.tally.buffers, streams, form, malformedShare })
  }

  async #received(sender: SendingThread, idleMs: number): Promise<LoadReport> {
    const { tally } = this
    const { events } = this.#plan
    let seen = 0
    let seenAtMs = monotonicMs()
    for (;;) {
      const { sent } = sender
      const { unique, duplicates, malformedPassed, foreign, refused } = tally.counts
      if (unique > seen) seenAtMs = monotonicMs()
      seen = unique
      const complete = sent !== null && unique === events - sent.malformed
      if (complete || monotonicMs() - seenAtMs > idleMs) {
        const { malformed = 0, bytes = 0, retries = 0, lastSentAtMs = null, answers = [] } = sent ?? {}
        return {
          sent: events,
          malformed,
          bytes,
          retries,
          refused,
          answers,
          unique,
          duplicates,
          strange: malformedPassed + foreign,
          firstSentAtMs: tally.firstSentAtMs,
          lastSentAtMs,
          firstReceivedAtMs: tally.shareReceivedAtMs(0),
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
    await Promise.all([this.#sender?.stop(), this.#receiver.terminate()])
  }
}
