/* oxlint-disable no-await-in-loop -- one file, one buffer, after another */
import { join } from 'node:path'
import type { FileIo } from '../../base/file-io.ts'
import { KIB } from '../../base/units.ts'
import { marksName, parseFileName } from '../../dlq/letter-file.ts'
import { MARK_KINDS, readMarks } from '../../dlq/marks.ts'
import type { MarkTotals } from '../../dlq/marks.ts'

const READ_BYTES = 256 * KIB
const LINE_FEED = 0x0a

/** What the files of a queue tell. */
export interface LettersOnDisk {
  /** Whole dead letters that are not marked. */
  readonly queued: number
  /** That marks tell of, files that have gone included. */
  readonly totals: MarkTotals
}

/** Counts a queue that may be missing, or written meanwhile. Changes nothing. */
export async function lettersOnDisk(io: FileIo, directory: string): Promise<LettersOnDisk> {
  let queued = 0
  const totals = { replayed: 0, purged: 0 }
  for (const name of await io.list(directory).catch(nothingIfMissing)) {
    if (parseFileName(name) === undefined) continue
    // The marks first: of a file that goes meanwhile they go behind it.
    const marks = await readMarks(io, join(directory, marksName(name)))
    const letters = await lettersIn(io, join(directory, name))
    queued += letters - Math.min(letters, marks.lines.count)
    for (const kind of MARK_KINDS) totals[kind] = Math.max(totals[kind], marks.totals[kind])
  }
  return { queued, totals }
}

async function lettersIn(io: FileIo, path: string): Promise<number> {
  const file = await io.open(path, 'read').catch(nothingIfMissing)
  if (Array.isArray(file)) return 0
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  let letters = 0
  try {
    for (let position = 0; ;) {
      const read = await file.read(buffer, position)
      if (read === 0) return letters
      const lines = buffer.subarray(0, read)
      for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) letters++
      position += read
    }
  } finally {
    await file.close().catch(() => {})
  }
}

/** An evicted file, or a queue that never had a letter. */
function nothingIfMissing(error: unknown): never[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}
