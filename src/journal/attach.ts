import type { Checkpoint, SinkTally, SourceTally } from './checkpoint.ts'
import { newSinkTally, newSourceTally } from './checkpoint.ts'
import type { LaneStart, ReaderStart } from './disk-reader.ts'
import type { Position } from './frame.ts'
import type { LaneState, SinkState } from './state.ts'

/** A sink of the configuration. */
export interface AttachedSink {
  readonly name: string
  /** Indexes of the sources of the configuration. */
  readonly inputs: readonly number[]
  readonly filterIndex: number
  readonly from: 'now' | 'oldest'
}

/** The tallies of this configuration: what was counted goes on; what has left stands behind. */
export function tallies(
  sources: readonly string[],
  sinks: readonly AttachedSink[],
  before: Checkpoint | null,
): { readonly sources: SourceTally[]; readonly sinks: SinkTally[] } {
  const oldSources = new Map(before?.sources.map((tally) => [tally.name, tally]))
  const oldSinks = new Map(before?.sinks.map((tally) => [tally.name, tally]))
  const sourceTallies = sources.map((name) => oldSources.get(name) ?? newSourceTally(name))
  const sinkTallies = sinks.map(({ name, inputs, filterIndex }) => {
    const tally = newSinkTally(name, inputs, filterIndex)
    const old = oldSinks.get(name)
    if (old === undefined) return tally
    return { ...tally, offered: [...old.offered] as [number, number], filtered: old.filtered }
  })
  for (const tally of oldSources.values()) if (!sources.includes(tally.name)) sourceTallies.push(tally)
  const names = sinks.map(({ name }) => name)
  for (const tally of oldSinks.values())
    if (!names.includes(tally.name)) sinkTallies.push({ ...tally, inputs: [], filter: -1 })
  return { sources: sourceTallies, sinks: sinkTallies }
}

/** Where a sink that was attached before goes on; `voided` as in its state. */
export function startOf({ lanes, settled }: SinkState, voided: readonly number[]): ReaderStart {
  const [bulk, fast] = lanes
  return { lanes: [laneStart(bulk), laneStart(fast)], settled, voided }
}

function laneStart({ next, oldest, unsettled }: LaneState): LaneStart {
  return { from: oldest, resume: { next: next.sequence, unsettled } }
}

/** A sink begins at a place, of whose offered events so many, by lane, count as settled. */
export function startAt(place: Position, settled: readonly [number, number]): ReaderStart {
  const lane = { from: place, resume: { next: place.sequence, unsettled: [] } }
  return { lanes: [lane, lane], settled, voided: [] }
}
