/** What the head of an answer, or the lack of one, means for a poll. Pure: the attempt acts on it. */
import { failureOf } from '../../pipeline/http/failure.ts'
import { retryAfterMs } from '../../pipeline/http/retry-after.ts'

/**
 * What became of a request.
 * - `ok`: all of the answer was taken.
 * - `retry`: it may go better next time.
 * - `throttled`: the server said when to come back.
 * - `failed`: it would go no better at once; the next poll is due as ever.
 */
export type Outcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'throttled'; readonly reason: string; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** What to do with an answer: take its body, follow it, or read no more than its head. */
export type Verdict =
  { readonly kind: 'body' } | { readonly kind: 'redirect'; readonly location: string } | Outcome

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The only value of a header, or the first. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'object' ? value[0] : value
}

const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export function verdictOf(status: number, headers: ResponseHeaders, wallClockMs: number): Verdict {
  if (NO_BODY.has(status)) return { kind: 'ok' }
  if (status >= 200 && status < 300) return { kind: 'body' }
  const reason = `HTTP ${status}`
  if (REDIRECTS.has(status)) {
    const location = headerOf(headers, 'location')
    return location === undefined
      ? { kind: 'failed', reason: `${reason} without a location` }
      : { kind: 'redirect', location }
  }
  if (status === 429 || status === 503) {
    const afterMs = retryAfterMs(headerOf(headers, 'retry-after') ?? '', wallClockMs)
    return afterMs === undefined ? { kind: 'retry', reason } : { kind: 'throttled', reason, afterMs }
  }
  return status === 408 || status >= 500 ? { kind: 'retry', reason } : { kind: 'failed', reason }
}

/** The connection failed, or broke before the answer's end. */
export function verdictOfError(error: Error): Outcome {
  const { category, reason } = failureOf(error)
  return { kind: 'retry', reason: category === 'certificate' ? `certificate refused: ${reason}` : reason }
}

/** Where a redirect leads, or why it isn't followed. */
export function redirectTarget(from: URL, location: string): URL | string {
  const to = URL.parse(location, from.href)
  if (to === null || !/^https?:$/.test(to.protocol)) return 'redirected to what is no http:// or https:// URL'
  if (to.username !== '' || to.password !== '') return 'redirected to a URL with credentials in it'
  if (from.protocol === 'https:' && to.protocol === 'http:') return 'redirected from https:// to http://'
  return to
}
