import type { SpillwayError } from '../../base/errors.ts'
import { spwError } from '../../base/errors.ts'
import type { Batch } from './batch.ts'

/**
 * One way to a receiver.
 * - `open` rejects with a SpillwayError when nobody is there.
 * - `send` resolves when the batch may be filled anew: true when its events are counted in the tally, false when they
 *   were given up because the run stops. It rejects with a SpillwayError when going on would be in vain.
 * - `close` ends it: what was sent is left to arrive, unless `atOnce` is given, or aborted meanwhile.
 */
export interface Connection {
  /** Batches that may be under way at once. */
  readonly batchesMax: number
  open(): Promise<void>
  send(batch: Batch): Promise<boolean>
  close(atOnce: AbortSignal): Promise<void>
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'nothing listens there; is the collector running? `spillway run` starts one, --to names another address',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  UND_ERR_HEADERS_TIMEOUT: 'it takes connections and does not answer; is that a port for HTTP?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what listens there does not speak TLS',
  HPE_INVALID_CONSTANT: 'what listens there does not speak HTTP',
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code
  // A host with several addresses fails once for each of them.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : codeOf(error.cause)
}

export function connectError(to: string, cause: unknown): SpillwayError {
  return spwError('SPW_ERR_SEND_CONNECT', { to, reason: reasonFor(cause) }, { cause })
}

export function lostError(to: string, cause: unknown): SpillwayError {
  return spwError('SPW_ERR_SEND_LOST', { to, reason: reasonFor(cause) }, { cause })
}

function reasonFor(cause: unknown): string {
  const code = codeOf(cause)
  return REASONS[code] ?? (cause instanceof Error && cause.message !== '' ? cause.message : code)
}
