/* oxlint-disable no-await-in-loop -- one segment after another */
import type { FileIo } from '../base/file-io.ts'
import { FRAME_KIND } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import { meaningByRun, readCheckpoint, withSegment } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import { SegmentWalk } from './segment-walk.ts'

export interface CountOptions {
  readonly directory: string
  readonly io: FileIo
  readonly segments: readonly SegmentInfo[]
  /** Who is meant in the newest segment; null where nothing tells. */
  readonly newest: Checkpoint | null
  readonly names: readonly string[]
}

/** Where a new sink that starts at the oldest frame begins, and what it is offered. */
export interface OldestOffer {
  /** Null: at the head. */
  readonly from: SegmentInfo | null
  /** Events, by lane. */
  readonly offered: readonly [bulk: number, fast: number]
}

/**
 * Counts the events of some sources in the log, by headers alone, from the newest segment back to the oldest, or to where
 * the disk can't read: there is no telling what is offered before that.
 */
export async function countOffered({
  directory,
  io,
  segments,
  newest,
  names,
}: CountOptions): Promise<OldestOffer> {
  const offered: [number, number] = [0, 0]
  let from: SegmentInfo | null = null
  try {
    for (const [index, segment] of [...segments.entries()].toReversed()) {
      const isNewest = index === segments.length - 1
      const own = (isNewest ? newest : null) ?? (await readCheckpoint(io, directory, segment))
      const checkpoint = own ?? (await meaningByRun(io, directory, segments, segment))
      const isOf = (source: number) => names.includes(checkpoint?.sources[source]?.name ?? '')
      const endSequence = segments[index + 1]?.firstSequence
      const [bulk, fast] = await withSegment(io, directory, segment, (file) =>
        countIn(new SegmentWalk({ file, segment, endSequence, bodies: false }), isOf),
      )
      offered[0] += bulk
      offered[1] += fast
      from = segment
    }
  } catch {
    // It begins behind what can't be read.
  }
  return { from, offered }
}

async function countIn(
  walk: SegmentWalk,
  isOf: (source: number) => boolean,
): Promise<[bulk: number, fast: number]> {
  let bulk = 0
  let fast = 0
  for (let step = await walk.next(); step !== null; step = await walk.next()) {
    if (step.kind === 'bad' && step.reason === 'unreadable') throw new Error('the disk cannot read it')
    if (step.kind !== 'frame' || step.head.kind !== FRAME_KIND.EVENTS || !isOf(step.head.source)) continue
    // One that names sinks was made before this one was there.
    if (step.head.meantFor !== null) continue
    bulk += step.head.records - step.head.fast
    fast += step.head.fast
  }
  return [bulk, fast]
}
