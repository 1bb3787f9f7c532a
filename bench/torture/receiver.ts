import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../load/sending-thread.ts'
import { monotonicMs } from '../load/tally.ts'
import type { Witness, WitnessBuffers } from './witness.ts'

/** How a destination behaves: `dead` ones close every connection at once. */
export const MOOD = { fine: 0, slow: 1, throttling: 2, dead: 3 } as const
export type Mood = keyof typeof MOOD

export interface ReceiverTask {
  readonly witness: WitnessBuffers
  /** A word a sink. */
  readonly moods: SharedArrayBuffer
  readonly startedAtMs: number
  /** In the path of every request. */
  readonly token: string
}

export function moodOf(moods: SharedArrayBuffer, sink: number): number {
  return Atomics.load(new Int32Array(moods), sink)
}

/** The destinations of a collector, one for each sink, on a thread that outlives the collector. */
export class Receiver {
  readonly urls: readonly string[]
  readonly #moods: Int32Array
  readonly #worker: Worker
  readonly #startedAtMs: number

  private constructor(urls: readonly string[], moods: Int32Array, worker: Worker, startedAtMs: number) {
    this.urls = urls
    this.#moods = moods
    this.#worker = worker
    this.#startedAtMs = startedAtMs
  }

  static async start(witness: Witness, token: string): Promise<Receiver> {
    const moods = new SharedArrayBuffer(witness.sinks * Int32Array.BYTES_PER_ELEMENT)
    const startedAtMs = monotonicMs()
    const task: ReceiverTask = { witness: witness.buffers, moods, startedAtMs, token }
    const worker = startThread(new URL('receiver-thread.ts', import.meta.url), task)
    const [ports]: (readonly number[])[] = await once(worker, 'message')
    const urls = ports!.map((port) => `http://127.0.0.1:${port}/${token}`)
    return new Receiver(urls, new Int32Array(moods), worker, startedAtMs)
  }

  /** By the clock that the witness is told in: whole milliseconds since the start. */
  get nowMs(): number {
    return Math.floor(monotonicMs() - this.#startedAtMs)
  }

  become(sink: number, mood: Mood): void {
    Atomics.store(this.#moods, sink, MOOD[mood])
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
