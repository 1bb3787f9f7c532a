import { idBytesMax } from '../../encode/event-id-text.ts'
import type { EncodePart, EncodeTask } from '../../encode/task.ts'
import type { Arena } from '../../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { Encoder } from '../encoder.ts'
import type { Payload } from '../sink.ts'
import type { Batch, Part } from './batch.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { choiceOf, forEachRun } from './record-walk.ts'

/** Most runs of a batch that is sent as views of the frames; beyond, copying is cheaper than so many pieces. */
export const VIEW_RUNS_MAX = 32

const LINE_FEED = Uint8Array.of(0x0a)

const CONTENT_TYPES = {
  ndjson: 'application/x-ndjson',
  json: 'application/json',
  bulk: 'application/x-ndjson',
} as const

export interface PayloadForm {
  /** `bulk`: lines, each with one before it that tells its id (EncodeTask). */
  readonly encoding: 'ndjson' | 'json' | 'bulk'
  /** `auto`: gzip while it pays, else none. */
  readonly compression: 'none' | 'gzip' | 'zstd' | 'auto'
  /** Name under which each event is given its id; null or absent: none is. */
  readonly eventIdField?: string | null
}

/** What each event goes out with beside its own bytes and what separates it from the next, at most. */
export function overheadBytes({ encoding, eventIdField }: PayloadForm): number {
  return idBytesMax({ format: encoding, ...fieldOf(eventIdField) })
}

/** What compression adds to bytes that it can't make smaller, at most: the format's own header, trailer and block marks. */
export function growthBytesMax(bytes: number, compression: PayloadForm['compression']): number {
  return compression === 'none' || bytes === Infinity ? 0 : 64 + Math.ceil(bytes / 512)
}

export interface PayloadBuilderOptions extends PayloadForm {
  readonly arena: Arena
  readonly pool: SlabPool
  readonly owner: SlabOwner
  readonly encoder: Encoder
  /** For `compression: auto`: whether it pays now. */
  readonly compresses?: () => boolean
}

/** A part as the encode task wants it. */
export function encodePart(part: Part): EncodePart {
  const { bytesFrom, sourceName } = part.of.frame
  return { ...choiceOf(part), bytesFrom, sourceName }
}

/** Makes what goes out of a batch: views of its frames where nothing changes, else the output of an encode task. */
export class PayloadBuilder {
  readonly #options: PayloadBuilderOptions

  constructor(options: PayloadBuilderOptions) {
    this.#options = options
  }

  /**
   * Sets the payload of a batch, at once or by a task, after which `done` is called, with an error when the task failed.
   * False when there is no slab for its output: try again when one is free.
   */
  prepare(batch: Batch, done: (error?: unknown) => void): boolean {
    const { pool, owner } = this.#options
    const compression = this.#compression()
    if (this.#isSentAsItIs && compression === 'none' && batch.runs <= VIEW_RUNS_MAX) {
      batch.payload = this.#views(batch)
      return true
    }
    const slab = pool.acquire(owner)
    if (slab === -1) return false
    batch.slab = slab
    batch.preparing = true
    void this.#encodeInto(batch, compression, done)
    return true
  }

  /** Gives the output slab back; the batch must be prepared again before it is sent again. */
  release(batch: Batch): void {
    if (batch.preparing) return
    // Views of the frames hold no slab; but with `auto`, next time it may be worth while to compress.
    if (batch.slab === -1 && this.#options.compression !== 'auto') return
    if (batch.slab !== -1) this.#options.pool.release(batch.slab)
    batch.slab = -1
    batch.payload = null
  }

  get #isSentAsItIs(): boolean {
    const { encoding, eventIdField = null } = this.#options
    return encoding === 'ndjson' && eventIdField === null
  }

  #compression(): 'none' | 'gzip' | 'zstd' {
    const { compression, compresses } = this.#options
    if (compression !== 'auto') return compression
    return compresses?.() === true ? 'gzip' : 'none'
  }

  #views(batch: Batch): Payload {
    const { arena } = this.#options
    const views: Uint8Array[] = []
    let bytes = 0
    const addRun = (from: number, to: number, lineFeed: boolean) => {
      const end = lineFeed ? to + 1 : to
      views.push(arena.bytes.subarray(from, end))
      if (!lineFeed) views.push(LINE_FEED)
      bytes += to + 1 - from
    }
    for (const part of batch.parts) forEachRun(arena.words, part, addRun)
    return {
      views,
      bytes,
      events: batch.events,
      contentType: CONTENT_TYPES.ndjson,
      contentEncoding: '',
      idempotencyKey: idempotencyKey(arena.words, batch.parts),
    }
  }

  async #encodeInto(
    batch: Batch,
    compression: EncodeTask['compression'],
    done: (error?: unknown) => void,
  ): Promise<void> {
    let failure: unknown
    try {
      batch.payload = await this.#encode(batch, compression)
    } catch (error) {
      failure = error
    }
    batch.preparing = false
    if (batch.payload === null) this.release(batch)
    done(failure)
  }

  async #encode(batch: Batch, compression: EncodeTask['compression']): Promise<Payload> {
    const { arena, encoding, eventIdField, encoder } = this.#options
    const outFrom = arena.slabStart(batch.slab)
    const key = idempotencyKey(arena.words, batch.parts)
    const { bytes, events } = await encoder.encode({
      parts: batch.parts.map(encodePart),
      format: encoding,
      compression,
      outFrom,
      outTo: outFrom + arena.slabBytes,
      ...fieldOf(eventIdField),
    })
    return {
      views: [arena.bytes.subarray(outFrom, outFrom + bytes)],
      bytes,
      events,
      contentType: CONTENT_TYPES[encoding],
      contentEncoding: compression === 'none' ? '' : compression,
      idempotencyKey: key,
    }
  }
}

function fieldOf(eventIdField: string | null = null): { eventIdField?: string } {
  return eventIdField === null ? {} : { eventIdField }
}
