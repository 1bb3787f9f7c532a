import type { Frame } from '../../../src/journal/frame.ts'
import type { Arena } from '../../../src/memory/arena.ts'
import { REJECT_CATEGORIES, SEVERITIES } from '../../../src/memory/extent-ring.ts'
import { bodyChecksum } from '../../../src/memory/frame-checksum.ts'
import {
  FRAME_KIND,
  FRAME_MAGIC,
  FRAME_VERSION,
  HEADER,
  HEADER_BYTES,
  RECORD_BREAK,
  RECORD_FAST,
  RECORD_LF,
  RUN,
  recordWord,
  regionBytes,
  runWord,
} from '../../../src/memory/frame-region.ts'
import { writeMeantFor } from '../../../src/memory/meant-for.ts'
import type { SlabOwner, SlabPool } from '../../../src/memory/slab-pool.ts'

/** Bits of the route mask that events are drawn with. */
export const FILTERS = 4

export interface SealedRecord {
  readonly text: string
  readonly fast: boolean
  readonly routes: number
  /** Bytes that can't be sent before it. */
  readonly gap: string
}

/** What an extent brought, as a worker would seal it. */
export interface Extent {
  readonly source: number
  readonly sourceName: string
  readonly records: readonly SealedRecord[]
  readonly runs: number
  readonly rejected: number
  readonly shed: number
  readonly receivedAtMs: number
  /** Indexes of the sinks that its frame names; null: it is for all. */
  readonly meantFor: readonly number[] | null
}

/** Makes frames as the intake and the workers do: several in a slab, one behind the other, sealed. */
export class SealedFrames {
  readonly #arena: Arena
  readonly #pool: SlabPool
  readonly #owner: SlabOwner
  #slab = -1
  #at = 0

  constructor(arena: Arena, pool: SlabPool, owner: SlabOwner) {
    this.#arena = arena
    this.#pool = pool
    this.#owner = owner
  }

  /** Null when no slab is free. */
  make(extent: Extent): Frame | null {
    const parts = extent.records.map(({ gap, text }) => Buffer.from(`${gap}${text}\n`))
    const bytes = parts.reduce((total, part) => total + part.length, 0)
    const tableBytes = regionBytes(extent.runs, extent.records.length)
    const region = this.#place(tableBytes + bytes)
    if (region === -1) return null
    const bytesFrom = region + tableBytes
    let at = bytesFrom
    for (const part of parts) {
      this.#arena.bytes.set(part, at)
      at += part.length
    }
    const counts = this.#writeTable(extent, region, parts)
    this.#writeRuns(extent, region, bytesFrom)
    this.#writeHeader(extent, region, bytes, counts)
    return this.#frame(extent, region, bytes, counts)
  }

  /** Lets go of the slab that is being filled. */
  close(): void {
    if (this.#slab !== -1) this.#pool.release(this.#slab)
    this.#slab = -1
  }

  #place(bytes: number): number {
    const { slabBytes } = this.#arena
    if (bytes > slabBytes) throw new Error('a frame fits a slab')
    if (this.#slab === -1 || this.#at + bytes > slabBytes) {
      this.close()
      this.#slab = this.#pool.acquire(this.#owner)
      this.#at = 0
      if (this.#slab === -1) return -1
    }
    const region = this.#arena.slabStart(this.#slab) + this.#at
    this.#at = (this.#at + bytes + 7) & ~7
    return region
  }

  #writeTable({ records, runs }: Extent, region: number, parts: readonly Buffer[]) {
    const { words } = this.#arena
    const routed = new Int32Array(2 * FILTERS)
    let [offset, fast, breaks] = [0, 0, 0]
    for (const [index, record] of records.entries()) {
      const word = recordWord(region, runs, index)
      const gapBytes = Buffer.byteLength(record.gap)
      words[word] =
        (offset + gapBytes) | (record.fast ? RECORD_FAST : 0) | (gapBytes > 0 ? RECORD_BREAK : 0) | RECORD_LF
      words[word + 1] = parts[index]!.length - gapBytes - 1
      words[word + 2] = index
      words[word + 3] = record.routes
      offset += parts[index]!.length
      if (record.fast) fast++
      if (gapBytes > 0) breaks++
      for (let filter = 0; filter < FILTERS; filter++)
        if ((record.routes & (1 << filter)) !== 0) routed[2 * filter + (record.fast ? 1 : 0)]!++
    }
    return { fast, breaks, routed }
  }

  #writeRuns({ runs, records }: Extent, region: number, bytesFrom: number): void {
    const { words } = this.#arena
    for (let run = 0; run < runs; run++) {
      const word = runWord(region, run)
      words.fill(0, word, runWord(region, run + 1))
      words[word + RUN.FROM] = bytesFrom
      words[word + RUN.RECORDS] = words[word + RUN.ACCEPTED] = run === 0 ? records.length : 0
    }
  }

  #writeHeader(
    extent: Extent,
    region: number,
    bytes: number,
    counts: { fast: number; breaks: number },
  ): void {
    const { words, doubles } = this.#arena
    const header = region >> 2
    const { records, runs, source, receivedAtMs, rejected, shed } = extent
    const bytesFrom = region + regionBytes(runs, records.length)
    // What stood here before must not matter.
    words.fill(-1, header, header + HEADER_BYTES / 4)
    words[header + HEADER.MAGIC] = FRAME_MAGIC
    words[header + HEADER.VERSION] = FRAME_VERSION
    words[header + HEADER.KIND] = FRAME_KIND.EVENTS
    words[header + HEADER.SOURCE] = source
    words[header + HEADER.RECORDS] = records.length
    words[header + HEADER.FAST] = counts.fast
    words[header + HEADER.BREAKS] = counts.breaks
    words[header + HEADER.BYTES_FROM] = bytesFrom
    words[header + HEADER.BYTES] = bytes
    words[header + HEADER.RUNS] = runs
    doubles[(header + HEADER.FIRST_TIME) >> 1] = receivedAtMs
    doubles[(header + HEADER.LAST_TIME) >> 1] = receivedAtMs + records.length
    doubles[(header + HEADER.RECEIVED_AT) >> 1] = receivedAtMs
    words[header + HEADER.RECEIVED_BYTES] = bytes
    words[header + HEADER.SINK] = 0
    words.fill(0, header + HEADER.ORIGIN_EPOCH, header + HEADER.ORIGIN_SEQUENCE + 2)
    for (let i = 0; i < REJECT_CATEGORIES.length; i++)
      words[header + HEADER.REJECTED_BY + i] = i === 1 ? rejected : 0
    for (let i = 0; i < SEVERITIES; i++) words[header + HEADER.SHED_BY + i] = i === 2 ? shed : 0
    words.fill(0, header + HEADER.MEANT_FOR, header + HEADER.MEANT_FOR + 2)
    if (extent.meantFor !== null) writeMeantFor(words, header, extent.meantFor)
    words[header + HEADER.BODY_CRC] = bodyChecksum(this.#arena, region, bytesFrom)
  }

  #frame(
    { source, sourceName, records, runs, receivedAtMs, meantFor }: Extent,
    region: number,
    bytes: number,
    { fast, breaks, routed }: { fast: number; breaks: number; routed: Int32Array },
  ): Frame {
    const slab = this.#slab
    const bytesFrom = region + regionBytes(runs, records.length)
    this.#pool.retain(slab)
    return {
      source,
      sourceName,
      region,
      runs,
      bytesFrom,
      bytesTo: bytesFrom + bytes,
      records: records.length,
      fast,
      breaks,
      firstTimeMs: receivedAtMs,
      lastTimeMs: receivedAtMs + records.length,
      receivedAtMs,
      routed,
      meantFor,
      slab,
      readBack: false,
      committedAtMs: 0,
      originSequence: 0,
      position: { segment: 0, offset: 0, sequence: 0 },
      holders: 0,
      release: () => {
        // Whoever still looks at it sees that it is gone.
        this.#arena.bytes.fill(0x23, region, bytesFrom + bytes)
        this.#pool.release(slab)
      },
    }
  }
}
