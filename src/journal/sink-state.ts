import type { Attachment } from './attach.ts'
import type { DiskReader } from './disk-reader.ts'
import type { Position } from './frame.ts'
import { laneState } from './lane-state.ts'
import { BULK, FAST } from './log.ts'
import type { TakenPart } from './log.ts'
import type { SinkState } from './state.ts'

/**
 * What the state file says of a sink at this moment.
 *
 * @param inputs names of its sources.
 * @param head where the next frame will stand.
 */
export function sinkState(
  { sink, place }: DiskReader,
  { attachedAt, before }: Attachment,
  inputs: readonly string[],
  head: Position,
): SinkState {
  const parts = [...sink.unsettled()]
  const lanes = [laneState(BULK, place, parts, head), laneState(FAST, place, parts, head)] as const
  const oldest = Math.min(...lanes.map((lane) => lane.oldest.sequence))
  return {
    attachedAt,
    inputs,
    before,
    lanes,
    settled: settledOf(place.passed, parts),
    voided: [...place.voided].filter((sequence) => sequence >= oldest),
    ...sink.settledCounts(),
  }
}

/** Of what was taken, all that is not unsettled. */
function settledOf(
  [bulk, fast]: readonly [number, number],
  parts: readonly TakenPart[],
): readonly [number, number] {
  const settled: [number, number] = [bulk, fast]
  for (const part of parts) {
    settled[FAST] -= part.fast
    settled[BULK] -= part.events - part.fast
  }
  return settled
}
