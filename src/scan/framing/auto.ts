import { RUN_KIND } from '../../memory/frame-region.ts'
import type { SourceKernel } from '../kernel.ts'
import { skipBlanks, skipValue, TOO_DEEP } from '../skip.ts'
import { insideContainer } from './container.ts'
import { endOfLine } from './lines.ts'
import { Nesting } from './nesting.ts'

const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/** The first line's end must be seen first. */
export const NOT_YET = -1

/**
 * How a body of unknown type is framed: LINES if its first line (not counting blank ones) is one complete JSON value,
 * else DOCUMENTS; so is, of a source with a records path, a first line that is an array or holds one there. NOT_YET while [from, to) doesn't tell; a line longer than `max_record_bytes` is none. `ended`: nothing
 * follows behind `to`.
 */
export function kindOf(
  bytes: Uint8Array,
  from: number,
  to: number,
  ended: boolean,
  { maxRecordBytes, maxDepth, recordsPath }: SourceKernel,
): number {
  const at = skipBlanks(bytes, from, to, true)
  const lineEnd = endOfLine(bytes, at, to)
  if (lineEnd === to && !ended) return to - from > maxRecordBytes ? RUN_KIND.DOCUMENTS : NOT_YET
  if (lineEnd - from > maxRecordBytes) return RUN_KIND.DOCUMENTS
  let end = skipValue(bytes, at, lineEnd, maxDepth, false)
  if (end === TOO_DEEP) end = new Nesting().pass(bytes, at, lineEnd)
  if (end < 0 || skipBlanks(bytes, end, lineEnd, false) < lineEnd) return RUN_KIND.DOCUMENTS
  return recordsPath !== null && holdsRecords(bytes, at, lineEnd, recordsPath, maxDepth)
    ? RUN_KIND.DOCUMENTS
    : RUN_KIND.LINES
}

function holdsRecords(
  bytes: Uint8Array,
  at: number,
  end: number,
  path: readonly string[],
  maxDepth: number,
): boolean {
  if (bytes[at] === OPEN_ARRAY) return true
  return bytes[at] === OPEN_OBJECT && insideContainer(bytes, at, end, path, maxDepth) > 0
}
