import { FRAME_KIND, regionBytes } from '../memory/frame-region.ts'
import { isMeantFor } from '../memory/meant-for.ts'
import type { SlabPool } from '../memory/slab-pool.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Frame } from './frame.ts'
import type { FramePiece } from './track.ts'

/** A sink of the configuration, as today's frames have it. */
export interface Recipient {
  readonly name: string
  readonly inputs: ReadonlySet<number>
  readonly routeBit: number
  /** Sequences of DEFERRED frames that don't count. */
  readonly voided: ReadonlySet<number>
  /** Index of a source in the topology, -1 where it has left. */
  sourceIndex(name: string): number
}

/**
 * How the records of a frame that are for a sink are told: bit of the route mask that they have, 0 for all records, -1
 * where none is for it. That was decided when the frame was made, by the configuration of that run, which its segment's
 * checkpoint tells; where nothing tells, nobody gets it on a guess.
 */
export function routeBitOf(
  { head }: FramePiece,
  checkpoint: Checkpoint | null,
  recipient: Recipient,
): number {
  const { name, inputs, voided } = recipient
  if (checkpoint === null) return -1
  if (head.kind === FRAME_KIND.DEFERRED) {
    const isForIt = checkpoint.sinks[head.sink]?.name === name
    return isForIt && !voided.has(head.sequence) ? 0 : -1
  }
  const index = checkpoint.sinks.findIndex((known) => known.name === name)
  const sink = checkpoint.sinks[index]
  if (sink === undefined) {
    // From before it was attached: by today's inputs, of frames that name nobody.
    if (head.meantFor !== null) return -1
    return inputs.has(recipient.sourceIndex(checkpoint.sources[head.source]?.name ?? '')) ? 0 : -1
  }
  if (!sink.inputs.includes(head.source) || !isMeantFor(head.meantFor, index)) return -1
  return sink.filter === -1 ? 0 : 1 << sink.filter
}

/** A frame that stands in a slab of its reader, which it holds. */
export function frameBack(
  { head, at, position }: FramePiece,
  slab: number,
  committedAtMs: number,
  pool: SlabPool,
  source: { readonly index: number; readonly name: string },
): Frame {
  const bytesFrom = at + regionBytes(head.runs, head.records)
  pool.retain(slab)
  return {
    source: source.index,
    sourceName: source.name,
    region: at,
    runs: head.runs,
    bytesFrom,
    bytesTo: bytesFrom + head.bytes,
    records: head.records,
    fast: head.fast,
    breaks: head.breaks,
    firstTimeMs: head.firstTimeMs,
    lastTimeMs: head.lastTimeMs,
    receivedAtMs: head.receivedAtMs,
    routed: null,
    meantFor: head.meantFor,
    slab,
    readBack: true,
    originSequence: head.kind === FRAME_KIND.DEFERRED ? head.originSequence : position.sequence,
    position,
    committedAtMs,
    holders: 0,
    release: () => pool.release(slab),
  }
}
