/** What an answer, or the lack of one, means for a batch (DESIGN section 6). Pure: the pipeline acts on it. */
import type { Outcome, RetryCategory } from '../sink.ts'
import { failureOf, printable } from './failure.ts'
import type { AnswerHeaders } from './answer-headers.ts'
import { limitUsedUp, serverPauseMs } from './server-pause.ts'

/** The operator must act: moved, credentials, address, method, form. */
const HOLD_STATUSES: ReadonlySet<number> = new Set([401, 403, 404, 405, 411, 415])
/** This batch is refused for its content. */
const REJECT_STATUSES: ReadonlySet<number> = new Set([400, 413, 422])

export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** Beginning of the body. */
  readonly body: string
  /** Why the body is not whole, as it would be classified without an answer; null: it is. */
  readonly cutOff: Outcome | null
}

/** The head of an answer decides: a body that breaks off or never ends doesn't take it back. */
export function classify(answer: Answer, wallClockMs: number): Outcome {
  const { status, headers } = answer
  const afterMs = serverPauseMs(status, headers, wallClockMs)
  const after = afterMs === undefined ? undefined : { afterMs }
  if (status >= 200 && status < 300) return { kind: 'ack', ...after }
  const reason = reasonOf(answer)
  // Some say 403 to who is over a limit.
  const throttled = status === 429 || (status === 403 && limitUsedUp(headers))
  if (throttled) return { kind: 'retry', category: 'throttled', reason, status, ...after }
  if ((status >= 300 && status < 400) || HOLD_STATUSES.has(status)) return { kind: 'hold', reason, status }
  if (REJECT_STATUSES.has(status)) return { kind: 'reject', reason, status }
  return { kind: 'retry', category: categoryOf(status), reason, status, ...after }
}

function categoryOf(status: number): RetryCategory {
  if (status === 408) return 'timeout'
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
