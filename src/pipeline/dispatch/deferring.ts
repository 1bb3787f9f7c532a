import assert from 'node:assert'
import type { LogReader } from '../../journal/log.ts'
import type { Arena } from '../../memory/arena.ts'
import type { Encoder } from '../encoder.ts'
import type { Batch } from './batch.ts'
import { BatchWorker } from './batch-worker.ts'
import type { BatchWorkerOptions } from './batch-worker.ts'
import { encodePart } from './payload-builder.ts'
import { splitPart } from './record-walk.ts'

interface Deferred {
  readonly batch: Batch
}

export interface DeferringOptions extends Omit<BatchWorkerOptions<Deferred>, 'step'> {
  readonly arena: Arena
  readonly encoder: Encoder
  readonly reader: LogReader
}

/**
 * Puts batches that hold back the look-ahead to the end of the log, from where they come again as if they had never been
 * taken. A step is what fits an output slab of one part: a frame of kind DEFERRED.
 */
export class Deferring {
  readonly #options: DeferringOptions
  readonly worker: BatchWorker<Deferred>

  constructor(options: DeferringOptions) {
    this.#options = options
    this.worker = new BatchWorker({ ...options, step: (job, slab) => this.#step(job, slab) })
  }

  async #step({ batch }: Deferred, slab: number): Promise<void> {
    const { arena, encoder, reader } = this.#options
    const [part, ...others] = batch.parts
    const outFrom = arena.slabStart(slab)
    const { bytes, events, nextPart, nextRecord } = await encoder.encode({
      parts: [encodePart(part!)],
      format: 'frame',
      compression: 'none',
      outFrom,
      outTo: outFrom + arena.slabBytes,
      // Whoever appends the frame knows the sink's index in the segment that it will stand in.
      sink: 0,
    })
    const [done, left] = nextPart === -1 ? [part!, []] : splitPart(arena.words, part!, nextRecord)
    assert(done.events === events, 'a deferred frame holds what is deferred')
    await new Promise<void>((resolve) => {
      reader.defer!(done, arena.bytes.subarray(outFrom, outFrom + bytes), () => {
        batch.parts = [...left, ...others]
        resolve()
      })
    })
  }
}
