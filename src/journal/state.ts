import type { Checkpoint } from './checkpoint.ts'
import type { Position } from './frame.ts'
import type { SettledCounts } from './log.ts'

/**
 * Records from (sequence `from[0]`, index `from[1]`) to, but without, (sequence `to[0]`, index `to[1]`): not settled,
 * though the cursor has passed them.
 */
export interface Interval {
  readonly from: readonly [sequence: number, record: number]
  readonly to: readonly [sequence: number, record: number]
}

/** A cursor of a sink: everything before `next` is settled, but for the intervals. */
export interface LaneState {
  readonly next: Position
  /** Where the oldest record that is not settled stands, or `next`: what lies before is not needed. */
  readonly oldest: Position
  /** Ascending; not overlapping. */
  readonly unsettled: readonly Interval[]
}

/** What is known of a sink beyond what the log says. */
export interface SinkState extends SettledCounts {
  /** ISO 8601. */
  readonly attachedAt: string
  /** Names of the sources that it reads. */
  readonly inputs: readonly string[]
  /**
   * Accepted events of its inputs that were not counted for it: `accepted - before = offered + filtered`. Below 0 where an
   * input that counted has left.
   */
  readonly before: number
  /** By lane: bulk, fast. While equal, the cursors stand together. */
  readonly lanes: readonly [LaneState, LaneState]
  /** Events settled, by lane: delivered, dead-lettered or discarded. `offered - settled` are held in the log. */
  readonly settled: readonly [number, number]
  /**
   * Sequences of its DEFERRED frames that don't count: a crash came before it was known that their records had been put
   * off, so these come from where they first stood.
   */
  readonly voided: readonly number[]
}

/** Counts of the dead-letter queue over all runs. */
export interface DeadLetterState {
  readonly found: number
  readonly replayed: number
  readonly purged: number
  readonly evicted: number
}

/** Everything that changes without a frame being written: one small file, written again and again. */
export interface JournalState {
  readonly version: 1
  /** Of the next frame to be committed, at the moment that the state tells of. */
  readonly sequence: number
  /** Of the newest segment, in case that its own can't be read. */
  readonly checkpoint: Checkpoint
  /** By name; also of sinks that have left the configuration, until they are detached. */
  readonly sinks: Readonly<Record<string, SinkState>>
  readonly deadLetters: DeadLetterState
}
