/** A server, or a mistyped date, can't have us wait for longer. */
export const RETRY_AFTER_MS_MAX = 3_600_000

/**
 * RFC 9110 section 10.2.3:
 *
 *     Retry-After = HTTP-date / delay-seconds
 *     delay-seconds = 1*DIGIT
 */
export function retryAfterMs(value: string, wallClockMs: number): number | undefined {
  const text = value.trim()
  if (text === '') return undefined
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : httpDateMs(text) - wallClockMs
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), RETRY_AFTER_MS_MAX)
}

/**
 * Milliseconds since 1970, NaN for what is none. RFC 9110 section 5.6.7; all three forms name the month. `Date.parse` takes them, but also a great deal more.
 *
 *     HTTP-date = IMF-fixdate / rfc850-date / asctime-date
 */
export function httpDateMs(text: string): number {
  if (!/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text)) return NaN
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}
