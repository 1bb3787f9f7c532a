import { join } from 'node:path'
import { loadConfig } from '../../app/config/load.ts'
import { SpillwayError } from '../../base/errors.ts'
import { nodeFileIo } from '../../base/file-io.ts'
import type { FileIo } from '../../base/file-io.ts'
import { surviveBrokenOutput } from '../terminal/streams.ts'

export interface JournalOptions {
  /** Configuration file; absent: the embedded default. */
  readonly config?: string | undefined
  readonly json?: boolean | undefined
}

/** Where a command writes; tests collect it. */
export interface Output {
  out(text: string): void
  err(text: string): void
}

export const standardOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
}

/** A journal to look at. Nothing of it is changed, and it may be in use by a collector. */
export interface JournalView {
  readonly dataDir: string
  readonly directory: string
  readonly io: FileIo
}

/** Runs a command over the journal of a configuration. Resolves to the exit code; in memory mode there is nothing to do. */
export async function withJournal(
  options: JournalOptions,
  output: Output,
  act: (view: JournalView) => Promise<0 | 1>,
): Promise<0 | 1 | 2> {
  if (output === standardOutput) surviveBrokenOutput()
  try {
    const { config } = loadConfig(options.config)
    if (config.journal.mode === 'memory') {
      const text = 'there is no journal: journal.mode is memory'
      output.out(options.json === true ? `${JSON.stringify({ mode: 'memory' })}\n` : `${text}\n`)
      return 0
    }
    const { dataDir } = config
    return await act({ dataDir, directory: join(dataDir, 'journal'), io: nodeFileIo })
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    const { code, message } = error
    if (options.json === true) output.out(`${JSON.stringify({ code, message })}\n`)
    else output.err(`${message}\n`)
    return error.exitCode
  }
}
