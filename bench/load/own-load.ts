import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { StreamPlan } from './stream.ts'
import { NEARLY_ALL } from './load.ts'
import type { Load, LoadPlan, LoadReport } from './load.ts'
import type { ReceiverTask } from './receiver-thread.ts'
import { SendingThread, startThread } from './sending-thread.ts'
import type { Sent } from './sending-thread.ts'
import { Tally, monotonicMs } from './tally.ts'
import type { TallyCounts } from './tally.ts'

const POLL_MS = 10

/** Sender and receiver as two threads of this process, which is not the collector's. */
export class OwnLoad implements Load {
  readonly urls: readonly string[]
  readonly tally: Tally
  readonly served: readonly string[]
  readonly #plan: LoadPlan
  readonly #receiver: Worker
  /** Of the receivers behind the first. */
  readonly #others: readonly Tally[]
  #sender: SendingThread | null

  private constructor(
    plan: LoadPlan,
    tallies: readonly Tally[],
    receiver: { worker: Worker; port: number },
    server: { thread: SendingThread; urls: readonly string[] } | null,
  ) {
    this.#plan = plan
    const [tally, ...others] = tallies
    this.tally = tally!
    this.#others = others
    this.#receiver = receiver.worker
    this.urls = tallies.map((_, index) => `http://127.0.0.1:${receiver.port}/${index || ''}`)
    this.#sender = server?.thread ?? null
    this.served = server?.urls ?? []
  }

  get url(): string {
    return this.urls[0]!
  }

  static async start(plan: LoadPlan): Promise<OwnLoad> {
    const { events, outage, served, dead, receivers = 1 } = plan
    const tally = Tally.create(events)
    const others = Array.from({ length: receivers - 1 }, () => tally.forAnother())
    const task: ReceiverTask = {
      tally: tally.buffers,
      others: others.map(({ buffers }) => buffers),
      outage,
      dead,
    }
    const worker = startThread('receiver-thread.ts', task)
    const [port]: number[] = await once(worker, 'message')
    const server = served && (await SendingThread.listen({ ...served, events, tally: tally.buffers }))
    return new OwnLoad(plan, [tally, ...others], { worker, port: port! }, server)
  }

  send(streams: readonly StreamPlan[], idleMs: number): Promise<LoadReport> {
    this.#sender?.serve()
    return this.#received((this.#sender ??= this.#generate(streams)), idleMs)
  }

  async feed(stream: StreamPlan): Promise<void> {
    await this.#sender?.stop()
    this.#sender = this.#generate([stream])
    while (this.#sender.sent === null && this.#sender.failure === null) await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop
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
    const { events } = this.#plan
    let seen = 0
    let seenAtMs = monotonicMs()
    for (;;) {
      const { sent, failure } = sender
      if (failure !== null) throw new Error('what sends has failed', { cause: failure })
      const { arrived, unique } = this.#counts()
      if (arrived > seen) seenAtMs = monotonicMs()
      seen = arrived
      const complete = sent !== null && unique === events - sent.malformed
      if (complete || monotonicMs() - seenAtMs > idleMs) return this.#report(sent)
      await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop -- it waits for others
    }
  }

  #report(sent: Sent | null): LoadReport {
    const { tally } = this
    const { malformed = 0, bytes = 0, retries = 0, lastSentAtMs = null, answers = [] } = sent ?? {}
    const { unique, duplicates, strange, refused } = this.#counts()
    const lastAtMs = [tally, ...this.#others].map((each) => each.shareReceivedAtMs(NEARLY_ALL))
    return {
      sent: this.#plan.events,
      malformed,
      bytes,
      retries,
      refused,
      answers,
      unique,
      duplicates,
      strange,
      firstSentAtMs: tally.firstSentAtMs,
      lastSentAtMs,
      firstReceivedAtMs: tally.shareReceivedAtMs(0),
      nearlyAllAtMs: lastAtMs.includes(null) ? null : Math.max(...lastAtMs.map(Number)),
    }
  }

  /** Of all receivers: the fewest that came to one, and the sums. */
  #counts() {
    const each = [this.tally, ...this.#others].map(({ counts }) => counts)
    const sum = (of: (counts: TallyCounts) => number) => each.reduce((total, counts) => total + of(counts), 0)
    return {
      unique: Math.min(...each.map(({ unique }) => unique)),
      arrived: sum(({ unique }) => unique),
      duplicates: sum(({ duplicates }) => duplicates),
      strange: sum(({ malformedPassed, foreign }) => malformedPassed + foreign),
      refused: sum(({ refused }) => refused),
    }
  }

  latenciesMs(sinceMs: number): Float64Array {
    return this.tally.latenciesMs(sinceMs)
  }

  /** Resolves once the first event is on its way. */
  async sending(): Promise<void> {
    while (this.tally.firstSentAtMs === 0) await sleep(POLL_MS) // oxlint-disable-line no-await-in-loop
  }

  async stop(): Promise<void> {
    await Promise.all([this.#sender?.stop(), this.#receiver.terminate()])
  }
}
