/* oxlint-disable no-await-in-loop -- one segment after another */
import { join } from 'node:path'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { KIB } from '../base/units.ts'
import { HEADER_BYTES } from '../memory/frame-region.ts'
import type { Checkpoint } from './checkpoint.ts'
import { FileWindow } from './file-window.ts'
import { decodeCheckpoint } from './frame-codec.ts'
import { frameAt } from './scan.ts'
import { segmentFileName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'
import { SegmentWalk } from './segment-walk.ts'

/** Holds most checkpoints; of a longer one no more is read than it takes. */
const WINDOW_BYTES = 4 * KIB

/** What a segment begins with; null where that is damaged. Rejects with what the disk says. */
export async function checkpointIn(file: OpenFile, segment: SegmentName): Promise<Checkpoint | null> {
  const window = new FileWindow(file, WINDOW_BYTES)
  const expected = { segment: segment.number, sequence: segment.firstSequence, epoch: null }
  await window.load(0, HEADER_BYTES)
  let found = frameAt(window.memory, 0, window.end, expected)
  if (found.kind === 'short') {
    await window.load(0, found.neededBytes)
    found = frameAt(window.memory, 0, window.end, expected)
  }
  return found.kind === 'frame' ? decodeCheckpoint(window.memory.bytes, 0, found.head) : null
}

/** What a segment begins with; null where that can't be read, for whatever reason. */
export async function readCheckpoint(
  io: FileIo,
  directory: string,
  segment: SegmentName,
): Promise<Checkpoint | null> {
  try {
    return await withSegment(io, directory, segment, (file) => checkpointIn(file, segment))
  } catch {
    return null
  }
}

/**
 * What the indexes in a segment mean whose own checkpoint is damaged: all segments of a run mean the same by them, so that
 * of the nearest one before or behind it will do, if the same run wrote it. Null where nothing tells. Its counts are not
 * this segment's. Rejects with what the disk says.
 *
 * @param segments those that are there, ascending.
 */
export async function meaningByRun(
  io: FileIo,
  directory: string,
  segments: readonly SegmentName[],
  segment: SegmentName,
): Promise<Checkpoint | null> {
  const epoch = await withSegment(io, directory, segment, (file) => epochOf(file, segment))
  const before = segments.filter(({ number }) => number < segment.number).toReversed()
  const behind = segments.filter(({ number }) => number > segment.number)
  for (const others of [before, behind]) {
    const nearest = await firstCheckpoint(io, directory, others)
    if (nearest !== null && nearest.epoch === epoch) return nearest
  }
  return null
}

async function firstCheckpoint(
  io: FileIo,
  directory: string,
  segments: readonly SegmentName[],
): Promise<Checkpoint | null> {
  for (const segment of segments) {
    const found = await withSegment(io, directory, segment, (file) => checkpointIn(file, segment))
    if (found !== null) return found
  }
  return null
}

/** By the first header that can be believed; it is for the caller to know a run of that epoch. */
async function epochOf(file: OpenFile, segment: SegmentName): Promise<string | null> {
  const walk = new SegmentWalk({ file, segment, bodies: false })
  for (let step = await walk.next(); step !== null; step = await walk.next())
    if (step.head !== null) return step.head.epoch
  return null
}

/** Opens a segment, and closes it in the end. */
export async function withSegment<T>(
  io: FileIo,
  directory: string,
  segment: SegmentName,
  act: (file: OpenFile) => Promise<T>,
): Promise<T> {
  const file = await io.open(join(directory, segmentFileName(segment)), 'read')
  try {
    return await act(file)
  } finally {
    await file.close().catch(() => {})
  }
}
