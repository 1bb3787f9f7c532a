/* oxlint-disable no-await-in-loop -- one file after another */
import { join } from 'node:path'
import type { FileIo } from '../base/file-io.ts'
import { countLetters } from './count-letters.ts'
import { marksName, newLetterFile, parseFileName, parseMarksName } from './letter-file.ts'
import type { LetterFile } from './letter-file.ts'
import { MARK_KINDS, readMarks } from './marks.ts'
import type { MarkTotals } from './marks.ts'

export interface FoundFiles {
  /** In the order of their sequence. */
  readonly files: readonly { readonly source: string; readonly file: LetterFile }[]
  readonly lastSequence: number
  /** The highest that marks tell of. */
  readonly totals: MarkTotals
}

/** What an earlier run left in the queue's directory: unfinished lines are cut off, marks of files that have gone go too. */
export async function findFiles(
  io: FileIo,
  directory: string,
  events: { deadLetterTorn(file: string, bytes: number): void },
): Promise<FoundFiles> {
  const names = new Set(await io.list(directory))
  const files: { source: string; file: LetterFile }[] = []
  const totals = { replayed: 0, purged: 0 }
  let lastSequence = 0
  for (const name of names) {
    const parsed = parseFileName(name) ?? parseMarksName(name)
    if (parsed === undefined) continue
    const { source, sequence } = parsed
    lastSequence = Math.max(lastSequence, sequence)
    if (parseFileName(name) === undefined) {
      if (!names.has(name.replace(/marks$/, 'ndjson'))) await io.unlink(join(directory, name))
      continue
    }
    const file = { ...newLetterFile(source, sequence), name }
    Object.assign(file, await wholeLetters(name))
    if (names.has(marksName(name))) {
      const marks = await wholeMarks(marksName(name), file.letters)
      file.marked = marks.marked
      file.marksBytes = marks.bytes
      for (const kind of MARK_KINDS) totals[kind] = Math.max(totals[kind], marks.totals[kind])
    }
    files.push({ source, file })
  }
  files.sort((a, b) => a.file.sequence - b.file.sequence)
  return { files, lastSequence, totals }

  async function wholeLetters(name: string): Promise<{ letters: number; bytes: number }> {
    const { letters, bytes, tornBytes } = await countLetters(io, join(directory, name))
    if (tornBytes > 0) events.deadLetterTorn(name, tornBytes)
    return { letters, bytes }
  }

  async function wholeMarks(name: string, letters: number) {
    const path = join(directory, name)
    const { bytes, tornBytes } = await countLetters(io, path)
    if (tornBytes > 0) events.deadLetterTorn(name, tornBytes)
    const { lines, totals: told } = await readMarks(io, path, letters)
    if (bytes === 0) await io.unlink(path)
    return { marked: lines.count, bytes, totals: told }
  }
}
