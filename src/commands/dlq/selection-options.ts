/** Which dead letters a command is about: options to a selection. */
import { spwError } from '../../base/errors.ts'
import { nearestWord } from '../../base/nearest.ts'
import { parseDurationMs } from '../../base/units.ts'
import { parseLetterId } from '../../dlq/letter-id.ts'
import type { LetterId } from '../../dlq/letter-id.ts'
import type { Selection } from '../../dlq/selection.ts'
import { REJECT_CATEGORIES } from '../../memory/extent-ring.ts'
import { parseCount } from '../terminal/numbers.ts'

/** As the command line has them; names may also be joined by commas. */
export interface SelectionOptions {
  readonly category?: readonly string[] | undefined
  readonly source?: readonly string[] | undefined
  readonly sink?: readonly string[] | undefined
  readonly path?: string | undefined
  readonly reason?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly max?: string | undefined
}

/** Names that there are. */
export interface KnownNames {
  readonly sources: readonly string[]
  readonly sinks: readonly string[]
}

const CATEGORIES: readonly string[] = [...REJECT_CATEGORIES, 'refused', 'expired', 'undelivered']

/** Throws SPW_ERR_OPTION_INVALID. */
export function parseSelection(
  options: SelectionOptions,
  ids: readonly string[],
  known: KnownNames,
  nowMs: number,
): Selection {
  const sinceMs = parseTime('--since', options.since, nowMs)
  const untilMs = parseTime('--until', options.until, nowMs)
  if (sinceMs !== undefined && untilMs !== undefined && untilMs <= sinceMs)
    throw invalid('--until', `${options.until} is not after --since ${options.since}`)
  return {
    ids: ids.map(parseId),
    categories: namesOf('--category', options.category, CATEGORIES, 'category'),
    sources: namesOf('--source', options.source, known.sources, 'source'),
    sinks: namesOf('--sink', options.sink, known.sinks, 'sink'),
    path: parsePath(options.path),
    reason: options.reason,
    sinceMs,
    untilMs,
    max: options.max === undefined ? undefined : parseMax('--max', options.max),
  }
}

/** A whole number above 0. Throws SPW_ERR_OPTION_INVALID. */
export function parseMax(option: string, text: string): number {
  const count = parseCount(text)
  if (count === undefined || count < 1)
    throw invalid(option, `${text} is no number above 0, such as 500 or 10k`)
  return count
}

function parseId(text: string): LetterId {
  const id = parseLetterId(text)
  if (id === undefined) throw invalid('ID', `${text} is none; an id looks like push.00000001:17`)
  return id
}

function namesOf(
  option: string,
  texts: readonly string[] = [],
  known: readonly string[],
  what: string,
): string[] {
  const names = texts.flatMap((text) => text.split(',')).map((name) => name.trim())
  for (const name of names) {
    if (known.includes(name)) continue
    const nearest = nearestWord(name, known)
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    throw invalid(option, `there is no ${what} ${name}, only ${known.join(', ') || 'none at all'}${hint}`)
  }
  return names
}

function parsePath(path: string | undefined): string | undefined {
  if (path === undefined || path === '' || path.startsWith('/')) return path
  throw invalid('--path', `${path} is no JSON pointer, such as /severity`)
}

const ISO = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/** `2h` is two hours ago; else ISO 8601, without a zone as UTC. */
function parseTime(option: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const agoMs = parseAgo(text)
  if (agoMs !== undefined) return nowMs - agoMs
  const hasZone = /(?:Z|T.*[+-]\d\d:\d\d)$/.test(text) || text.length === 10
  const timeMs = ISO.test(text) ? Date.parse(hasZone ? text : `${text}Z`) : NaN
  if (!Number.isNaN(timeMs)) return timeMs
  throw invalid(option, `${text} is no time: 2h or 7d (ago), 2026-11-22, or 2026-11-22T08:00:00Z`)
}

function parseAgo(text: string): number | undefined {
  const days = /^(\d{1,5})d$/.exec(text)
  return days === null ? parseDurationMs(text) : Number(days[1]) * 86_400_000
}

function invalid(option: string, reason: string) {
  return spwError('SPW_ERR_OPTION_INVALID', { option, reason })
}
