import type { Clock } from '../base/clock.ts'
import type { Arena } from '../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../memory/slab-pool.ts'
import type { Backlog, BadBytes } from './backlog.ts'
import type { SinkTally } from './checkpoint.ts'
import type { DeliveryWatch } from './delivery-watch.ts'
import type { Frame, Position } from './frame.ts'
import type { ReaderOptions } from './log.ts'
import type { Resume, Track } from './track.ts'
import type { LiveFrames } from './live-frames.ts'

/** What a reader needs of the log that it belongs to. */
export interface DiskReaderOptions {
  readonly sink: ReaderOptions
  /** Of the sink in the configuration, and so in the checkpoints of this run. */
  readonly index: number
  readonly arena: Arena
  readonly pool: SlabPool
  /** Slabs that frames are read back to; at least two reserved. */
  readonly owner: SlabOwner
  /** Of all sinks: frames at hand that were never read back. */
  readonly live: LiveFrames
  readonly lookaheadBytes: number
  readonly clock: Clock
  readonly watch: DeliveryWatch
  /** Offset of a place in the log as a whole, what has gone included. */
  readonly offsetOf: (position: Position) => number
  /** Behind the last committed frame. */
  head(): Position
  openBacklog(from: Position): Backlog
  /** Appends a DEFERRED frame for a sink, of records that came with another frame. */
  appendDeferred(sink: SinkTally, of: Frame, frame: Uint8Array, committed: (position: Position) => void): void
  /** Index of a source in the topology, -1 where it has left. */
  sourceIndex(name: string): number
  onDamage(damage: BadBytes): void
  onReadFailing(reason: string, retryMs: number): void
  /** Something changed that the state file tells of. */
  onChange(): void
}

/** Where a reader goes on after a restart: of each lane. */
export interface ReaderStart {
  readonly lanes: readonly [LaneStart, LaneStart]
  readonly settled: readonly [number, number]
  /** Sequences of DEFERRED frames that don't count. */
  readonly voided: readonly number[]
}

export interface LaneStart {
  readonly from: Position
  readonly resume: Resume
}

/** Where a reader stands. */
export interface ReaderPlace {
  readonly bulk: Track
  readonly fast: Track | null
  /** Events taken of all that were ever offered, by lane. */
  readonly passed: readonly [number, number]
  /** As in SinkState. */
  readonly voided: ReadonlySet<number>
}
