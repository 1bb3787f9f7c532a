/* oxlint-disable no-await-in-loop -- one file, one buffer, after another */
import { join } from 'node:path'
import type { FileIo } from '../../base/file-io.ts'
import { KIB } from '../../base/units.ts'
import { parseFileName } from '../../dlq/letter-file.ts'

const READ_BYTES = 256 * KIB
const LINE_FEED = 0x0a

/** Whole dead letters in the files of a queue, which may be missing, or written meanwhile. Changes nothing. */
export async function lettersOnDisk(io: FileIo, directory: string): Promise<number> {
  let letters = 0
  for (const name of await io.list(directory).catch(nothingIfMissing)) {
    if (parseFileName(name) !== undefined) letters += await lettersIn(io, join(directory, name))
  }
  return letters
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
