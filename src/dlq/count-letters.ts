import { KIB } from '../base/units.ts'
import type { FileIo } from '../base/file-io.ts'

const READ_BYTES = 256 * KIB
const LINE_FEED = 0x0a

export interface CountedFile {
  /** Whole lines, so letters. */
  readonly letters: number
  /** Length of the whole lines: what the file has now. */
  readonly bytes: number
  /** Length of what stood behind the last line feed and was cut off. */
  readonly tornBytes: number
}

/**
 * Counts the letters of a file, in bounded memory, and cuts off an unfinished last line: a crash left it, and nobody was
 * told that it is stored, since that is said of whole lines only.
 */
export async function countLetters(io: FileIo, path: string): Promise<CountedFile> {
  const file = await io.open(path, 'modify')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    let letters = 0
    let length = 0
    let wholeBytes = 0
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one buffer, filled again and again
      const got = await file.read(buffer, length)
      if (got === 0) break
      for (let at = buffer.indexOf(LINE_FEED); at >= 0 && at < got; at = buffer.indexOf(LINE_FEED, at + 1)) {
        letters++
        wholeBytes = length + at + 1
      }
      length += got
    }
    if (length > wholeBytes) {
      await file.truncate(wholeBytes)
      await file.datasync()
    }
    return { letters, bytes: wholeBytes, tornBytes: length - wholeBytes }
  } finally {
    await file.close()
  }
}
