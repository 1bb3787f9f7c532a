/**
 * A committed frame as the main thread sees it: where the accepted records of one extent and their table lie in the
 * arena (layout: src/memory/frame-region.ts). Unit of the log, of event ids and of the sinks; never changed.
 */
export interface Frame {
  /** Commit order over all sources, from 1. Event id = (epoch, sequence, index). */
  readonly sequence: number
  /** Index of the source in the topology. */
  readonly source: number
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
  /** Sinks that have not settled all of it. */
  holders: number
  /** Lets go of the slabs; called by the log once, when the last sink has settled it. */
  release(): void
}
