import type { Clock } from '../../base/clock.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { Batch } from './batch.ts'

/** Pause after a step failed, before it is tried again. */
const FAILURE_PAUSE_MS = 1000

export interface BatchWorkerOptions<Job extends { readonly batch: Batch }> {
  readonly pool: SlabPool
  readonly owner: SlabOwner
  readonly clock: Clock
  /** Does some of a job with an output slab, and takes what is done out of the batch's parts. */
  readonly step: (job: Job, slab: number) => Promise<void>
  /** A batch has no parts any more. */
  readonly onDone: (batch: Batch) => void
  readonly onFailure: (error: unknown) => void
  /** `busy` has become false. */
  readonly onIdle: () => void
}

/**
 * Works batches off one after another, each in as many steps as it takes, with one output slab at a time. What a step did
 * is done for good, so that a failure repeats nothing.
 */
export class BatchWorker<Job extends { readonly batch: Batch }> {
  readonly #options: BatchWorkerOptions<Job>
  readonly #queue: Job[] = []
  #stopped = false
  #proceed: (() => void) | null = null
  busy = false

  constructor(options: BatchWorkerOptions<Job>) {
    this.#options = options
  }

  /** Batches not yet done; bounded by what the dispatcher holds, for it goes on counting them. */
  get size(): number {
    return this.#queue.length
  }

  add(job: Job): void {
    this.#queue.push(job)
    if (!this.busy) void this.#run()
  }

  /** A slab may be free. */
  wake(): void {
    this.#proceed?.()
  }

  /** No step is begun any more. */
  stop(): void {
    this.#stopped = true
    this.wake()
  }

  async #run(): Promise<void> {
    const { pool, owner, onDone, onIdle } = this.#options
    this.busy = true
    while (this.#queue.length > 0 && !this.#stopped) {
      const job = this.#queue[0]!
      const slab = pool.acquire(owner)
      // One after another: the order of what is written, and one slab at most.
      // oxlint-disable-next-line no-await-in-loop
      await (slab === -1 ? this.#slabFree() : this.#step(job, slab))
      if (job.batch.parts.length > 0) continue
      this.#queue.shift()
      onDone(job.batch)
    }
    this.busy = false
    onIdle()
  }

  async #step(job: Job, slab: number): Promise<void> {
    const { pool, step, onFailure } = this.#options
    try {
      await step(job, slab)
      pool.release(slab)
    } catch (error) {
      pool.release(slab)
      onFailure(error)
      if (!this.#stopped) await this.#pause()
    }
  }

  #slabFree(): Promise<void> {
    return new Promise((resolve) => {
      this.#proceed = resolve
    })
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, FAILURE_PAUSE_MS)
      this.#proceed = () => {
        if (!this.#stopped) return
        timer.clear()
        resolve()
      }
    })
  }
}
