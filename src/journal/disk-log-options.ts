import type { Clock } from '../base/clock.ts'
import type { FileIo } from '../base/file-io.ts'
import type { Arena } from '../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../memory/slab-pool.ts'
import type { AttachedSink } from './attach.ts'
import type { QuarantineEvents } from './quarantine.ts'
import type { RecoveryEvents } from './recovery.ts'
import type { StateFileEvents } from './state-file.ts'
import type { DeadLetterState } from './state.ts'
import type { JournalWriterEvents } from './writer.ts'
import type { LiveFrames } from './live-frames.ts'

/** What the log on disk tells the operator, beyond what its parts do. */
export interface DiskLogEvents
  extends JournalWriterEvents, StateFileEvents, RecoveryEvents, QuarantineEvents {
  /** Events that were offered to a sink are found nowhere. */
  eventsDiscarded(sink: string, reason: string, count: number): void
  journalReadFailing(sink: string, reason: string, retryMs: number): void
  journalStateFailing(reason: string, retryMs: number): void
  /** A sink that has left the configuration keeps what it has not got, until it is detached. */
  sinkLeft(sink: string, held: number): void
  sinkDetached(sink: string, discarded: number): void
}

/** A sink as the configuration has it. */
export interface LogSink extends Pick<AttachedSink, 'from'> {
  readonly lookaheadBytes: number
  /** Slabs that its frames are read back to. */
  readonly owner: SlabOwner
}

export interface DiskLogOptions {
  /** `data_dir/journal`; made when missing. */
  readonly directory: string
  readonly io: FileIo
  readonly clock: Clock
  /** Of this run: 16 hexadecimal digits, random. */
  readonly epoch: string
  readonly arena: Arena
  readonly pool: SlabPool
  readonly segmentBytes: number
  /** Names, in the order of the topology. */
  readonly sources: readonly string[]
  /** By name. */
  readonly sinks: ReadonlyMap<string, LogSink>
  readonly live: LiveFrames
  readonly deadLetters: () => DeadLetterState
  readonly events: DiskLogEvents
}
