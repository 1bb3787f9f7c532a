import { RUN_KIND } from '../../memory/frame-region.ts'
import type { SourceKernel } from '../kernel.ts'
import { skipBlanks, skipValue, TOO_DEEP } from '../skip.ts'
import { endOfLine } from './lines.ts'
import { Nesting } from './nesting.ts'

/** The first line's end must be seen first. */
export const NOT_YET = -1

/**
 * How a body of unknown type is framed: LINES if its first line (not counting blank ones) is one complete JSON value,
 * else DOCUMENTS. NOT_YET while [from, to) doesn't tell; a line longer than `max_record_bytes` is none. `ended`: nothing
 * follows behind `to`.
 */
export function kindOf(
  bytes: Uint8Array,
  from: number,
  to: number,
  ended: boolean,
  { maxRecordBytes, maxDepth }: SourceKernel,
): number {
  const at = skipBlanks(bytes, from, to, true)
  const lineEnd = endOfLine(bytes, at, to)
  if (lineEnd === to && !ended) return to - from > maxRecordBytes ? RUN_KIND.DOCUMENTS : NOT_YET
  if (lineEnd - from > maxRecordBytes) return RUN_KIND.DOCUMENTS
  let end = skipValue(bytes, at, lineEnd, maxDepth, false)
  if (end === TOO_DEEP) end = new Nesting().pass(bytes, at, lineEnd)
  return end >= 0 && skipBlanks(bytes, end, lineEnd, false) === lineEnd ? RUN_KIND.LINES : RUN_KIND.DOCUMENTS
}
