import type { Extent } from '../extent.ts'
import { UNDECIDED } from '../scanner.ts'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

/**
 * Newline framing: every line is a record, blank lines are none. [from, to) ends with LF, or with the blanks before a
 * record. A line that is not a record is refused alone; the next one starts behind its LF. Returns the offset reached:
 * `to`, or the beginning of the record for which there was no room.
 */
export function frameLines(extent: Extent, from: number, to: number): number {
  const { bytes } = extent
  const { scanner } = extent.kernel
  let at = from
  for (;;) {
    let byte = bytes[at]!
    while (isBlank(byte)) byte = bytes[++at]!
    if (at >= to) return to
    if (byte === LF) {
      // A blank line between two records would break their run: it becomes blanks in front of the next line.
      bytes[at++] = SPACE
      continue
    }
    if (extent.isFull()) return at
    const end = extent.condemned ? UNDECIDED : scanner.scanLine(at)
    if (end !== UNDECIDED) {
      let behind = end
      byte = bytes[behind]!
      while (isBlank(byte)) byte = bytes[++behind]!
      if (byte === LF && behind < to) {
        if (!extent.accept(at, end, scanner.severity, scanner.timeMs, scanner.rawBreaks)) return at
        at = behind + 1
        continue
      }
    }
    const lineEnd = endOfLine(bytes, at, to)
    let recordEnd = lineEnd
    while (isBlank(bytes[recordEnd - 1]!)) recordEnd--
    if (!extent.decide(at, recordEnd)) return at
    at = lineEnd + 1
  }
}

/** Offset of the LF at or after `at`, at most `to`. */
export function endOfLine(bytes: Uint8Array, at: number, to: number): number {
  while (at < to && bytes[at] !== LF) at++
  return at
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR
}
