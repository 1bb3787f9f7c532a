import { join } from 'node:path'
import type { FileIo, OpenFile } from '../base/file-io.ts'
import { writeAll } from '../base/write-all.ts'
import { marksName } from './letter-file.ts'
import type { LetterFile } from './letter-file.ts'
import type { LetterRun } from './letter-id.ts'
import { formatMark, newlyMarked, readMarks } from './marks.ts'
import type { LineSet, MarkKind, MarkTotals } from './marks.ts'

/**
 * Writes marks, one call at a time. After a failed write nothing more is marked until what it may have left was cut off: its
 * totals would be told a second time by the next mark, and the start after a crash would count one of them too few.
 */
export class Marker {
  readonly #io: FileIo
  readonly #directory: string
  /** Lines marked in the file of the last call: marks of one file come one after another. */
  #last: { readonly file: LetterFile; readonly lines: LineSet } | null = null
  #uncut: LetterFile | null = null

  constructor(io: FileIo, directory: string) {
    this.#io = io
    this.#directory = directory
  }

  /**
   * Resolves to how many letters are marked now that were not before, once that is on disk; rejects when the disk fails,
   * and then none of them is.
   *
   * @param totals before this call.
   */
  async mark(
    file: LetterFile,
    runs: readonly LetterRun[],
    kind: MarkKind,
    totals: MarkTotals,
  ): Promise<number> {
    await this.#cutBack()
    const marked = await this.#marked(file)
    const { lines, count } = newlyMarked(runs, file.letters, marked)
    if (count === 0) return 0
    const bytes = formatMark(kind, lines, {
      replayed: totals.replayed + (kind === 'replayed' ? count : 0),
      purged: totals.purged + (kind === 'purged' ? count : 0),
    })
    try {
      await this.#append(file, bytes)
    } catch (error) {
      this.#uncut = file
      await this.#cutBack().catch(() => {})
      throw error
    }
    file.marksBytes += bytes.length
    file.marked += count
    for (const [first, last] of lines) for (let line = first; line <= last; line++) marked.add(line)
    return count
  }

  /** The file has gone. */
  forget(file: LetterFile): void {
    if (this.#last?.file === file) this.#last = null
    if (this.#uncut === file) this.#uncut = null
  }

  /** At the end: cuts off what is left of a failed write, if the disk lets it; else the next start takes it for marked. */
  async finish(): Promise<void> {
    await this.#cutBack().catch(() => {})
  }

  async #marked(file: LetterFile): Promise<LineSet> {
    if (this.#last?.file !== file) {
      const { lines } = await readMarks(this.#io, this.#path(file))
      this.#last = { file, lines }
    }
    return this.#last.lines
  }

  async #append(file: LetterFile, bytes: Buffer): Promise<void> {
    const isNew = file.marksBytes === 0
    const handle = await this.#io.open(this.#path(file), isNew ? 'create' : 'modify')
    try {
      await writeAll(handle, [bytes], file.marksBytes)
      await handle.datasync()
    } finally {
      await handle.close().catch(() => {})
    }
    if (isNew) await this.#io.syncDirectory(this.#directory)
  }

  async #cutBack(): Promise<void> {
    const file = this.#uncut
    if (file === null) return
    let handle: OpenFile | undefined
    try {
      if (file.marksBytes === 0) {
        await this.#io.unlink(this.#path(file))
        await this.#io.syncDirectory(this.#directory)
      } else {
        handle = await this.#io.open(this.#path(file), 'modify')
        await handle.truncate(file.marksBytes)
        await handle.datasync()
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    } finally {
      await handle?.close().catch(() => {})
    }
    this.#uncut = null
  }

  #path(file: LetterFile): string {
    return join(this.#directory, marksName(file.name))
  }
}
