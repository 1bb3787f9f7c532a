import type { Clock } from '../base/clock.ts'
import type { FileIo } from '../base/file-io.ts'
import type { SinkTally, SourceTally } from './checkpoint.ts'
import { countOffered } from './count-offered.ts'
import type { LaneStart, ReaderStart } from './disk-reader-options.ts'
import { BULK, FAST } from './log.ts'
import type { Recovered } from './recovery.ts'
import { readCheckpoint } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import type { JournalState, LaneState, SinkState } from './state.ts'

/** A sink of the configuration. */
export interface AttachedSink {
  readonly name: string
  /** Indexes of the sources of the configuration. */
  readonly inputs: readonly number[]
  readonly filterIndex: number
  readonly from: 'now' | 'oldest'
}

/** Where a sink goes on, and since when it is there. */
export interface Attachment {
  readonly attachedAt: string
  /** As in SinkState. */
  readonly before: number
  /** Null: at the head of the log. */
  readonly start: ReaderStart | null
}

/**
 * Where a sink of the configuration begins. Fills its tally where it is new and starts at the oldest frame.
 *
 * @param sources tallies of the sources of the configuration.
 */
export async function attach(
  { name, inputs, from }: AttachedSink,
  tally: SinkTally,
  sources: readonly SourceTally[],
  recovered: Recovered,
  state: JournalState | null,
  { directory, io, clock }: { readonly directory: string; readonly io: FileIo; readonly clock: Clock },
): Promise<Attachment> {
  const known = state?.sinks[name]
  const names = inputs.map((source) => sources[source]!.name)
  const attachedAt = known?.attachedAt ?? new Date(clock.wallClock()).toISOString()
  const [oldest] = recovered.segments
  let start: ReaderStart | null = null
  if (known !== undefined) start = startOf(known, name, recovered, state!.sequence)
  else if (oldest !== undefined && recovered.checkpoint.sinks.some((sink) => sink.name === name)) {
    // Its cursor is lost: it gets everything that is there once more, but what was deferred only where it first stood.
    const begin = await readCheckpoint(io, directory, oldest)
    const before = begin?.sinks.find((sink) => sink.name === name)?.offered ?? [0, 0]
    const again = recovered.deferred.filter(
      ({ sink, originSequence }) => sink === name && originSequence >= oldest.firstSequence,
    )
    start = { ...startAt(oldest, before), voided: again.map(({ position }) => position.sequence) }
  } else if (oldest !== undefined && from === 'oldest') {
    const oldestOffer = await countOffered({ ...recovered, directory, io, names })
    const [bulk, fast] = oldestOffer.offered
    tally.offered[BULK] = bulk
    tally.offered[FAST] = fast
    if (oldestOffer.from !== null) start = startAt(oldestOffer.from, [0, 0])
  }
  // While it was not configured, nothing was counted for it.
  const wasThere = recovered.checkpoint.sinks.some((sink) => sink.name === name && sink.inputs.length > 0)
  if (known !== undefined && wasThere && known.inputs.join() === names.join())
    return { attachedAt, before: known.before, start }
  const accepted = inputs.reduce((sum, source) => sum + sources[source]!.accepted, 0)
  return { attachedAt, before: accepted - tally.offered[BULK] - tally.offered[FAST] - tally.filtered, start }
}

function startOf(
  state: SinkState,
  name: string,
  { deferred }: Recovered,
  stateSequence: number,
): ReaderStart {
  const [bulk, fast] = state.lanes
  const voided = voidedOf(state, name, deferred, stateSequence)
  return { lanes: [laneStart(bulk), laneStart(fast)], settled: state.settled, voided }
}

/** Deferred frames that the state of a sink knows nothing of: their records count where they first stood. */
export function voidedOf(
  { voided }: SinkState,
  name: string,
  deferred: Recovered['deferred'],
  stateSequence: number,
): number[] {
  const unknown = deferred
    .filter(({ sink, position }) => sink === name && position.sequence >= stateSequence)
    .map(({ position }) => position.sequence)
  return [...new Set([...voided, ...unknown])]
}

function laneStart({ next, oldest, unsettled }: LaneState): LaneStart {
  return { from: oldest, resume: { next: next.sequence, unsettled } }
}

/** A sink begins with a segment, of whose offered events so many, by lane, count as settled. */
function startAt({ number, firstSequence }: SegmentInfo, settled: readonly [number, number]): ReaderStart {
  const from = { segment: number, offset: 0, sequence: firstSequence }
  const lane = { from, resume: { next: firstSequence, unsettled: [] } }
  return { lanes: [lane, lane], settled, voided: [] }
}
