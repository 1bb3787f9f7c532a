/** `spillway dlq purge`: letters are given up for good, and counted. */
import { Registry } from 'prom-client'
import { callControl } from '../../app/control/client.ts'
import { PURGE_METHOD, purgedOf, runsOf } from '../../app/control/purge-letters.ts'
import type { PurgeRequest } from '../../app/control/purge-letters.ts'
import { purgeOffline } from '../../app/purge-offline.ts'
import { systemClock } from '../../base/clock.ts'
import { spwError } from '../../base/errors.ts'
import type { LetterId } from '../../dlq/letter-id.ts'
import { isEverything } from '../../dlq/selection.ts'
import { TelemetryEvents } from '../../telemetry/events.ts'
import { createLogger, flushLogs } from '../../telemetry/logger.ts'
import { RateLimitedLog } from '../../telemetry/rate-limited-log.ts'
import { standardOutput } from '../journal/open-journal.ts'
import type { Output } from '../journal/open-journal.ts'
import { damagedNote, letters, missingNote } from './ls-text.ts'
import { withLetters } from './with-letters.ts'
import type { LetterOptions, LettersView } from './with-letters.ts'

/** Runs of lines in one request, so that it stays well below 64 KiB. */
const RUNS_MAX = 2500

export interface PurgeOptions extends LetterOptions {
  readonly all?: boolean | undefined
  readonly yes?: boolean | undefined
}

type Purge = (request: PurgeRequest) => Promise<number>

/** Purges what is selected. Resolves to the exit code. */
export function dlqPurgeCommand(
  ids: readonly string[],
  options: PurgeOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  return withLetters(options, ids, output, async (view) => {
    checkAsked(view, options)
    const say = (key: 'purged' | 'would_purge', count: number, text: string) =>
      output.out(
        options.json === true ? `${JSON.stringify({ [key]: count })}\n` : `${letters(count)}${text}\n`,
      )
    const found = (count: number) => {
      output.err(missingNote(view.selection, count))
      return count === 0 && ids.length > 0 ? 1 : 0
    }
    if (options.yes !== true) {
      const count = await purge(view, output, async ({ files }) => linesOf(files))
      say('would_purge', count, ' would be purged; --yes does it')
      return found(count)
    }
    const count = await purgeNow(view, output)
    say('purged', count, ' purged')
    return found(count)
  })
}

function checkAsked({ selection }: LettersView, { all = false }: PurgeOptions): void {
  const reason = 'not together with what selects letters'
  if (all && !isEverything(selection)) throw spwError('SPW_ERR_OPTION_INVALID', { option: '--all', reason })
  if (!all && isEverything(selection)) {
    const missing = 'say which letters (--category, --source, --since, ids, ...), or --all'
    throw spwError('SPW_ERR_OPTION_INVALID', { option: 'purge', reason: missing })
  }
}

/** By the collector that runs, else under the lock. */
async function purgeNow(view: LettersView, output: Output): Promise<number> {
  const { dataDir } = view
  const asked = await callControl(dataDir, PURGE_METHOD, { files: {} })
  if (asked !== null) {
    return purge(view, output, async (request) => purgedOf(await callControl(dataDir, PURGE_METHOD, request)))
  }
  const logger = createLogger({ level: process.env.LOG_LEVEL ?? 'warn' })
  const log = new RateLimitedLog({ logger, clock: systemClock })
  const events = new TelemetryEvents({ registry: new Registry(), log, clock: systemClock })
  try {
    return await purgeOffline({ dataDir, maxBytes: view.maxBytes, events }, (mark) =>
      purge(view, output, (request) => mark(runsOf(request))),
    )
  } finally {
    log.flush()
    await flushLogs()
  }
}

/** Reads what is selected and hands it on in pieces. Lines that are no letters go, too, where everything goes or they are named. */
async function purge(view: LettersView, output: Output, hand: Purge): Promise<number> {
  let files: PurgeRequest['files'] = {}
  let runs = 0
  let purged = 0
  const add = ({ file, line }: LetterId) => {
    const lines = (files[file] ??= [])
    const last = lines.at(-1)
    if (last?.[1] === line - 1) {
      last[1] = line
    } else {
      lines.push([line, line])
      runs++
    }
  }
  const takesDamaged = isEverything({ ...view.selection, ids: undefined })
  const reader = view.reader({ withoutRecords: true, ...(takesDamaged ? { onDamaged: add } : undefined) })
  for await (const { id } of reader) {
    add(id)
    if (runs < RUNS_MAX) continue
    purged += await hand({ files })
    files = {}
    runs = 0
  }
  if (runs > 0) purged += await hand({ files })
  if (!takesDamaged) output.err(damagedNote(reader))
  return purged
}

function linesOf(files: PurgeRequest['files']): number {
  return Object.values(files)
    .flat()
    .reduce((sum, [first, last]) => sum + last - first + 1, 0)
}
