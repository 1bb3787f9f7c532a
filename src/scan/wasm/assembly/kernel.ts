/** The scan kernel: from a record's first byte to its end, checked as the program in the scanner's own memory says. */
import { beginKeys } from './keys.ts'
import { LINE_BREAKS_AT, ROOT_AT, SEVERITY_ABSENT_AT, SEVERITY_AT, TIME_AT } from '../layout.ts'
import { own32, setOwn32, setOwnF64 } from './own.ts'
import { FAIL, beginBlanks, blanksEnd, lineBreaks } from './tokens.ts'
import { beginValue, severity, timeMs, valueEnd } from './value.ts'

/**
 * The record whose value begins at `at`, blanks before it allowed, and ends at `to` at the latest. Answers the offset just
 * behind the value and leaves what it found in the own memory; FAIL: undecided. What stands behind `to` is looked at too,
 * and means nothing.
 */
export function scan(at: i32, to: i32, newlineIsSpace: bool): i32 {
  beginBlanks(newlineIsSpace)
  beginKeys(to)
  beginValue(own32(SEVERITY_ABSENT_AT))
  const end = valueEnd(blanksEnd(at), own32(ROOT_AT), 0)
  if (end < 0 || end > to) return FAIL
  setOwn32(SEVERITY_AT, severity)
  setOwn32(LINE_BREAKS_AT, lineBreaks)
  setOwnF64(TIME_AT, timeMs)
  return end
}
