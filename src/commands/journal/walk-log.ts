/* oxlint-disable no-await-in-loop -- one segment after another */
import { join } from 'node:path'
import { reasonOf, spwError } from '../../base/errors.ts'
import type { OpenFile } from '../../base/file-io.ts'
import type { Checkpoint } from '../../journal/checkpoint.ts'
import { SegmentAccount } from '../../journal/segment-account.ts'
import { listSegments } from '../../journal/segment-list.ts'
import { segmentFileName } from '../../journal/segment-name.ts'
import type { SegmentName } from '../../journal/segment-name.ts'
import { SegmentWalk } from '../../journal/segment-walk.ts'
import type { Step } from '../../journal/segment-walk.ts'
import { readState } from '../../journal/state-file.ts'
import type { JournalState } from '../../journal/state.ts'
import type { JournalView } from './open-journal.ts'

/** One segment, read to its end. */
export interface SegmentRead {
  readonly segment: SegmentName
  readonly name: string
  readonly isNewest: boolean
  readonly account: SegmentAccount
  readonly walk: SegmentWalk
  readonly fileBytes: number
  /** What the segments before it add up to; null where they don't tell. */
  readonly carried: Checkpoint | null
}

export interface LogVisitor {
  /** False: the segment is left out. `next` is null for the newest one. */
  wants?(segment: SegmentName, next: SegmentName | null): boolean
  /** A step of the walk, counted already. False: enough is read. */
  step?(step: Step, walk: SegmentWalk, account: SegmentAccount): boolean | Promise<boolean>
  end?(read: SegmentRead): void
}

/** The newest state; throws SPW_ERR_STATE_*. */
export async function stateOf({ directory, io }: JournalView): Promise<JournalState | null> {
  const path = join(directory, 'state')
  try {
    return (await readState(path, io)).state
  } catch (error) {
    throw asUnusable(error, directory)
  }
}

/**
 * Reads the log from its oldest segment to its newest, as it is at this moment; a collector may write and remove segments
 * meanwhile. Throws SPW_ERR_JOURNAL_UNUSABLE.
 */
export async function walkLog(
  view: JournalView,
  state: JournalState | null,
  visitor: LogVisitor,
): Promise<void> {
  const segments = await segmentsOf(view)
  let carried: Checkpoint | null = null
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1] ?? null
    if (visitor.wants?.(segment, next) === false) continue
    const file = await openSegment(view, segment)
    if (file === null) continue
    try {
      const known = state?.checkpoint.segment === segment.number ? state.checkpoint : null
      const walk = new SegmentWalk({ file, segment, endSequence: next?.firstSequence, epoch: known?.epoch })
      const account = new SegmentAccount(segment, known ?? carried)
      for (let step = await walk.next(); step !== null; step = await walk.next()) {
        account.step(step, walk.memory)
        if (visitor.step !== undefined && !(await visitor.step(step, walk, account))) return
      }
      account.finish(walk)
      const name = segmentFileName(segment)
      const fileBytes = await file.bytes()
      visitor.end?.({ segment, name, isNewest: next === null, account, walk, fileBytes, carried })
      carried = account.carry(walk)
    } finally {
      await file.close().catch(() => {})
    }
  }
}

async function segmentsOf({ io, directory }: JournalView): Promise<readonly SegmentName[]> {
  try {
    return (await listSegments(io, directory)).segments
  } catch (error) {
    throw asUnusable(error, directory)
  }
}

/** Null where the collector has removed it meanwhile. */
async function openSegment({ io, directory }: JournalView, segment: SegmentName): Promise<OpenFile | null> {
  try {
    return await io.open(join(directory, segmentFileName(segment)), 'read')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw asUnusable(error, directory)
  }
}

function asUnusable(error: unknown, directory: string): unknown {
  if (error instanceof Error && !('code' in error && String(error.code).startsWith('E'))) return error
  return spwError('SPW_ERR_JOURNAL_UNUSABLE', { directory, reason: reasonOf(error) }, { cause: error })
}
