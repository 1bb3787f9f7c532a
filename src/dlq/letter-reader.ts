/* oxlint-disable no-await-in-loop -- one file after another, a block at a time */
import { join } from 'node:path'
import { nodeFileIo } from '../base/file-io.ts'
import type { FileIo } from '../base/file-io.ts'
import { marksName, parseFileName } from './letter-file.ts'
import { LETTER_LINE_MAX } from './letter-id.ts'
import type { LetterId } from './letter-id.ts'
import { parseLetter, parseLetterHead } from './letter.ts'
import type { Letter } from './letter.ts'
import { nullIfMissing, readMarks } from './marks.ts'
import { letterFilter } from './selection.ts'
import type { Selection } from './selection.ts'
import { wholeLines } from './whole-lines.ts'

/** Damaged lines that are named; more are only counted. */
const DAMAGED_NAMED_MAX = 10
const LINE_FEED = 0x0a

export interface FoundLetter {
  readonly id: LetterId
  readonly letter: Letter
  /** Of its line, the line feed included. */
  readonly bytes: number
  /** The line as it is in the file, without its line feed; good until the next letter is asked for. */
  readonly line: Buffer
}

export interface LetterReaderOptions {
  /** `data_dir/dlq`; may be missing. */
  readonly directory: string
  readonly selection?: Selection
  readonly io?: FileIo
  /** How far a file is committed: `DeadLetterQueue.committedBytes`. Without: its whole lines, as it is when it is opened. */
  readonly committedBytes?: (file: string) => number
  /** Letters come without their `record`, and several times as fast. */
  readonly withoutRecords?: boolean
  /** A line that is no letter, among those that `ids` ask for, or all. */
  readonly onDamaged?: (id: LetterId) => void
}

/**
 * Letters that are in the queue, in the order of their files, and in a file as they came: those of the selection that are not
 * marked. Changes nothing and needs no lock: a collector may append, mark and evict meanwhile; what it does after a file was
 * opened is not seen. Memory: a block of lines, and a bit a letter of one file. May be iterated again.
 */
export class LetterReader implements AsyncIterable<FoundLetter> {
  /** Lines passed that are no letters. */
  damagedCount = 0
  /** The first of them. */
  readonly damaged: LetterId[] = []
  readonly #options: LetterReaderOptions
  readonly #selection: Selection
  readonly #io: FileIo

  constructor(options: LetterReaderOptions) {
    this.#options = options
    this.#selection = options.selection ?? {}
    this.#io = options.io ?? nodeFileIo
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FoundLetter> {
    this.damagedCount = 0
    this.damaged.length = 0
    let left = this.#selection.max ?? Infinity
    for (const name of await this.#files()) {
      if (left <= 0) return
      for await (const found of this.#lettersOf(name)) {
        yield found
        if (--left <= 0) return
      }
    }
  }

  /** Files that may hold some of the selection. */
  async #files(): Promise<string[]> {
    const names = (await this.#io.list(this.#options.directory).catch(nullIfMissing)) ?? []
    const { sources = [], ids = [] } = this.#selection
    const files = names.flatMap((name) => {
      const parsed = parseFileName(name)
      if (parsed === undefined) return []
      if (sources.length > 0 && !sources.includes(parsed.source)) return []
      if (ids.length > 0 && !ids.some(({ file }) => file === name)) return []
      return [{ name, sequence: parsed.sequence }]
    })
    return files.toSorted((a, b) => a.sequence - b.sequence).map(({ name }) => name)
  }

  /** Marks first: a file that goes meanwhile takes its marks with it, and its letters must not come back for that. */
  async *#lettersOf(name: string): AsyncGenerator<FoundLetter> {
    const { directory, committedBytes, withoutRecords = false } = this.#options
    const { lines: marked } = await readMarks(this.#io, join(directory, marksName(name)))
    const file = await this.#io.open(join(directory, name), 'read').catch(nullIfMissing)
    if (file === null) return
    try {
      const end = Math.min(await file.bytes(), committedBytes?.(name) ?? Infinity)
      const chosen = this.#chosenLines(name)
      const matches = letterFilter(this.#selection)
      let number = 0
      for await (const block of wholeLines(file, end)) {
        for (let from = 0, to = 0; from < block.length; from = to + 1) {
          to = block.indexOf(LINE_FEED, from)
          number++
          if (chosen.last < number) return
          if (marked.has(number) || !chosen.has(number)) continue
          const line = block.subarray(from, to)
          const letter = withoutRecords ? parseLetterHead(line) : parseLetter(line.toString())
          if (letter === null) this.#isDamaged({ file: name, line: number })
          else if (matches(letter))
            yield { id: { file: name, line: number }, letter, bytes: to + 1 - from, line }
        }
      }
    } finally {
      await file.close().catch(() => {})
    }
  }

  #chosenLines(name: string): { has(line: number): boolean; readonly last: number } {
    const { ids = [] } = this.#selection
    if (ids.length === 0) return { has: () => true, last: LETTER_LINE_MAX }
    const lines = new Set<number>()
    let last = 0
    for (const { file, line } of ids) {
      if (file !== name) continue
      lines.add(line)
      last = Math.max(last, line)
    }
    return { has: (line) => lines.has(line), last }
  }

  #isDamaged(id: LetterId): void {
    this.damagedCount++
    if (this.damaged.length < DAMAGED_NAMED_MAX) this.damaged.push(id)
    this.#options.onDamaged?.(id)
  }
}
