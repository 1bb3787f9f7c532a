import type { Frame } from '../../journal/frame.ts'
import type { Arena } from '../../memory/arena.ts'
import { ENTRY, ENTRY_WORDS } from '../../memory/extent-ring.ts'
import type { ExtentRing } from '../../memory/extent-ring.ts'
import { HEADER } from '../../memory/frame-region.ts'
import { writeMeantFor } from '../../memory/meant-for.ts'
import type { SlabPool } from '../../memory/slab-pool.ts'
import type { PendingExtent } from './pending-extent.ts'

/** The frame that a worker made of an extent, or of a part of one: its slabs are its own from here on. */
export function frameOf(
  { slab: extentSlab, tableSlab, region, runs, area, terms }: PendingExtent,
  entry: number,
  {
    ring,
    arena,
    pool,
    source,
    filtered,
    counts,
  }: {
    readonly ring: ExtentRing
    readonly arena: Arena
    readonly pool: SlabPool
    readonly source: number
    readonly filtered: boolean
    readonly counts: { readonly name: string }
  },
): Frame {
  const word = ring.base(entry)
  const { words, doubles } = ring
  const slab = area?.slab ?? extentSlab
  const bytesFrom = arena.words[(region >> 2) + HEADER.BYTES_FROM]!
  pool.retain(slab)
  const meantFor = terms?.meantFor ?? null
  if (meantFor !== null) writeMeantFor(arena.words, region >> 2, meantFor)
  return {
    source,
    sourceName: counts.name,
    region,
    runs: runs.length,
    bytesFrom,
    bytesTo: bytesFrom + arena.words[(region >> 2) + HEADER.BYTES]!,
    records: words[word + ENTRY.ACCEPTED]!,
    fast: words[word + ENTRY.FAST]!,
    breaks: words[word + ENTRY.BREAKS]!,
    firstTimeMs: doubles[(word + ENTRY.FIRST_TIME) >> 1]!,
    lastTimeMs: doubles[(word + ENTRY.LAST_TIME) >> 1]!,
    receivedAtMs: doubles[(word + ENTRY.RECEIVED_AT) >> 1]!,
    routed: filtered ? words.slice(word + ENTRY.ROUTED, word + ENTRY.ROUTED + 32) : null,
    meantFor,
    slab,
    readBack: false,
    originSequence: 0,
    position: { segment: 0, offset: 0, sequence: 0 },
    committedAtMs: 0,
    holders: 0,
    release() {
      pool.release(slab)
      if (tableSlab !== -1) pool.release(tableSlab)
    },
  }
}

/** What its source sent of a part. */
export function receivedBytesOf({ words }: ExtentRing, entry: number): number {
  const word = entry * ENTRY_WORDS
  return words[word + ENTRY.CONSUMED]! - words[word + ENTRY.FROM]! - words[word + ENTRY.HEAD_BYTES]!
}
