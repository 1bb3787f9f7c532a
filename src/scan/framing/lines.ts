import { UNDECIDED } from '../scanner.ts'
import type { Extent } from '../extent.ts'

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const TAB = 0x09

/**
 * Newline framing: every line is a record, blank lines are none. [from, to) ends with LF. A line that is not a record
 * is refused alone; the next one starts behind its LF. Returns the offset reached: `to`, or the beginning of the record
 * for which there was no room.
 */
export function frameLines(extent: Extent, from: number, to: number): number {
  const { bytes } = extent
  const { scanner } = extent.kernel
  let at = from
  while (at < to) {
    let byte = bytes[at]!
    while (byte === SPACE || byte === TAB || byte === CR) byte = bytes[++at]!
    if (byte === LF) {
      // A blank line between two records would break their run: it becomes blanks in front of the next line.
      bytes[at++] = SPACE
      continue
    }
    const end = extent.condemned ? UNDECIDED : scanner.scanLine(bytes, at)
    if (end !== UNDECIDED) {
      let behind = end
      byte = bytes[behind]!
      while (byte === SPACE || byte === TAB || byte === CR) byte = bytes[++behind]!
      if (byte === LF && behind < to) {
        if (!extent.accept(at, end, scanner.severity, scanner.timeMs)) return at
        at = behind + 1
        continue
      }
    }
    let lineEnd = bytes.indexOf(LF, at)
    if (lineEnd === -1 || lineEnd > to) lineEnd = to
    const next = lineEnd + 1
    while (lineEnd > at && isBlank(bytes[lineEnd - 1]!)) lineEnd--
    if (!extent.decide(at, lineEnd)) return at
    at = Math.min(next, to)
  }
  return to
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR
}
