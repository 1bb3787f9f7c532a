/** What an answer, or the lack of one, means for a batch (DESIGN section 6). Pure: the pipeline acts on it. */
import { failureOf, printable } from '../../pipeline/http/failure.ts'
import { retryAfterMs } from '../../pipeline/http/retry-after.ts'
import type { Outcome, RetryCategory } from '../../pipeline/sink.ts'

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

/** What a request that failed without an answer means. Nothing of it is the fault of the batch. */
export function classifyError(error: Error): Outcome {
  const { category, reason } = failureOf(error)
  if (category === 'certificate') return { kind: 'hold', reason: `certificate refused: ${reason}` }
  return { kind: 'retry', category, reason }
}
