/** What an answer, or the lack of one, means for a batch (DESIGN section 6). Pure: the pipeline acts on it. */
import type { Outcome, RetryCategory } from '../../pipeline/sink.ts'

/** So much of a server's words goes into a reason. */
export const REASON_CHARS_MAX = 200
/** A server, or a mistyped date, can't stop delivery for longer. */
const RETRY_AFTER_MS_MAX = 3_600_000

/** The operator must act: moved, credentials, address, method, form. */
const HOLD_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 405, 411, 415])
/** This batch is refused for its content. */
const REJECT_STATUSES: ReadonlySet<number> = new Set([400, 413, 422])

export interface Answer {
  readonly status: number
  /** Value of `retry-after`, '' where there is none. */
  readonly retryAfter: string
  /** Beginning of the body. */
  readonly body: string
}

export function classify(answer: Answer, wallClockMs: number): Outcome {
  const { status } = answer
  if (status >= 200 && status < 300) return { kind: 'ack' }
  const reason = reasonOf(answer)
  if ((status >= 300 && status < 400) || HOLD_STATUSES.has(status)) return { kind: 'hold', reason, status }
  if (REJECT_STATUSES.has(status)) return { kind: 'reject', reason, status }
  const afterMs = retryAfterMs(answer.retryAfter, wallClockMs)
  const category = categoryOf(status)
  return afterMs === undefined
    ? { kind: 'retry', category, reason, status }
    : { kind: 'retry', category, reason, status, afterMs }
}

function categoryOf(status: number): RetryCategory {
  if (status === 408) return 'timeout'
  if (status === 429) return 'throttled'
  return status >= 500 && status < 600 ? 'server_error' : 'unknown'
}

function reasonOf({ status, body }: Answer): string {
  const words = printable(body)
  return words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`
}

/** What a log line or a dead letter can carry: no control characters, one blank for each stretch of them, not too long. */
function printable(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}\ufffd]+/gu, ' ')
    .trim()
    .slice(0, REASON_CHARS_MAX)
}

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
 * RFC 9110 section 5.6.7; all three forms name the month. `Date.parse` takes them, but also a great deal more.
 *
 *     HTTP-date = IMF-fixdate / rfc850-date / asctime-date
 */
function httpDateMs(text: string): number {
  if (!/^[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(text)) return NaN
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}

/** The code of OpenSSL's verification that a certificate failed, or of the server's alert about ours. */
const CERTIFICATE_CODE =
  /^(?:CERT_|CRL_|ERROR_IN_C|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_)|^ERR_SSL_.*(?:CERTIFICATE|UNKNOWN_CA)/

const CATEGORY_BY_CODE: ReadonlyMap<string, RetryCategory> = new Map([
  ['ECONNREFUSED', 'connect'],
  ['EHOSTUNREACH', 'connect'],
  ['ENETUNREACH', 'connect'],
  ['EHOSTDOWN', 'connect'],
  ['ENETDOWN', 'connect'],
  ['EADDRNOTAVAIL', 'connect'],
  ['EACCES', 'connect'],
  ['EPERM', 'connect'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect'],
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['EAI_FAIL', 'dns'],
  ['EAI_NODATA', 'dns'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
  ['ETIMEDOUT', 'timeout'],
  ['ECONNRESET', 'reset'],
  ['ECONNABORTED', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_SOCKET', 'reset'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'reset'],
  ['EPROTO', 'tls'],
  ['EMFILE', 'io'],
  ['ENFILE', 'io'],
])

/** What a request that failed without an answer means. Nothing of it is the fault of the batch. */
export function classifyError(error: Error): Outcome {
  const code = codeOf(error)
  const words = printable(error.message)
  const reason = code === '' || words.includes(code) ? words : `${code}: ${words}`
  if (CERTIFICATE_CODE.test(code)) return { kind: 'hold', reason: `certificate refused: ${reason}` }
  const category = CATEGORY_BY_CODE.get(code) ?? (code.startsWith('ERR_SSL_') ? 'tls' : 'unknown')
  return { kind: 'retry', category, reason }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
