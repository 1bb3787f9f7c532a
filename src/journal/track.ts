import { RECORD_FAST, recordWord, LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import type { Piece } from './backlog.ts'
import type { Backlog } from './backlog.ts'
import type { FrameHolds } from './frame-holds.ts'
import type { Position } from './frame.ts'
import type { RecordRange, TakenPart } from './log.ts'
import type { Interval } from './state.ts'
import { Window } from './window.ts'

/**
 * What is left of an earlier run at the beginning of a cursor's way: of the frames before `next` only some records are
 * not settled.
 */
export interface Resume {
  /** Sequence of the first frame of which nothing was passed. */
  readonly next: number
  readonly unsettled: readonly Interval[]
}

export const NOTHING_TO_RESUME: Resume = { next: 0, unsettled: [] }

/** A cursor's way through the log: what is at hand, and where the rest is read from. */
export interface Track {
  readonly window: Window
  /** Lanes that it takes: LANES_*. */
  lanes: number
  /** Null while it stands at the head: then what is committed comes to it by itself. */
  backlog: Backlog | null
  resume: Resume
  /** Goes no further than to this sequence; the other track has the rest. */
  until: number
  reading: boolean
}

/** At the head. */
export function newTrack(lanes: number, holds: FrameHolds): Track {
  const window = new Window(
    (frame) => holds.hold(frame),
    (frame) => holds.letGo(frame),
  )
  return { window, lanes, backlog: null, resume: NOTHING_TO_RESUME, until: Infinity, reading: false }
}

/** Records of a frame that are not settled, of one that an earlier run had passed or not; empty when all are. */
export function rangesOf({ next, unsettled }: Resume, sequence: number, records: number): RecordRange[] {
  if (sequence >= next) return records === 0 ? [] : [{ first: 0, end: records }]
  const ranges: RecordRange[] = []
  for (const { from, to } of unsettled) {
    if (from[0] > sequence || to[0] < sequence) continue
    const first = from[0] === sequence ? from[1] : 0
    const end = to[0] === sequence ? Math.min(to[1], records) : records
    if (first < end) ranges.push({ first, end })
  }
  return ranges
}

/** Records within ranges of a table, by lane, that have a bit of the route mask (0: all). */
export function countMeant(
  words: Int32Array,
  table: { readonly region: number; readonly runs: number; readonly records: number; readonly fast: number },
  ranges: readonly RecordRange[],
  routeBit: number,
): [bulk: number, fast: number] {
  const { region, runs, records, fast } = table
  const whole = ranges.length === 1 && ranges[0]!.first === 0 && ranges[0]!.end === records
  if (whole && routeBit === 0) return [records - fast, fast]
  const counts: [number, number] = [0, 0]
  for (const { first, end } of ranges) {
    for (let record = first; record < end; record++) {
      const word = recordWord(region, runs, record)
      if (routeBit !== 0 && (words[word + 3]! & routeBit) === 0) continue
      counts[(words[word]! & RECORD_FAST) === 0 ? 0 : 1]++
    }
  }
  return counts
}

/** Whether a cursor of the fast lane alone has nothing to look for in a frame. */
export function isSlow(lanes: number): (head: { readonly fast: number }) => boolean {
  return ({ fast }) => lanes === LANES_FAST && fast === 0
}

/** Of counts by lane, those of some lanes. */
export function within(lanes: number, [bulk, fast]: readonly [number, number]): [bulk: number, fast: number] {
  return [(lanes & LANES_BULK) === 0 ? 0 : bulk, (lanes & LANES_FAST) === 0 ? 0 : fast]
}

export type FramePiece = Extract<Piece, { kind: 'frame' }>

/** Where the oldest frame stands of which something was taken and is not settled. */
export function oldestOf(parts: Iterable<TakenPart>): Position | null {
  let oldest: Position | null = null
  for (const { of } of parts) {
    const { position } = of.frame
    if (oldest === null || position.sequence < oldest.sequence) oldest = position
  }
  return oldest
}
