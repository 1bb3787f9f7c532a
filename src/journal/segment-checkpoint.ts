import { join } from 'node:path'
import type { FileIo } from '../base/file-io.ts'
import { FRAME_KIND } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import { decodeCheckpoint } from './frame-codec.ts'
import { segmentFileName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'
import { SegmentWalk } from './segment-walk.ts'

/** What a segment begins with; null where that can't be read, for whatever reason. */
export async function readCheckpoint(
  io: FileIo,
  directory: string,
  segment: SegmentName,
): Promise<Checkpoint | null> {
  try {
    const file = await io.open(join(directory, segmentFileName(segment)), 'read')
    try {
      const walk = new SegmentWalk({ file, segment })
      const first = await walk.next()
      if (first?.kind !== 'frame' || first.offset !== 0 || first.head.kind !== FRAME_KIND.CHECKPOINT)
        return null
      return decodeCheckpoint(walk.memory.bytes, first.at, first.head)
    } finally {
      await file.close().catch(() => {})
    }
  } catch {
    return null
  }
}
