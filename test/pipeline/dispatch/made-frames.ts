import type { Frame } from '../../../src/journal/frame.ts'
import { Arena } from '../../../src/memory/arena.ts'
import {
  HEADER,
  HEADER_BYTES,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  recordLength,
  recordOffset,
  recordWord,
  regionBytes,
} from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import type { SlabOwner } from '../../../src/memory/slab-pool.ts'

export interface MadeRecord {
  readonly text: string
  readonly fast?: boolean
  /** Bits of the route mask; default all. */
  readonly routes?: number
  /** Bytes that can't be sent before it. */
  readonly gap?: string
  /** What stands behind it, a line feed and blanks at most; the default is a line feed alone. */
  readonly behind?: string
}

export const SLAB_BYTES = 8192
export const SOURCES = ['push', 'lines', 'net'] as const
const FILTERS = 16

type Made = Pick<
  Frame,
  | 'source'
  | 'region'
  | 'bytesFrom'
  | 'bytesTo'
  | 'records'
  | 'fast'
  | 'breaks'
  | 'receivedAtMs'
  | 'routed'
  | 'readBack'
  | 'committedAtMs'
>

/** An arena with frames made by hand: one frame a slab, bytes from its start, the table at its end. */
export class MadeFrames {
  readonly arena: Arena
  readonly pool: SlabPool
  readonly owner: SlabOwner
  released = 0

  constructor(slabs: number) {
    this.arena = Arena.create(slabs * SLAB_BYTES, SLAB_BYTES)
    this.pool = new SlabPool(slabs)
    this.owner = this.pool.addOwner('frames', 2, 1)
  }

  /** Null when no slab is free. */
  make(source: number, records: readonly MadeRecord[], receivedAtMs = 0): Frame | null {
    const slab = this.pool.acquire(this.owner)
    if (slab === -1) return null
    const { arena } = this
    const bytesFrom = arena.slabStart(slab)
    const region = bytesFrom + SLAB_BYTES - regionBytes(0, records.length)
    const routed = new Int32Array(2 * FILTERS)
    let at = bytesFrom
    let [fast, breaks] = [0, 0]
    for (const [index, record] of records.entries()) {
      const { gap = '', behind = '\n', routes = 0xffff } = record
      at += write(arena, at, gap)
      // Between joined records stands one line feed: without it they are not joined.
      const breaksRun = gap !== '' || (index > 0 && !(records[index - 1]!.behind ?? '\n').includes('\n'))
      const length = Buffer.byteLength(record.text)
      const word = recordWord(region, 0, index)
      const flags =
        (record.fast === true ? RECORD_FAST : 0) |
        (breaksRun ? RECORD_BREAK : 0) |
        (behind.startsWith('\n') ? RECORD_LF : 0)
      arena.words[word] = (at - bytesFrom) | flags
      arena.words[word + 1] = length
      arena.words[word + 3] = routes
      at += write(arena, at, record.text)
      at += write(arena, at, behind)
      if (record.fast === true) fast++
      if (breaksRun) breaks++
      for (let filter = 0; filter < FILTERS; filter++)
        if ((routes & (1 << filter)) !== 0) routed[2 * filter + (record.fast === true ? 1 : 0)]!++
    }
    if (at > region) throw new Error('the records fit a slab')
    arena.words.fill(0, region >> 2, (region + HEADER_BYTES) >> 2)
    arena.words[(region >> 2) + HEADER.SOURCE] = source
    arena.doubles[((region >> 2) + HEADER.RECEIVED_AT) >> 1] = receivedAtMs
    const extent = { region, bytesFrom, bytesTo: at, records: records.length, fast, breaks }
    return this.#frame(slab, { ...extent, source, receivedAtMs, routed, readBack: false, committedAtMs: 0 })
  }

  /** A frame as it stands in a journal, in a slab of its own; null when none is free. */
  readBack(stored: Uint8Array, nowMs: number): Frame | null {
    const slab = this.pool.acquire(this.owner)
    if (slab === -1) return null
    const { arena } = this
    const region = arena.slabStart(slab)
    arena.bytes.set(stored, region)
    const word = region >> 2
    const records = arena.words[word + HEADER.RECORDS]!
    const bytesFrom = region + regionBytes(0, records)
    return this.#frame(slab, {
      source: arena.words[word + HEADER.SOURCE]!,
      region,
      bytesFrom,
      bytesTo: bytesFrom + arena.words[word + HEADER.BYTES]!,
      records,
      fast: arena.words[word + HEADER.FAST]!,
      breaks: arena.words[word + HEADER.BREAKS]!,
      receivedAtMs: arena.doubles[(word + HEADER.RECEIVED_AT) >> 1]!,
      routed: null,
      readBack: true,
      committedAtMs: nowMs,
    })
  }

  #frame(slab: number, made: Made): Frame {
    const { arena } = this
    const from = arena.slabStart(slab)
    return {
      ...made,
      sourceName: SOURCES[made.source]!,
      runs: 0,
      meantFor: null,
      firstTimeMs: 0,
      lastTimeMs: 0,
      slab,
      originSequence: 0,
      position: { segment: 0, offset: 0, sequence: 0 },
      holders: 0,
      release: () => {
        this.released++
        arena.bytes.fill(0x23, from, from + SLAB_BYTES)
        this.pool.release(slab)
      },
    }
  }
}

function write(arena: Arena, at: number, text: string): number {
  const bytes = Buffer.from(text)
  arena.bytes.set(bytes, at)
  return bytes.length
}

/** Events by lane of a frame as it stands in a journal. */
export function lanesOf(stored: Uint8Array): { bulk: number; fast: number } {
  const words = new Int32Array(stored.buffer)
  const fast = words[HEADER.FAST]!
  return { bulk: words[HEADER.RECORDS]! - fast, fast }
}

/** The records of a frame as it stands in a journal. */
export function textsOf(stored: Uint8Array): string[] {
  const words = new Int32Array(stored.buffer)
  const records = words[HEADER.RECORDS]!
  return Array.from({ length: records }, (_, record) => {
    const word = recordWord(0, 0, record)
    const from = regionBytes(0, records) + recordOffset(words[word]!)
    return Buffer.from(stored.subarray(from, from + recordLength(words[word + 1]!))).toString()
  })
}
