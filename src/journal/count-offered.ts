/* oxlint-disable no-await-in-loop -- one segment after another */
import { join } from 'node:path'
import type { FileIo } from '../base/file-io.ts'
import { FRAME_KIND } from '../memory/frame-region.ts'
import { checkpointIn, meaningFromBefore } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'
import { SegmentWalk } from './segment-walk.ts'

export interface CountOptions {
  readonly directory: string
  readonly io: FileIo
  readonly segments: readonly SegmentInfo[]
  readonly names: readonly string[]
}

/**
 * Events of some sources in the whole log, by lane: what is offered to a new sink that starts at the oldest frame. Reads
 * headers alone. What the disk doesn't let be read is not offered.
 */
export async function countOffered(options: CountOptions): Promise<[bulk: number, fast: number]> {
  const counts: [number, number] = [0, 0]
  for (const index of options.segments.keys()) await countIn(index, options, counts).catch(() => {})
  return counts
}

async function countIn(
  index: number,
  { directory, io, segments, names }: CountOptions,
  counts: [number, number],
): Promise<void> {
  const segment = segments[index]!
  const file = await io.open(join(directory, segmentFileName(segment)), 'read')
  try {
    const own = await checkpointIn(file, segment)
    const checkpoint = own ?? (await meaningFromBefore(io, directory, segments, segment))
    const endSequence = segments[index + 1]?.firstSequence
    const walk = new SegmentWalk({ file, segment, endSequence, bodies: false })
    for (let step = await walk.next(); step !== null; step = await walk.next()) {
      if (step.kind !== 'frame' || step.head.kind !== FRAME_KIND.EVENTS) continue
      if (!names.includes(checkpoint?.sources[step.head.source]?.name ?? '')) continue
      counts[0] += step.head.records - step.head.fast
      counts[1] += step.head.fast
    }
  } finally {
    await file.close()
  }
}
