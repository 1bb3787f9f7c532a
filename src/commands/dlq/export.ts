/** `spillway dlq export`: letters, or their records alone, to standard output or a file. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { reasonOf, spwError } from '../../base/errors.ts'
import { KIB } from '../../base/units.ts'
import { withLetterId } from '../../dlq/letter-id.ts'
import type { FoundLetter } from '../../dlq/letter-reader.ts'
import { recordOf } from '../../dlq/letter.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { formatCount } from '../terminal/figures.ts'
import { damagedNote, letters, missingNote } from './ls-text.ts'
import { withLetters } from './with-letters.ts'
import type { LetterOptions } from './with-letters.ts'

const WRITE_BYTES = 64 * KIB
const LINE_FEED = Buffer.from('\n')

export interface ExportOptions extends LetterOptions {
  readonly records?: boolean | undefined
  readonly output?: string | undefined
}

/**
 * Writes the letters of a selection as lines. Resolves to the exit code: 1 where the output fails; a reader that is gone
 * (`| head`) is no failure. What was written is told on standard error where it goes to a file.
 *
 * @param stream in place of standard output, for tests.
 */
export function dlqExportCommand(
  ids: readonly string[],
  options: ExportOptions,
  output: Output = standardOutput,
  stream: Writable = process.stdout,
): Promise<0 | 1 | 2> {
  return withLetters(options, ids, output, async (view) => {
    const { output: file } = options
    const target = file === undefined ? stream : await openNew(file)
    const lines = new LineWriter(target)
    const reader = view.reader()
    let written = 0
    let truncated = 0
    for await (const found of reader) {
      const line = options.records === true ? recordLine(found) : withLetterId(found.id, found.line)
      if (line === null) {
        truncated++
        continue
      }
      if (!(await lines.write(line))) break
      written++
    }
    const failure = await lines.end(file !== undefined)
    if (failure !== null && failure.code !== 'EPIPE') {
      throw spwError('SPW_ERR_DLQ_EXPORT', { to: file ?? 'standard output', reason: failure.message })
    }
    if (file !== undefined) output.err(`${letters(written)} in ${file}\n`)
    if (truncated > 0) output.err(`${formatCount(truncated)} left out: their records were cut at 64 KiB\n`)
    output.err(damagedNote(reader))
    const found = written + truncated + reader.damagedCount
    output.err(missingNote(view.selection, found))
    return found === 0 && ids.length > 0 ? 1 : 0
  })
}

/**
 * As it was received; null where only its beginning is there. Line breaks within a JSON document mean nothing, and become
 * blanks, so that it is one line.
 */
function recordLine({ letter }: FoundLetter): Buffer | null {
  const { truncated, record } = letter
  if (truncated === true) return null
  if (record === undefined || !/[\r\n]/.test(record) || !isJson(record)) return recordOf(letter)
  return Buffer.from(record.replace(/[\r\n]/g, ' '))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

async function openNew(file: string): Promise<Writable> {
  const stream = createWriteStream(file, { flags: 'wx', mode: 0o600 })
  try {
    await once(stream, 'open')
    return stream
  } catch (error) {
    throw spwError('SPW_ERR_DLQ_EXPORT', { to: file, reason: reasonOf(error) }, { cause: error })
  }
}

/** Lines in larger pieces, no more of them than the output takes. */
class LineWriter {
  readonly #stream: Writable
  #pending: Buffer[] = []
  #pendingBytes = 0
  #failure: NodeJS.ErrnoException | null = null

  constructor(stream: Writable) {
    this.#stream = stream
    stream.on('error', (error) => (this.#failure ??= error))
  }

  /** Keeps the line. False once the output has failed. */
  async write(line: Buffer): Promise<boolean> {
    this.#pending.push(line, LINE_FEED)
    this.#pendingBytes += line.length + 1
    if (this.#pendingBytes >= WRITE_BYTES) await this.#flush()
    return this.#failure === null
  }

  /** Resolves to why it failed, or null. */
  async end(close: boolean): Promise<NodeJS.ErrnoException | null> {
    await this.#flush()
    if (close && this.#failure === null) {
      this.#stream.end()
      await finished(this.#stream).catch(() => {})
    }
    return this.#failure
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    if (this.#failure !== null || bytes.length === 0) return
    await new Promise<void>((resolve) => {
      this.#stream.write(bytes, (error) => {
        this.#failure ??= error ?? null
        resolve()
      })
    })
  }
}
