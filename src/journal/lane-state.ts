import { LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import type { Position } from './frame.ts'
import { FAST } from './log.ts'
import type { LaneIndex, RecordRange, TakenPart } from './log.ts'
import type { Interval, LaneState } from './state.ts'
import type { Track } from './track.ts'

/**
 * What has to be remembered of one lane, so that a later run sends what is not settled, and nothing else: where its cursor
 * stands, and what lies behind it unsettled.
 *
 * @param head where the next frame will stand.
 */
export function laneState(
  lane: LaneIndex,
  tracks: { readonly bulk: Track; readonly fast: Track | null },
  parts: Iterable<TakenPart>,
  head: Position,
): LaneState {
  const bit = bitOf(lane)
  const left = new Unsettled()
  for (const { of, first, count, pick } of parts) {
    if ((of.lanes & bit) === 0) continue
    const { position, records } = of.frame
    if (pick !== null) left.addPick(position, pick, records)
    else for (const range of of.ranges) left.addRange(position, clip(range, first, first + count), records)
  }
  const { bulk, fast } = tracks
  const leads = lane === FAST && fast !== null && fast.until === Infinity ? fast : bulk
  if (lane === FAST && fast !== null && fast !== leads) addLeftover(left, fast)
  const next = addTrack(left, leads, lane, head)
  return left.state(next)
}

/** All that a track has not handed out lies behind the cursor, which another track leads. */
function addLeftover(left: Unsettled, track: Track): void {
  track.window.forEach(({ frame, ranges }) => {
    for (const range of ranges) left.addRange(frame.position, range, frame.records)
  })
  if (track.backlog === null) return
  const { next } = track.backlog
  addResume(left, track, next)
  const from = Math.max(next.sequence, track.resume.next)
  if (from < track.until) left.add(next, { from: [from, 0], to: [track.until, 0] })
}

/** Returns where the track's cursor stands. */
function addTrack(left: Unsettled, track: Track, lane: LaneIndex, head: Position): Position {
  let next: Position | null = null
  const isFast = lane === FAST
  track.window.forEach(({ frame, ranges, lanes }, passedByFast) => {
    // What the other track has of a frame is that one's to tell.
    if (next !== null || (isFast && passedByFast) || (lanes & bitOf(lane)) === 0) return
    if (frame.position.sequence >= track.resume.next) next = frame.position
    else for (const range of ranges) left.addRange(frame.position, range, frame.records)
  })
  const { backlog, resume } = track
  if (backlog === null) return next ?? head
  if (backlog.next.sequence < resume.next) addResume(left, track, backlog.next)
  if (next !== null) return next
  if (backlog.next.sequence >= resume.next) return backlog.next
  // The place of the frame with that sequence is not known yet: it is looked for from here on.
  left.needs(backlog.next)
  return { ...backlog.next, sequence: resume.next }
}

function bitOf(lane: LaneIndex): number {
  return lane === FAST ? LANES_FAST : LANES_BULK
}

function addResume(left: Unsettled, track: Track, next: Position): void {
  for (const { from, to } of track.resume.unsettled) {
    if (to[0] < next.sequence) continue
    const begin: Interval['from'] = from[0] < next.sequence ? [next.sequence, 0] : from
    if (begin[0] < to[0] || (begin[0] === to[0] && begin[1] < to[1])) left.add(next, { from: begin, to })
  }
}

function clip({ first, end }: RecordRange, from: number, to: number): RecordRange {
  return { first: Math.max(first, from), end: Math.min(end, to) }
}

/** Records of one frame, each with a mark where it was picked; behind the last is one that never is. */
interface Picked {
  readonly position: Position
  readonly marks: Uint8Array
}

/** Collects what is not settled behind a cursor. */
class Unsettled {
  readonly #intervals: Interval[] = []
  /** By sequence: frames of which single records were picked. */
  readonly #picked = new Map<number, Picked>()
  #oldest: Position | null = null

  /** Picks of a frame can be many, and together be all of it: they are marked, and become intervals at the end. */
  addPick(position: Position, pick: Uint16Array, records: number): void {
    let picked = this.#picked.get(position.sequence)
    if (picked === undefined) {
      picked = { position, marks: new Uint8Array(records + 1) }
      this.#picked.set(position.sequence, picked)
    }
    for (const record of pick) picked.marks[record] = 1
  }

  addRange(position: Position, { first, end }: RecordRange, records: number): void {
    if (first >= end) return
    const { sequence } = position
    this.add(position, { from: [sequence, first], to: end === records ? [sequence + 1, 0] : [sequence, end] })
  }

  add(position: Position, interval: Interval): void {
    this.#intervals.push(interval)
    this.needs(position)
  }

  /** What stands at the position and behind it is read again. */
  needs(position: Position): void {
    if (this.#oldest === null || position.sequence < this.#oldest.sequence) this.#oldest = position
  }

  state(next: Position): LaneState {
    for (const { position, marks } of this.#picked.values()) {
      const records = marks.length - 1
      for (let first = marks.indexOf(1); first !== -1;) {
        const end = marks.indexOf(0, first)
        this.addRange(position, { first, end }, records)
        first = marks.indexOf(1, end)
      }
    }
    const oldest = this.#oldest === null || this.#oldest.sequence > next.sequence ? next : this.#oldest
    return { next, oldest, unsettled: merged(this.#intervals) }
  }
}

function merged(intervals: Interval[]): Interval[] {
  intervals.sort((a, b) => a.from[0] - b.from[0] || a.from[1] - b.from[1])
  const result: Interval[] = []
  for (const each of intervals) {
    const last = result.at(-1)
    const touches =
      last !== undefined &&
      (each.from[0] < last.to[0] || (each.from[0] === last.to[0] && each.from[1] <= last.to[1]))
    if (!touches) result.push(each)
    else if (each.to[0] > last.to[0] || (each.to[0] === last.to[0] && each.to[1] > last.to[1]))
      result[result.length - 1] = { from: last.from, to: each.to }
  }
  return result
}
