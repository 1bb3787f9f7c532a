import type { BadStep } from './segment-walk.ts'

/** What is wrong with a piece of a segment, and what of the ledger is in doubt with it. */
export interface Damage {
  readonly segment: number
  /** Bytes [offset, end) of the segment's file are no frame, or a damaged one; equal where frames are missing. */
  readonly offset: number
  readonly end: number
  /** `missing`: what stood here is gone, or what was damaged before it hid more than it looked like. */
  readonly reason: BadStep['reason'] | 'missing'
  /** Sequences of the frames concerned, as far as known. */
  readonly frames: { readonly first: number; readonly count: number } | null
  /** Accepted events that are lost with it, by source, as far as headers tell. */
  readonly lost: Readonly<Record<string, number>>
}
