/** When a server says that it takes the next request. */
import { headerOf } from './answer-headers.ts'
import type { AnswerHeaders } from './answer-headers.ts'
import { httpDateMs, RETRY_AFTER_MS_MAX, retryAfterMs } from './retry-after.ts'

/** A reset further away is taken for a number in another unit. */
const RESET_MS_MAX = 24 * 3_600_000
/** Numbers from here on are seconds since 1970 (September 2001), from the second on milliseconds; smaller ones are a time to wait. */
const EPOCH_SECONDS_MIN = 1e9
const EPOCH_MS_MIN = 1e12

/** One limit, as an answer tells it; undefined: not told, or not understood. */
interface LimitTold {
  readonly remaining: number | undefined
  readonly resetMs: number | undefined
}

/**
 * Milliseconds until the server takes more, at most `RETRY_AFTER_MS_MAX`; undefined where it doesn't say so. The first of
 * these that makes sense:
 *
 * 1. `Retry-After`, unless the answer is 2xx, where it means something else (RFC 9110 section 10.2.3).
 * 2. The latest reset of those limits that are used up: `remaining` is 0, or, in an answer 429 or 503, isn't told. Read
 *    are `RateLimit` as a list (`"burst";r=0;t=5`, draft-ietf-httpapi-ratelimit-headers since -08) and as a dictionary
 *    (`limit=10, remaining=0, reset=5`, before), and the pairs `*-Remaining` and `*-Reset` with the prefixes `RateLimit`,
 *    `X-RateLimit` (there `X-RateLimit-Reset-After`, always seconds to wait, goes first) and `X-Rate-Limit`.
 *
 * Services use one name for different things, so a reset is told by its size: seconds to wait below 1e9, since 1970 in
 * seconds below 1e12, in milliseconds above. One that is over a day away is ignored. Moments are compared with the
 * server's own `Date`, where it sends one: its clock may be another.
 */
export function serverPauseMs(
  status: number,
  headers: AnswerHeaders,
  wallClockMs: number,
): number | undefined {
  const dateMs = httpDateMs(headerOf(headers, 'date'))
  const nowMs = Number.isNaN(dateMs) ? wallClockMs : dateMs
  if (status < 200 || status >= 300) {
    const afterMs = retryAfterMs(headerOf(headers, 'retry-after'), nowMs)
    if (afterMs !== undefined) return afterMs
  }
  const refuses = status === 429 || status === 503
  const resets = limitsTold(headers, nowMs)
    .filter(({ remaining }) => remaining === 0 || (remaining === undefined && refuses))
    .map(({ resetMs }) => resetMs)
    .filter((resetMs) => resetMs !== undefined)
  return resets.length === 0 ? undefined : Math.min(Math.max(...resets), RETRY_AFTER_MS_MAX)
}

/** Whether the server says that a limit of its own is used up. */
export function limitUsedUp(headers: AnswerHeaders): boolean {
  return limitsTold(headers, 0).some(({ remaining }) => remaining === 0)
}

function limitsTold(headers: AnswerHeaders, nowMs: number): LimitTold[] {
  const told = (remaining: string, ...resets: string[]): LimitTold => ({
    remaining: countOf(headerOf(headers, remaining)),
    resetMs: resets.map((name) => resetMsOf(headerOf(headers, name), nowMs)).find((ms) => ms !== undefined),
  })
  return [
    ...limitsOf(headers['ratelimit'], nowMs),
    told('ratelimit-remaining', 'ratelimit-reset'),
    told('x-ratelimit-remaining', 'x-ratelimit-reset-after', 'x-ratelimit-reset'),
    told('x-rate-limit-remaining', 'x-rate-limit-reset'),
  ]
}

/** `RateLimit`: a limit in each item of a list, or one in a dictionary. */
function limitsOf(field: string | string[] | undefined, nowMs: number): LimitTold[] {
  if (field === undefined) return []
  // Names of limits are in quotes, and may hold anything.
  const text = (typeof field === 'string' ? field : field.join(',')).replace(/"(?:[^"\\]|\\.)*"/g, 'name')
  const limits = /(?:^|,)\s*reset=/.test(text) ? [text.replaceAll(',', ';')] : text.split(',')
  return limits.map((limit) => {
    const values = new Map(limit.split(';').map((pair) => pairOf(pair)))
    return {
      remaining: countOf(values.get('r') ?? values.get('remaining') ?? ''),
      resetMs: resetMsOf(values.get('t') ?? values.get('reset') ?? '', nowMs),
    }
  })
}

function pairOf(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  return at === -1 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** A decimal number; undefined where it is none. */
function countOf(text: string): number | undefined {
  return /^\s*\d{1,15}(?:\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined
}

function resetMsOf(text: string, nowMs: number): number | undefined {
  const value = countOf(text)
  const resetMs = value === undefined ? dateMsOf(text) - nowMs : untilMs(value, nowMs)
  return Number.isNaN(resetMs) || resetMs > RESET_MS_MAX ? undefined : Math.max(0, resetMs)
}

function untilMs(value: number, nowMs: number): number {
  if (value >= EPOCH_MS_MIN) return value - nowMs
  return value >= EPOCH_SECONDS_MIN ? value * 1000 - nowMs : value * 1000
}

/** Some services give a date of HTTP, or of RFC 3339. */
function dateMsOf(text: string): number {
  const isRfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)
  return isRfc3339 ? Date.parse(text) : httpDateMs(text)
}
