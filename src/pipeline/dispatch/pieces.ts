import { Batch } from './batch.ts'
import type { Part } from './batch.ts'
import { divideAt } from './divide.ts'
import { overheadBytes } from './payload-builder.ts'
import type { PayloadForm } from './payload-builder.ts'
import { measureParts } from './record-walk.ts'

/** Makes batches of parts of others. */
export class Pieces {
  readonly #words: Int32Array
  readonly #isLines: boolean
  readonly #overheadBytes: number

  constructor(words: Int32Array, form: PayloadForm) {
    this.#words = words
    this.#isLines = form.encoding !== 'json'
    this.#overheadBytes = overheadBytes(form)
  }

  /** Of parts of a batch, with what became of it. */
  of(batch: Batch, parts: readonly Part[]): Batch {
    const { bytes, runs } = measureParts(this.#words, parts, this.#isLines, this.#overheadBytes)
    return new Batch(batch.lane, parts, bytes, runs, batch.key).inherit(batch)
  }

  /** The first `events` events of a batch that has more, and the rest. */
  divide(batch: Batch, events: number): [first: Batch, rest: Batch] {
    const [first, rest] = divideAt(this.#words, batch.parts, events)
    return [this.of(batch, first), this.of(batch, rest)]
  }
}
