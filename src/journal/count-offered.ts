/* oxlint-disable no-await-in-loop -- one segment after another */
import { join } from 'node:path'
import type { FileIo } from '../base/file-io.ts'
import { FRAME_KIND } from '../memory/frame-region.ts'
import { readCheckpoint } from './backlog.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'
import { SegmentWalk } from './segment-walk.ts'

/**
 * Events of some sources in the whole log, by lane: what is offered to a new sink that starts at the oldest frame. Reads
 * headers alone.
 */
export async function countOffered(options: {
  readonly directory: string
  readonly io: FileIo
  readonly segments: readonly SegmentInfo[]
  readonly names: readonly string[]
}): Promise<[bulk: number, fast: number]> {
  const { directory, io, segments, names } = options
  const counts: [number, number] = [0, 0]
  for (const [index, segment] of segments.entries()) {
    const file = await io.open(join(directory, segmentFileName(segment)), 'read')
    try {
      const checkpoint = await readCheckpoint(file, segment)
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
  return counts
}
