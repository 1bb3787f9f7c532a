/** One file of the archive while it is written: settled bytes, and nothing behind them that was not asked to stay. */
import { join } from 'node:path'
import type { FileIo, OpenFile } from '../../base/file-io.ts'
import { openIfThere, readMark, unlinkIfThere, writeAll } from './settled-mark.ts'
import { wholeTail } from './whole-tail.ts'

export class ArchiveFile {
  readonly name: string
  readonly createdAtMs: number
  settledBytes = 0
  readonly #io: FileIo
  readonly #directory: string
  readonly #file: OpenFile

  private constructor(io: FileIo, directory: string, name: string, file: OpenFile, createdAtMs: number) {
    this.#io = io
    this.#directory = directory
    this.name = name
    this.#file = file
    this.createdAtMs = createdAtMs
  }

  /** Its name is durable once the directory is committed. */
  static async create(
    io: FileIo,
    directory: string,
    name: string,
    createdAtMs: number,
  ): Promise<ArchiveFile> {
    return new ArchiveFile(io, directory, name, await io.open(join(directory, name), 'create'), createdAtMs)
  }

  /** Writes and commits; returns where the bytes end. They are settled once the caller says so. */
  async append(views: readonly Uint8Array[]): Promise<number> {
    const end = await writeAll(this.#file, views, this.settledBytes)
    await this.#file.datasync()
    return end
  }

  /** Takes away what is not settled; the file is not written again after that. */
  async cutBack(): Promise<void> {
    await cutBack(this.#io, this.#directory, this.name, this.#file, this.settledBytes)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Cuts the file that the last process wrote, when it was killed, back to what was settled. */
export async function repair(
  io: FileIo,
  directory: string,
  bootId: string,
  compression: 'none' | 'gzip' | 'zstd',
): Promise<void> {
  const mark = await readMark(io, directory, bootId)
  if (mark === null) return
  const file = await openIfThere(io, join(directory, mark.file))
  if (file === null) return
  try {
    const kept = mark.exact
      ? mark.settledBytes
      : await wholeTail((into, position) => file.read(into, position), mark.settledBytes, compression)
    const isLonger = (await file.read(Buffer.alloc(1), kept)) > 0
    if (isLonger || kept === 0) await cutBack(io, directory, mark.file, file, kept)
  } finally {
    await file.close()
  }
}

/** An empty file goes altogether. */
async function cutBack(
  io: FileIo,
  directory: string,
  name: string,
  file: OpenFile,
  bytes: number,
): Promise<void> {
  await file.truncate(bytes)
  await file.datasync()
  if (bytes > 0) return
  await unlinkIfThere(io, join(directory, name))
  await io.syncDirectory(directory)
}
