/* oxlint-disable no-await-in-loop -- one file after another */
import { join } from 'node:path'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { writeAll } from '../base/write-all.ts'
import { marksName, newLetterFile } from './letter-file.ts'
import type { LetterFile } from './letter-file.ts'

/** One call of `write` that waits for its commit. */
export interface PendingWrite {
  readonly lines: Uint8Array
  readonly letters: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Writes in one `writev`; far below IOV_MAX. */
const GROUP_WRITES_MAX = 256
/** Files that could not be cut back yet; with more of them no new file is begun until one can. */
const UNCUT_FILES_MAX = 8

/**
 * The files of one source, oldest first, and the writes that wait for them. Appends one group at a time; only the queue
 * calls it, and never twice at once.
 */
export class LetterSeries {
  readonly source: string
  readonly files: LetterFile[] = []
  readonly pending: PendingWrite[] = []
  /** Failed attempts in a row, and when to try next, on the monotonic clock. */
  failures = 0
  retryAtMs = 0
  readonly #io: FileIo
  readonly #directory: string
  readonly #nextSequence: () => number
  #open: { readonly file: LetterFile; readonly handle: OpenFile } | null = null
  /** Files that may have more on disk than was committed. */
  readonly #uncut = new Set<LetterFile>()

  constructor(source: string, io: FileIo, directory: string, nextSequence: () => number) {
    this.source = source
    this.#io = io
    this.#directory = directory
    this.#nextSequence = nextSequence
  }

  /** What the files take on disk. */
  get diskBytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes + file.uncutBytes + file.marksBytes, 0)
  }

  groupBytes(count: number): number {
    let bytes = 0
    for (let index = 0; index < count; index++) bytes += this.pending[index]!.lines.length
    return bytes
  }

  /** A file of an earlier run, called in the order of their sequence. The newest one goes on being filled. */
  addFound(file: LetterFile): void {
    const older = this.files.at(-1)
    if (older !== undefined) older.sealed = true
    this.files.push(file)
  }

  /** How many of the pending writes make the next group: as many as fit, at least one. */
  groupCount(groupBytesMax: number): number {
    let bytes = 0
    let count = 0
    for (const { lines } of this.pending) {
      bytes += lines.length
      if (count === GROUP_WRITES_MAX || (count > 0 && bytes > groupBytesMax)) break
      count++
    }
    return count
  }

  /**
   * Appends the first `count` pending writes to the newest file, or to a new one where they don't fit, and commits them.
   * When it rejects, nothing of them counts, and the file that failed is cut back and left: after a failed fdatasync
   * the kernel may hold pages for clean that never reached the disk, so such a file is not appended to again.
   */
  async append(count: number, fileBytesMax: number): Promise<void> {
    const group = this.pending.slice(0, count)
    const bytes = this.groupBytes(count)
    const { file, handle } = await this.#writable(bytes, fileBytesMax)
    try {
      await writeAll(
        handle,
        group.map(({ lines }) => lines),
        file.bytes,
      )
      await handle.datasync()
    } catch (error) {
      await this.#giveUp(file, handle, bytes)
      throw error
    }
    file.bytes += bytes
    file.letters += group.reduce((sum, { letters }) => sum + letters, 0)
    this.pending.splice(0, count)
    for (const { resolve } of group) resolve()
  }

  /** Unlinks a file with its marks, whatever its state. The caller syncs the directory. */
  async drop(file: LetterFile): Promise<void> {
    if (this.#open?.file === file) await this.close()
    await this.#unlink(file)
  }

  /** Closes the open file; what is in it has been committed, so nothing can be lost by a failing close. */
  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.handle.close().catch(() => {})
  }

  /** At the end: cuts back what is not, if the disk lets it, and closes. */
  async finish(): Promise<void> {
    await this.#cutBackAll().catch(() => {})
    await this.close()
  }

  async #writable(bytes: number, fileBytesMax: number): Promise<{ file: LetterFile; handle: OpenFile }> {
    await this.#cutBackAll()
    const newest = this.files.at(-1)
    if (newest !== undefined && newest.bytes > 0 && newest.bytes + bytes > fileBytesMax) newest.sealed = true
    if (newest === undefined || newest.sealed) {
      await this.close()
      this.#open = await this.#begin()
    } else if (this.#open === null) {
      this.#open = await this.#reopen(newest)
    }
    return this.#open
  }

  async #begin(): Promise<{ file: LetterFile; handle: OpenFile }> {
    const file = newLetterFile(this.source, this.#nextSequence())
    const handle = await this.#io.open(this.#path(file), 'create')
    this.files.push(file)
    try {
      await this.#io.syncDirectory(this.#directory)
    } catch (error) {
      await this.#giveUp(file, handle, 0)
      throw error
    }
    return { file, handle }
  }

  /** The newest file of an earlier run goes on being filled, so that restarts don't multiply files. */
  async #reopen(file: LetterFile): Promise<{ file: LetterFile; handle: OpenFile }> {
    try {
      return { file, handle: await this.#io.open(this.#path(file), 'modify') }
    } catch (error) {
      if (!isMissing(error)) throw error
      file.sealed = true
      return this.#begin()
    }
  }

  async #giveUp(file: LetterFile, handle: OpenFile, uncutBytes: number): Promise<void> {
    this.#open = null
    file.sealed = true
    file.uncutBytes = uncutBytes
    this.#uncut.add(file)
    await this.#cutBack(file, handle).catch(() => {})
    await handle.close().catch(() => {})
  }

  async #cutBackAll(): Promise<void> {
    let lastError: unknown
    for (const file of this.#uncut) {
      let handle: OpenFile | undefined
      try {
        handle = await this.#io.open(this.#path(file), 'modify')
        await this.#cutBack(file, handle)
      } catch (error) {
        if (!isMissing(error)) lastError = error
        else this.#isCutBack(file)
      } finally {
        await handle?.close().catch(() => {})
      }
    }
    if (this.#uncut.size > UNCUT_FILES_MAX) throw lastError
  }

  /** To the committed length; a file with nothing committed goes. */
  async #cutBack(file: LetterFile, handle: OpenFile): Promise<void> {
    await handle.truncate(file.bytes)
    await handle.datasync()
    if (file.letters === 0) await this.#unlink(file)
    this.#isCutBack(file)
  }

  #isCutBack(file: LetterFile): void {
    file.uncutBytes = 0
    this.#uncut.delete(file)
  }

  /** The letters first: marks without letters are nothing, letters without marks would be in the queue again. */
  async #unlink(file: LetterFile): Promise<void> {
    await this.#unlinkName(file.name)
    if (file.marksBytes > 0) await this.#unlinkName(marksName(file.name))
    this.#uncut.delete(file)
    const at = this.files.indexOf(file)
    if (at >= 0) this.files.splice(at, 1)
  }

  async #unlinkName(name: string): Promise<void> {
    try {
      await this.#io.unlink(join(this.#directory, name))
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  #path(file: LetterFile): string {
    return join(this.#directory, file.name)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
