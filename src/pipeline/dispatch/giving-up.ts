import assert from 'node:assert'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { DeliveryFailure, EncodePart, Remark } from '../../encode/task.ts'
import type { Arena } from '../../memory/arena.ts'
import type { Encoder } from '../encoder.ts'
import type { Batch, Part } from './batch.ts'
import { BatchWorker } from './batch-worker.ts'
import type { BatchWorkerOptions } from './batch-worker.ts'
import { encodePart } from './payload-builder.ts'
import { splitPart } from './record-walk.ts'

export type GiveUpCategory = DeliveryFailure['category']

interface GivenUp {
  readonly batch: Batch
  readonly category: GiveUpCategory
}

export interface GivingUpOptions extends Omit<BatchWorkerOptions<GivenUp>, 'step'> {
  readonly sinkName: string
  readonly arena: Arena
  readonly encoder: Encoder
  readonly deadLetters: DeadLetters
  /** Some parts of a batch are on disk as dead letters: they are settled in the same step. */
  readonly onWritten: (parts: readonly Part[], category: GiveUpCategory, reason: string) => void
}

/**
 * Writes given-up batches as dead letters, with the `reason`, `status` and `attempts` of the batch. A step is the letters
 * of one source that fit an output slab.
 */
export class GivingUp {
  readonly #options: GivingUpOptions
  readonly worker: BatchWorker<GivenUp>

  constructor(options: GivingUpOptions) {
    this.#options = options
    this.worker = new BatchWorker({ ...options, step: (job, slab) => this.#step(job, slab) })
  }

  async #step({ batch, category }: GivenUp, slab: number): Promise<void> {
    const { deadLetters, onWritten } = this.#options
    const { sourceName } = batch.parts[0]!.of.frame
    const parts = batch.parts.filter((part) => part.of.frame.sourceName === sourceName)
    const { lines, events, written, left } = await this.#encode(batch, category, parts, slab)
    await deadLetters.write(sourceName, lines, events)
    const others = batch.parts.filter((part) => !parts.includes(part))
    batch.parts = [...left, ...others]
    onWritten(written, category, batch.reason)
  }

  async #encode(batch: Batch, category: GiveUpCategory, parts: readonly Part[], slab: number) {
    const { sinkName, arena, encoder } = this.#options
    const outFrom = arena.slabStart(slab)
    const { reason, attempts, status, history } = batch
    const { bytes, events, nextPart, nextRecord } = await encoder.encode({
      parts: parts.map((part) => withRemark(encodePart(part), batch.remarks.get(part))),
      format: 'dead_letter',
      compression: 'none',
      outFrom,
      outTo: outFrom + arena.slabBytes,
      failure: {
        sink: sinkName,
        category,
        reason,
        attempts,
        history,
        ...(status === undefined ? {} : { status }),
      },
    })
    assert(events > 0, 'one dead letter fits an empty slab')
    const lines = arena.bytes.subarray(outFrom, outFrom + bytes)
    if (nextPart === -1) return { lines, events, written: parts, left: [] }
    const cut = parts[nextPart]!
    const [done, rest] = splitPart(arena.words, cut, nextRecord)
    const remark = batch.remarks.get(cut)
    if (remark !== undefined) for (const part of rest) batch.remarks.set(part, remark)
    return {
      lines,
      events,
      written: [...parts.slice(0, nextPart), done],
      left: [...rest, ...parts.slice(nextPart + 1)],
    }
  }
}

function withRemark(part: EncodePart, remark: Remark | undefined): EncodePart {
  return remark === undefined ? part : { ...part, remark }
}
