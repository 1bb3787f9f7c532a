/* oxlint-disable no-await-in-loop -- one buffer, filled again and again */
import type { OpenFile } from '../base/file-io.ts'
import { KIB, MIB } from '../base/units.ts'

const READ_BYTES = 256 * KIB
/** No letter is as long: what is longer is damage, and handed out as an empty line. */
const LINE_BYTES_MAX = 64 * MIB
const LINE_FEED = 0x0a
const EMPTY_LINE = Buffer.from('\n')

/**
 * A file in blocks of whole lines, the last line feed included; what stands behind that is left out. A block is good until the
 * next one is asked for. Memory: 256 KiB, or twice the longest line.
 *
 * @param endBytes reads no further, though the file may grow.
 */
export async function* wholeLines(
  file: OpenFile,
  endBytes: number,
  lineBytesMax: number = LINE_BYTES_MAX,
): AsyncGenerator<Buffer> {
  let buffer = Buffer.allocUnsafe(READ_BYTES)
  /** Bytes of an unfinished line at the begin of the buffer. */
  let kept = 0
  let overlong = false
  for (let position = 0; position < endBytes;) {
    const into = buffer.subarray(kept, Math.min(buffer.length, kept + endBytes - position))
    const got = await file.read(into, position)
    if (got === 0) return
    position += got
    const filled = kept + got
    let from = 0
    if (overlong) {
      from = buffer.subarray(0, filled).indexOf(LINE_FEED) + 1
      if (from > 0) yield EMPTY_LINE
      overlong = from === 0
    }
    const end = overlong ? 0 : buffer.lastIndexOf(LINE_FEED, filled - 1) + 1
    if (end > from) yield buffer.subarray(from, end)
    kept = overlong ? 0 : filled - Math.max(from, end)
    buffer.copyWithin(0, filled - kept, filled)
    if (kept < buffer.length) continue
    if (kept < lineBytesMax) {
      buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)])
    } else {
      overlong = true
      kept = 0
    }
  }
}

/** Calls back for each line of such a block, without its line feed: where it starts and ends. */
export function forEachLine(block: Buffer, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < block.length;) {
    const to = block.indexOf(LINE_FEED, from)
    visit(from, to)
    from = to + 1
  }
}
