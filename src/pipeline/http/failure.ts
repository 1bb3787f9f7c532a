/** Why a request had no answer, from what was thrown. */
import type { RetryCategory } from '../sink.ts'

/** So much of a server's words goes into a reason. */
export const REASON_CHARS_MAX = 200

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

export interface RequestFailure {
  /** `certificate`: one side doesn't trust the other. */
  readonly category: RetryCategory | 'certificate'
  /** Printable, with the code. */
  readonly reason: string
}

export function failureOf(error: Error): RequestFailure {
  const code = codeOf(error)
  const words = printable(error.message)
  const reason = code === '' || words.includes(code) ? words : `${code}: ${words}`
  if (CERTIFICATE_CODE.test(code)) return { category: 'certificate', reason }
  const category = CATEGORY_BY_CODE.get(code) ?? (code.startsWith('ERR_SSL_') ? 'tls' : 'unknown')
  return { category, reason }
}

/** What a log line or a dead letter can carry: no control characters, one blank for each stretch of them, not too long. */
export function printable(text: string): string {
  return text
    .replace(/[\p{C}\p{Z}\ufffd]+/gu, ' ')
    .trim()
    .slice(0, REASON_CHARS_MAX)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
