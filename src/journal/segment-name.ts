/**
 * A segment's file: `<number, 10 digits>.<first sequence, 16 digits>.frames`, so that a listing shows them in order and
 * tells which frames are where, without a file being opened.
 */
export interface SegmentName {
  readonly number: number
  /** Sequence of the first frame behind its checkpoint. */
  readonly firstSequence: number
}

/** Segment numbers have 32 bits in a frame's header. */
export const SEGMENT_NUMBER_MAX = 2 ** 32 - 1

const FILE_NAME = /^(\d{10})\.(\d{16})\.frames$/

export function segmentFileName({ number, firstSequence }: SegmentName): string {
  return `${String(number).padStart(10, '0')}.${String(firstSequence).padStart(16, '0')}.frames`
}

/** What a file's name says; undefined for files that are no segments. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = FILE_NAME.exec(name)
  if (match === null) return undefined
  const parsed = { number: Number(match[1]), firstSequence: Number(match[2]) }
  return parsed.number <= SEGMENT_NUMBER_MAX && Number.isSafeInteger(parsed.firstSequence)
    ? parsed
    : undefined
}
