/**
 * What sources and sinks see of the journal, in memory mode and on disk alike: one log of frames, and for each sink a
 * reader with a cursor for each lane.
 */
import type { Frame } from './frame.ts'

export const BULK = 0
export const FAST = 1
export type LaneIndex = typeof BULK | typeof FAST

export { LANES_BOTH, LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'

/** What an extent, or a part of one, brought; appended in the order of its source. */
export interface Entry {
  /** Null where nothing has to be kept: only what was appended before is waited for. */
  readonly frame: Frame | null
  /** Called once, when it and everything appended before it is committed, before any reader sees the frame. */
  committed(): void
  /** Called once, after `committed`, when every sink that takes some of its events has settled them. */
  readonly settled?: () => void
}

/** Records [first, end) of a frame's table. */
export interface RecordRange {
  readonly first: number
  readonly end: number
}

/** What a sink has taken of a frame, until all of it is settled. */
export interface Taken {
  readonly frame: Frame
  /** Lanes whose records are meant: LANES_*. */
  readonly lanes: number
  /** Bit of the route mask that a record must have to be meant; 0: any record. */
  readonly routeBit: number
  /** Records that were not settled before, ascending: the whole table, but for some frames after a restart. */
  readonly ranges: readonly RecordRange[]
  /** Records meant, and those of the fast lane among them. */
  readonly events: number
  readonly fast: number
  /** Records meant and not settled. */
  unsettled: number
}

/** Records `first` to `first + count` of what was taken, as far as they are meant, or some of these. */
export interface TakenPart {
  readonly of: Taken
  readonly first: number
  readonly count: number
  /** Where set, of these records only those named: indexes in the table, ascending, of records that are meant. */
  readonly pick: Uint16Array | null
  /** Those that are meant, and of them the fast ones. */
  readonly events: number
  readonly fast: number
}

/** A sink's view of the log: what is committed for it, in commit order, each lane at its own pace. */
export interface LogReader {
  /**
   * Takes the oldest frame that the bulk cursor has not passed, or null where there is none at hand (then `onFrame` tells
   * when there is). While the fast cursor has not run ahead, it takes all lanes of it.
   */
  takeBulk(): Taken | null
  /** Takes the fast records of the oldest frame that the fast cursor has not passed, ahead of bulk; null as above. */
  takeFast(): Taken | null
  /** So many records of what was taken are settled. */
  settle(taken: Taken, events: number): void
  /** Nothing is committed that was not taken. */
  readonly caughtUp: boolean
  /** Bytes of the log that the bulk cursor has not passed. */
  readonly backlogBytes: number
  /** Frames at hand that the bulk cursor has not passed. */
  readonly waiting: number
  /** Events not taken, by lane (BULK, FAST). */
  held(): readonly [number, number]
  /**
   * When the oldest event not taken was received, by lane (BULK, FAST), epoch milliseconds; Infinity: none is held. A bound
   * where that is still to be read from disk: the event was received then or later.
   */
  oldestReceivedAtMs?(): readonly [number, number]
  /** The bulk cursor may not run further ahead of what is not settled, until some of that is settled or deferred. */
  readonly blocked?: boolean
  /**
   * Appends the records of a part that are meant again, as a frame of kind DEFERRED for this sink (src/encode/deferred-frame.ts),
   * from where they are taken anew. `committed` is called once, in the step that commits it: from then on they are no
   * longer unsettled where they stood, without being settled; until then `frame` must stay as it is.
   */
  defer?(part: TakenPart, frame: Uint8Array, committed: () => void): void
}

/** What became of a sink's events: what the state file says of it beside its cursors. */
export interface SettledCounts {
  /** By lane. */
  readonly delivered: readonly [number, number]
  readonly deliveredBytes: number
  readonly deadLettered: Readonly<Record<string, number>>
  readonly discarded: Readonly<Record<string, number>>
}

/** A sink as the log sees it. */
export interface ReaderOptions {
  readonly name: string
  /** Indexes of the sources whose events it gets. */
  readonly inputs: readonly number[]
  /** Bit of the route mask that is this sink's `where`; -1: it gets everything. */
  readonly filterIndex: number
  /** A frame for this sink is committed: events of it by lane, and those that its filter leaves out. Once a frame. */
  onOffered(bulk: number, fast: number, filtered: number): void
  /** Events that were offered, by lane, are found nowhere in the log. */
  onDiscarded(reason: 'corrupt', bulk: number, fast: number): void
  /** What became of what it settled, over all runs. */
  settledCounts(): SettledCounts
  /** There may be something to take. */
  onFrame(): void
  /** What was taken and is not settled, batches and leftovers alike. */
  unsettled(): Iterable<TakenPart>
}

export interface Log {
  /** A reader for a sink. Readers are added before the first frame is. */
  addReader(options: ReaderOptions): LogReader
  /** Takes an entry; whatever the disk does, it is committed in the end, or the process ends first. */
  append(entry: Entry): void
}
