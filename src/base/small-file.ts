/** Files that are read and written as a whole: whoever reads one sees all of what was written at one time. */
import { dirname } from 'node:path'
import type { FileIo } from './file-io.ts'
import { writeAll } from './write-all.ts'

/** Null where there is none. Throws what else the file system says. */
export async function readWhole(path: string, io: FileIo): Promise<Buffer | null> {
  const file = await io.open(path, 'read').catch((error: unknown) => {
    if (isNotFound(error)) return null
    throw error
  })
  if (file === null) return null
  try {
    const bytes = Buffer.alloc(await file.bytes())
    for (let done = 0; done < bytes.length;) {
      // oxlint-disable-next-line no-await-in-loop -- one behind the other
      const read = await file.read(bytes.subarray(done), done)
      if (read === 0) return bytes.subarray(0, done)
      done += read
    }
    return bytes
  } finally {
    await file.close().catch(() => {})
  }
}

/** In place of what was there, on disk when it resolves: written beside it, synced, renamed. Throws what the file system says. */
export async function replaceWhole(path: string, bytes: Uint8Array, io: FileIo): Promise<void> {
  const beside = `${path}.new`
  await io.unlink(beside).catch(() => {})
  const file = await io.open(beside, 'create')
  try {
    await writeAll(file, [bytes], 0)
    await file.datasync()
  } finally {
    await file.close()
  }
  await io.rename(beside, path)
  await io.syncDirectory(dirname(path))
}

export function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
