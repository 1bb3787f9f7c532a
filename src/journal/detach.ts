import type { Position } from './frame.ts'
import type { LaneState, SinkState } from './state.ts'

/** Why the events of a detached sink were discarded, in its counts. */
export const DETACHED = 'detached'

export interface Detached {
  readonly sink: SinkState
  /** Events that it still held. */
  readonly discarded: number
}

/**
 * A sink that has left the configuration gives up what the journal keeps for it: everything it still held counts as
 * discarded, so its side of the ledger goes on to hold, and nothing of the log before `end` is needed for it.
 *
 * @param offered Events, by lane, that were ever offered to it.
 */
export function detach(sink: SinkState, offered: readonly [number, number], end: Position): Detached {
  const held = offered[0] + offered[1] - sink.settled[0] - sink.settled[1]
  const discarded = Math.max(0, held)
  const before = Object.hasOwn(sink.discarded, DETACHED) ? sink.discarded[DETACHED]! : 0
  const lane: LaneState = { next: end, oldest: end, unsettled: [] }
  return {
    discarded,
    sink: {
      ...sink,
      lanes: [lane, lane],
      settled: [offered[0], offered[1]],
      discarded: discarded === 0 ? sink.discarded : { ...sink.discarded, [DETACHED]: before + discarded },
    },
  }
}
