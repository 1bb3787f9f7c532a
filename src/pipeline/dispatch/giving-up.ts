import assert from 'node:assert'
import type { Clock } from '../../base/clock.ts'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { DeliveryFailure } from '../../encode/task.ts'
import type { Arena } from '../../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { Encoder } from '../encoder.ts'
import type { Batch, Part } from './batch.ts'
import { encodePart } from './payload-builder.ts'
import { partOf } from './record-walk.ts'

export type GiveUpCategory = DeliveryFailure['category']

/** Pause after a task or a write failed, before it is tried again. */
const FAILURE_PAUSE_MS = 1000

export interface GivingUpOptions {
  readonly sinkName: string
  readonly arena: Arena
  readonly pool: SlabPool
  readonly owner: SlabOwner
  readonly encoder: Encoder
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  /** Some parts of a batch are on disk as dead letters: they are settled in the same step. */
  readonly onWritten: (parts: readonly Part[], category: GiveUpCategory, reason: string) => void
  /** All of a batch is. */
  readonly onDone: (batch: Batch) => void
  readonly onFailure: (error: unknown) => void
}

/**
 * Writes given-up batches as dead letters, one after another, each in as many steps as their letters fill an output
 * slab. What a step wrote is settled with it, so that a failure repeats nothing.
 */
export class GivingUp {
  readonly #options: GivingUpOptions
  readonly #queue: { readonly batch: Batch; readonly category: GiveUpCategory }[] = []
  #running = false
  #stopped = false
  #proceed: (() => void) | null = null
  #idle: (() => void)[] = []

  constructor(options: GivingUpOptions) {
    this.#options = options
  }

  /** Batches not yet written; bounded by what the dispatcher holds, for it goes on counting them. */
  get size(): number {
    return this.#queue.length
  }

  /** Takes a batch over; `reason`, `status` and `attempts` of the letters are the batch's. */
  add(batch: Batch, category: GiveUpCategory): void {
    this.#queue.push({ batch, category })
    if (!this.#running) void this.#run()
  }

  /** Resolves when all is written, or after `stop`. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** A slab may be free. */
  wake(): void {
    this.#proceed?.()
  }

  stop(): void {
    this.#stopped = true
    this.wake()
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#queue.length > 0 && !this.#stopped) {
      const { batch, category } = this.#queue[0]!
      try {
        // One after another: the order of the letters, and one slab at most.
        // oxlint-disable-next-line no-await-in-loop
        await this.#step(batch, category)
      } catch (error) {
        this.#options.onFailure(error)
        // oxlint-disable-next-line no-await-in-loop
        if (!this.#stopped) await this.#pause()
      }
      if (batch.parts.length > 0) continue
      this.#queue.shift()
      this.#options.onDone(batch)
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Writes the letters of one source, as many as fit an output slab. */
  async #step(batch: Batch, category: GiveUpCategory): Promise<void> {
    const { pool, owner, deadLetters, onWritten } = this.#options
    const { sourceName } = batch.parts[0]!.of.frame
    const parts = batch.parts.filter((part) => part.of.frame.sourceName === sourceName)
    const slab = pool.acquire(owner)
    if (slab === -1) {
      await new Promise<void>((resolve) => {
        this.#proceed = resolve
      })
      return
    }
    try {
      const { lines, events, written, left } = await this.#encode(batch, category, parts, slab)
      await deadLetters.write(sourceName, lines, events)
      batch.parts = [...left, ...batch.parts.filter((part) => !parts.includes(part))]
      onWritten(written, category, batch.reason)
    } finally {
      pool.release(slab)
    }
  }

  async #encode(batch: Batch, category: GiveUpCategory, parts: readonly Part[], slab: number) {
    const { sinkName, arena, encoder } = this.#options
    const outFrom = arena.slabStart(slab)
    const { reason, attempts, status } = batch
    const { bytes, events, nextPart, nextRecord } = await encoder.encode({
      parts: parts.map(encodePart),
      format: 'dead_letter',
      compression: 'none',
      outFrom,
      outTo: outFrom + arena.slabBytes,
      failure: { sink: sinkName, category, reason, attempts, ...(status === undefined ? {} : { status }) },
    })
    assert(events > 0, 'one dead letter fits an empty slab')
    const lines = arena.bytes.subarray(outFrom, outFrom + bytes)
    if (nextPart === -1) return { lines, events, written: parts, left: [] }
    const { of, first, count } = parts[nextPart]!
    const done = partOf(arena.words, of, first, nextRecord)
    const rest = partOf(arena.words, of, nextRecord, first + count)
    return {
      lines,
      events,
      written: [...parts.slice(0, nextPart), done],
      left: [rest, ...parts.slice(nextPart + 1)],
    }
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
