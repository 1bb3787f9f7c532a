/** `spillway dlq replay`: letters are received anew, by the collector that runs. */
/* oxlint-disable no-await-in-loop -- one look after another */
import { setTimeout as pause } from 'node:timers/promises'
import { replayStatus } from '../../app/admin/status.ts'
import { loadConfig } from '../../app/config/load.ts'
import { callControl } from '../../app/control/client.ts'
import {
  REPLAY_IDS_MAX,
  REPLAY_METHOD,
  REPLAY_STATUS_METHOD,
  REPLAY_STOP_METHOD,
} from '../../app/control/dlq-replay.ts'
import { replayRouting } from '../../app/make-replay-source.ts'
import { spwError } from '../../base/errors.ts'
import { recordOf } from '../../dlq/letter.ts'
import { isEverything } from '../../dlq/selection.ts'
import type { ReplayRequest, ReplayStatus } from '../../sources/dlq/index.ts'
import { LetterRouting } from '../../sources/dlq/routing.ts'
import type { SkipReason } from '../../sources/dlq/routing.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { formatCount } from '../terminal/figures.ts'
import { parseCount } from '../terminal/numbers.ts'
import { StopSignals } from '../terminal/stop-signals.ts'
import { damagedNote, letters, missingNote } from './ls-text.ts'
import { progressLine, replayReport, skipReport } from './replay-text.ts'
import { withLetters } from './with-letters.ts'
import type { LetterOptions, LettersView } from './with-letters.ts'

/**
 * An analyst's afternoon of letters is through in minutes, and it is a hundredth of what a collector of two cores takes, so
 * that live events don't notice.
 */
const RATE_DEFAULT = 1000
const LOOK_EVERY_MS = 250
/** The progress is told every so many looks. */
const LOOKS_TOLD = 4

export interface ReplayOptions extends LetterOptions {
  readonly all?: boolean | undefined
  /** Names of sinks, in place of those that the letters say. */
  readonly to?: readonly string[] | undefined
  /** Name of a schema, in place of that of the source. */
  readonly schema?: string | undefined
  /** Events a second. */
  readonly rate?: string | undefined
  readonly dryRun?: boolean | undefined
}

/**
 * Replays what is selected and waits for the end of it; a signal ends it behind what was sent. Resolves to the exit code: 1
 * where it failed or was ended early.
 */
export function dlqReplayCommand(
  ids: readonly string[],
  options: ReplayOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  return withLetters(options, ids, output, async (view) => {
    const request = requestOf(view, options)
    if (options.dryRun === true) {
      await dryRun(view, request, options, output)
      return 0
    }
    const status = await replay(view.dataDir, request, options, output)
    output.out(options.json === true ? `${JSON.stringify(replayStatus(status))}\n` : replayReport(status))
    if (status.state !== 'done') return 1
    output.err(missingNote(view.selection, status.chosen))
    return status.chosen === 0 && ids.length > 0 ? 1 : 0
  })
}

function requestOf({ selection }: LettersView, options: ReplayOptions): ReplayRequest {
  const { all = false, schema } = options
  const reason = 'not together with what selects letters'
  if (all && !isEverything(selection)) throw spwError('SPW_ERR_OPTION_INVALID', { option: '--all', reason })
  if (!all && isEverything(selection)) {
    const missing = 'say which letters (--category, --source, --since, ids, ...), or --all'
    throw spwError('SPW_ERR_OPTION_INVALID', { option: 'replay', reason: missing })
  }
  if ((selection.ids?.length ?? 0) > REPLAY_IDS_MAX) {
    throw spwError('SPW_ERR_OPTION_INVALID', { option: 'ID', reason: `at most ${REPLAY_IDS_MAX} at once` })
  }
  const sinks = options.to?.flatMap((names) => names.split(',')).map((name) => name.trim())
  return { selection, sinks, schema, rate: rateOf(options.rate) }
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return RATE_DEFAULT
  const rate = parseCount(text)
  if (rate !== undefined && rate >= 1 && rate <= 1e6) return rate
  throw spwError('SPW_ERR_OPTION_INVALID', {
    option: '--rate',
    reason: `${text} is no number of events a second from 1 to 1m`,
  })
}

async function replay(
  dataDir: string,
  request: ReplayRequest,
  { json = false }: ReplayOptions,
  output: Output,
): Promise<ReplayStatus> {
  const signals = new StopSignals()
  try {
    let status = await ask(dataDir, REPLAY_METHOD, request)
    const { startedAt } = status
    for (let look = 1; status.state === 'running' || status.state === 'stopping'; look++) {
      if (signals.end.aborted) break
      if (signals.stop.aborted && status.state === 'running') await ask(dataDir, REPLAY_STOP_METHOD, {})
      await pause(LOOK_EVERY_MS, undefined, {
        signal: signals.stop.aborted ? signals.end : signals.stop,
      }).catch(() => {})
      status = await ask(dataDir, REPLAY_STATUS_METHOD, {}).catch((error) => {
        output.err('the collector has ended meanwhile; once it runs again, the same command goes on\n')
        throw error
      })
      // Another one has begun since: this one has ended.
      if (status.startedAt !== startedAt) break
      if (!json && look % LOOKS_TOLD === 0) output.err(progressLine(status))
    }
    return status
  } finally {
    signals.close()
  }
}

async function ask(dataDir: string, method: string, body: object): Promise<ReplayStatus> {
  const answer = await callControl(dataDir, method, body)
  const status = answer?.['replay']
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same version answers
  if (typeof status === 'object' && status !== null) return status as ReplayStatus
  throw spwError('SPW_ERR_REPLAY_OFFLINE', { dataDir })
}

/** What would go where, by the configuration as it is in the file; nothing is validated. */
async function dryRun(
  view: LettersView,
  request: ReplayRequest,
  options: ReplayOptions,
  output: Output,
): Promise<void> {
  const routing = new LetterRouting(replayRouting(loadConfig(options.config).config), request)
  const skipped: Partial<Record<SkipReason, number>> = {}
  const sinks: Record<string, number> = {}
  let count = 0
  const reader = view.reader()
  for await (const { letter } of reader) {
    const terms = recordOf(letter) === null ? 'empty' : routing.of(letter)
    if (typeof terms === 'string') {
      skipped[terms] = (skipped[terms] ?? 0) + 1
      continue
    }
    count++
    for (const sink of routing.namesOf(terms)) sinks[sink] = (sinks[sink] ?? 0) + 1
  }
  if (options.json === true) {
    output.out(`${JSON.stringify({ would_replay: count, sinks, skipped })}\n`)
    return
  }
  output.out(`${letters(count)} would be replayed, at ${formatCount(request.rate)} a second\n`)
  for (const [sink, events] of Object.entries(sinks)) output.out(`  ${sink}: ${letters(events)}\n`)
  output.out(skipReport(skipped))
  output.err(damagedNote(reader))
}
