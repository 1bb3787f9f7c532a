/** Where a frame stands in the journal; in memory mode segment and offset are 0. */
export interface Position {
  /** Number of the segment. */
  readonly segment: number
  /** Of the frame's first byte in it. */
  readonly offset: number
  readonly sequence: number
}

/**
 * A committed frame as the main thread sees it: where its accepted records and their table lie in the arena (layout:
 * src/memory/frame-region.ts), be it where a worker made it or where it was read back to. Unit of the log, of event ids
 * and of the sinks; never changed.
 */
export interface Frame {
  /** Index of the source in the topology; -1 where it has left the configuration. */
  readonly source: number
  readonly sourceName: string
  readonly region: number
  readonly runs: number
  /** Absolute offset of the first byte; record offsets are relative to it. */
  readonly bytesFrom: number
  readonly bytesTo: number
  readonly records: number
  /** Records of the fast lane; the rest is bulk. */
  readonly fast: number
  /** Records with RECORD_BREAK. */
  readonly breaks: number
  readonly firstTimeMs: number
  readonly lastTimeMs: number
  readonly receivedAtMs: number
  /** Records that filter i lets through: [2 i] of bulk, [2 i + 1] of fast; null when no sink has a filter. */
  readonly routed: Int32Array | null
  /** Indexes of the sinks that it is for; null: all that read its source (src/memory/meant-for.ts). */
  readonly meantFor: readonly number[] | null
  /** Slab that its bytes lie in. */
  readonly slab: number
  /** It was read back, to a slab that belongs to one sink. */
  readonly readBack: boolean
  /** When it was committed, or read back, by the monotonic clock. */
  committedAtMs: number
  /** Sequence of the frame that its records came with first; another one than its own if they were deferred. */
  originSequence: number
  /** Its sequence is the commit order over all sources, from 1. Event id = (epoch, sequence, index). */
  position: Position
  /** Those who need it where it is; the last to let go frees its slabs. */
  holders: number
  /** Lets go of the slabs; called once, by `letGo`. */
  release(): void
}

export function hold(frame: Frame): void {
  frame.holders++
}

export function letGo(frame: Frame): void {
  if (--frame.holders === 0) frame.release()
}
