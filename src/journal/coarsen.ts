import { FRAME_RECORDS_MAX } from '../memory/frame-region.ts'
import type { Interval, JournalState, LaneState, SinkState } from './state.ts'

/** Between an interval and the one before it. */
interface Gap {
  readonly before: Interval
  readonly behind: Interval
  readonly records: number
}

/**
 * A state whose JSON is `excessBytes` shorter, at least: unsettled intervals of a lane that are near to each other become
 * one, the nearest first. What lies between them counts as unsettled again, so after a crash some events are sent once
 * more; none is lost. Null where that is not enough.
 */
export function coarsen(state: JournalState, excessBytes: number): JournalState | null {
  const gaps = gapsOf(state).toSorted((a, b) => a.records - b.records)
  const closed = new Set<Interval>()
  let savedBytes = 0
  for (const gap of gaps) {
    if (savedBytes >= excessBytes) break
    savedBytes += jsonBytesOf(gap)
    closed.add(gap.behind)
  }
  return savedBytes >= excessBytes ? withoutGaps(state, closed) : null
}

function gapsOf({ sinks }: JournalState): Gap[] {
  const gaps: Gap[] = []
  for (const { lanes } of Object.values(sinks)) {
    for (const { unsettled } of lanes) {
      for (let i = 1; i < unsettled.length; i++) gaps.push(gapBetween(unsettled[i - 1]!, unsettled[i]!))
    }
  }
  return gaps
}

/** A frame counts as full: how many records it has is not known here. */
function gapBetween(before: Interval, behind: Interval): Gap {
  const frames = behind.from[0] - before.to[0]
  return { before, behind, records: frames * FRAME_RECORDS_MAX + behind.from[1] - before.to[1] }
}

/** What goes from `{"from":A,"to":B},{"from":C,"to":D}` when it becomes `{"from":A,"to":D}`. */
function jsonBytesOf({ before, behind }: Gap): number {
  return `,"to":${JSON.stringify(before.to)}},{"from":${JSON.stringify(behind.from)}`.length
}

function withoutGaps(state: JournalState, closed: ReadonlySet<Interval>): JournalState {
  const sinks = Object.entries(state.sinks).map(([name, sink]): [string, SinkState] => {
    const [bulk, fast] = sink.lanes
    return [name, { ...sink, lanes: [joined(bulk, closed), joined(fast, closed)] }]
  })
  return { ...state, sinks: Object.fromEntries(sinks) }
}

function joined(lane: LaneState, closed: ReadonlySet<Interval>): LaneState {
  const unsettled: Interval[] = []
  for (const span of lane.unsettled) {
    if (closed.has(span)) unsettled.push({ from: unsettled.pop()!.from, to: span.to })
    else unsettled.push(span)
  }
  return { ...lane, unsettled }
}
