import type { FileIo } from '../base/file-io.ts'
import { parseSegmentName } from './segment-name.ts'
import type { SegmentName } from './segment-name.ts'

/** What else `data_dir/journal` may hold. */
const KNOWN_NAMES: ReadonlySet<string> = new Set(['state', 'quarantine'])

export interface SegmentList {
  /** Ascending. Each ends where the next begins: frames in it with that sequence, or a higher one, are void. */
  readonly segments: readonly SegmentName[]
  /** Files of failed attempts: nothing was committed in them, since the next segment begins with the same sequence. */
  readonly empty: readonly SegmentName[]
  /** Names of files that are not the journal's, or don't fit in. */
  readonly foreign: readonly string[]
  /** The highest number that was ever used, as far as names tell; 0 where there is none. */
  readonly lastNumber: number
}

/** The segments in a directory, which may be missing. Throws what the file system says. */
export async function listSegments(io: FileIo, directory: string): Promise<SegmentList> {
  const segments: SegmentName[] = []
  const empty: SegmentName[] = []
  const foreign: string[] = []
  const names = (await namesIn(io, directory)).toSorted()
  // From the newest to the oldest, since what counts of a segment is told by the next one.
  for (const name of names.toReversed()) {
    const segment = parseSegmentName(name)
    const next = segments[0]
    if (segment === undefined) {
      if (!KNOWN_NAMES.has(name)) foreign.push(name)
    } else if (
      next !== undefined &&
      segment.firstSequence === next.firstSequence &&
      segment.number < next.number
    ) {
      empty.push(segment)
    } else if (
      next !== undefined &&
      (segment.firstSequence > next.firstSequence || segment.number === next.number)
    ) {
      foreign.push(name)
    } else {
      segments.unshift(segment)
    }
  }
  const lastNumber = Math.max(0, ...names.map((name) => parseSegmentName(name)?.number ?? 0))
  return { segments, empty, foreign, lastNumber }
}

async function namesIn(io: FileIo, directory: string): Promise<string[]> {
  try {
    return await io.list(directory)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
