/* oxlint-disable no-await-in-loop -- what is left of one write is the next */
/**
 * Which file is being written and how much of it is settled, in a small file beside it. It is overwritten in place after
 * each commit, but not committed itself: that would double the cost of a batch. So after a killed process it is exact,
 * because the kernel still has what was written; after the host went down it can be behind, never ahead by more than the
 * file itself. The boot id tells the two apart.
 *
 *     ad5cf1c6-7f4e-4d5c-a4ac-2b0a1ba0a3c4 0000000001048576 archive-20261103T091500.000Z-1.ndjson
 */
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileIo, OpenFile } from '../../base/file-io.ts'

const MARK_FILE = '.settled'
const BOOT_ID_CHARS = 36
const BYTES_DIGITS = 16
const MARK_BYTES_MAX = 512

export interface Mark {
  /** Whether the host has been up ever since it was written. */
  readonly exact: boolean
  readonly settledBytes: number
  readonly file: string
}

/** Random at each start of the host; '' where the system doesn't tell, and then no mark is exact. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}

/** What the last process left; null where there is nothing that can be read. */
export async function readMark(io: FileIo, directory: string, bootId: string): Promise<Mark | null> {
  const file = await openIfThere(io, join(directory, MARK_FILE))
  if (file === null) return null
  const bytes = Buffer.alloc(MARK_BYTES_MAX)
  const length = await file.read(bytes, 0)
  await file.close()
  const match = /^(.{36}) (\d{16}) ([^\n/]+)\n/.exec(bytes.toString('latin1', 0, length))
  if (match === null) return null
  return {
    exact: match[1] === bootId && bootId !== '',
    settledBytes: Number(match[2]),
    file: match[3]!,
  }
}

export async function openIfThere(io: FileIo, path: string): Promise<OpenFile | null> {
  try {
    return await io.open(path, 'modify')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

export async function unlinkIfThere(io: FileIo, path: string): Promise<void> {
  try {
    await io.unlink(path)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

export class SettledMark {
  readonly #file: OpenFile
  readonly #bootId: string

  private constructor(file: OpenFile, bootId: string) {
    this.#file = file
    this.#bootId = bootId
  }

  /** Takes the place of the one that the last process left; shows that files can be made in the directory. */
  static async create(io: FileIo, directory: string, bootId: string): Promise<SettledMark> {
    const path = join(directory, MARK_FILE)
    await unlinkIfThere(io, path)
    const file = await io.open(path, 'create')
    await io.syncDirectory(directory)
    return new SettledMark(file, bootId)
  }

  /** Names the file that will be written next; durable before its first byte, so that what is unsettled always has a mark. */
  async begin(file: string): Promise<void> {
    const line = Buffer.from(`${this.#bootId.padEnd(BOOT_ID_CHARS)} ${digits(0)} ${file}\n`, 'latin1')
    await this.#file.truncate(0)
    await writeAll(this.#file, [line], 0)
    await this.#file.datasync()
  }

  async note(settledBytes: number): Promise<void> {
    await writeAll(this.#file, [Buffer.from(digits(settledBytes), 'latin1')], BOOT_ID_CHARS + 1)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Writes all views; the operating system may take fewer bytes than it is given. */
export async function writeAll(
  file: OpenFile,
  views: readonly Uint8Array[],
  position: number,
): Promise<number> {
  let at = position
  let rest = views
  while (rest.length > 0) {
    const written = await file.writev(rest, at)
    assert(written > 0, 'a write that takes nothing fails')
    at += written
    rest = behind(rest, written)
  }
  return at
}

function behind(views: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes
  let first = 0
  while (first < views.length && left >= views[first]!.length) left -= views[first++]!.length
  if (left === 0) return views.slice(first)
  return [views[first]!.subarray(left), ...views.slice(first + 1)]
}

function digits(bytes: number): string {
  return String(bytes).padStart(BYTES_DIGITS, '0')
}
