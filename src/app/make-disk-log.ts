import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { nodeFileIo } from '../base/file-io.ts'
import { MIB } from '../base/units.ts'
import { DiskLog } from '../journal/disk-log.ts'
import { LiveFrames } from '../journal/live-frames.ts'
import type { Arena } from '../memory/arena.ts'
import type { SlabPool } from '../memory/slab-pool.ts'
import type { Ledger } from '../pipeline/ledger.ts'
import { RESERVE_SLABS_READ_BACK } from '../pipeline/limits.ts'
import type { ResolvedConfig } from './config/root.ts'
import type { TopologyOptions } from './topology.ts'

const SHARE_OF_READ_BACK = 1 / 4
/**
 * Part of the shared slabs that frames at hand of lagging sinks may keep from the sources, all sinks together. Half of what
 * one source may have: a source that was paused goes on when a quarter of that is free, also while a sink stands still.
 */
const SHARE_OF_FRAMES_AT_HAND = 1 / 4
/** A segment is a part of the journal, so that room comes in small pieces. */
const SEGMENT_SHARE = 1 / 16
const SEGMENT_BYTES_MIN = 4 * MIB
const SEGMENT_BYTES_MAX = 64 * MIB

/** A segment that has grown to this gets no further group. */
export function segmentBytesMax({ journal }: Pick<ResolvedConfig, 'journal'>): number {
  return Math.min(SEGMENT_BYTES_MAX, Math.max(SEGMENT_BYTES_MIN, journal.maxBytes * SEGMENT_SHARE))
}

/** The log on disk of a configuration, not yet opened. All other owners of slabs must be there. */
export function makeDiskLog(
  { config, clock, events, journalIo }: TopologyOptions,
  { arena, pool, ledger }: { readonly arena: Arena; readonly pool: SlabPool; readonly ledger: Ledger },
): { log: DiskLog; live: LiveFrames } {
  const owners = config.sinks.map(({ name }) =>
    pool.addOwner(`sinks.${name} read-back`, RESERVE_SLABS_READ_BACK, SHARE_OF_READ_BACK),
  )
  const liveSlabs = (pool.sharedCount * SHARE_OF_FRAMES_AT_HAND) / config.sinks.length
  const live = new LiveFrames(
    { slabsMax: Math.max(1, Math.floor(liveSlabs)), slabBytes: arena.slabBytes },
    clock,
  )
  const log = new DiskLog({
    directory: join(config.dataDir, 'journal'),
    io: journalIo ?? nodeFileIo,
    clock,
    epoch: randomBytes(8).toString('hex'),
    arena,
    pool,
    segmentBytes: segmentBytesMax(config),
    sources: ledger.sources.map(({ name }) => name),
    sinks: new Map(
      config.sinks.map(({ name, from, lookaheadBytes }, index) => [
        name,
        { from, lookaheadBytes, owner: owners[index]! },
      ]),
    ),
    live,
    deadLetters: () => {
      const { found, replayed, purged, evicted } = ledger.dlq
      return { found, replayed, purged, evicted }
    },
    events,
  })
  return { log, live }
}
