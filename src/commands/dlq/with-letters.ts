import { join } from 'node:path'
import { loadConfig } from '../../app/config/load.ts'
import { SpillwayError, spwError } from '../../base/errors.ts'
import { nodeFileIo } from '../../base/file-io.ts'
import { parseFileName } from '../../dlq/letter-file.ts'
import type { LetterId } from '../../dlq/letter-id.ts'
import { LetterReader } from '../../dlq/letter-reader.ts'
import { nullIfMissing } from '../../dlq/marks.ts'
import type { LetterReaderOptions } from '../../dlq/letter-reader.ts'
import type { Selection } from '../../dlq/selection.ts'
import { readState } from '../../journal/state-file.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { surviveBrokenOutput } from '../terminal/streams.ts'
import { parseSelection } from './selection-options.ts'
import type { KnownNames, SelectionOptions } from './selection-options.ts'

export interface LetterOptions extends SelectionOptions {
  /** Configuration file; absent: the embedded default. */
  readonly config?: string | undefined
  readonly json?: boolean | undefined
}

/** The dead letters of a configuration, and which of them are asked for. */
export interface LettersView {
  readonly dataDir: string
  /** `data_dir/dlq`; may be missing. */
  readonly directory: string
  /** `dlq.max_bytes` */
  readonly maxBytes: number
  readonly selection: Selection
  reader(options?: Partial<LetterReaderOptions>): LetterReader
}

/** Runs a command over dead letters; a collector may run meanwhile. Resolves to the exit code. */
export async function withLetters(
  options: LetterOptions,
  ids: readonly string[],
  output: Output,
  act: (view: LettersView) => Promise<0 | 1>,
): Promise<0 | 1 | 2> {
  if (output === standardOutput) surviveBrokenOutput()
  try {
    return await act(await openLetters(options, ids))
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    const { code, message } = error
    if (options.json === true) output.out(`${JSON.stringify({ code, message })}\n`)
    else output.err(`${message}\n`)
    return error.exitCode
  }
}

async function openLetters(options: LetterOptions, ids: readonly string[]): Promise<LettersView> {
  const { config } = loadConfig(options.config)
  const { dataDir } = config
  const directory = join(dataDir, 'dlq')
  const names = await fileNames(directory)
  const known: KnownNames = {
    sources: unique([
      ...config.sources.map(({ name }) => name),
      ...names.flatMap((name) => parseFileName(name)?.source ?? []),
    ]),
    sinks: unique([...config.sinks.map(({ name }) => name), ...(await sinksOfState(dataDir))]),
  }
  const selection = parseSelection(options, ids, known, Date.now())
  const first = selection.ids?.[0]
  const isGone = ({ file }: LetterId) => !names.includes(file)
  if (first !== undefined && selection.ids!.every(isGone))
    throw spwError('SPW_ERR_DLQ_FILE_UNKNOWN', { file: first.file, directory })
  return {
    dataDir,
    directory,
    maxBytes: config.dlq.maxBytes,
    selection,
    reader: (more) => new LetterReader({ directory, selection, ...more }),
  }
}

/** Names in the directory; none where there is no queue yet. Throws SPW_ERR_DLQ_UNUSABLE. */
async function fileNames(directory: string): Promise<string[]> {
  try {
    return (await nodeFileIo.list(directory).catch(nullIfMissing)) ?? []
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw spwError('SPW_ERR_DLQ_UNUSABLE', { directory, reason }, { cause: error })
  }
}

/** Also sinks that have left the configuration have dead letters. */
async function sinksOfState(dataDir: string): Promise<string[]> {
  const { state } = await readState(join(dataDir, 'journal', 'state')).catch(() => ({ state: null }))
  return Object.keys(state?.sinks ?? {})
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
