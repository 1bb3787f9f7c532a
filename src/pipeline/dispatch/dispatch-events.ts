import type { RetryCategory } from '../sink.ts'
import type { GiveUpCategory } from './giving-up.ts'

/** What a dispatcher tells of, for the log and for what the ledger doesn't count; the names are those of telemetry. */
export interface DispatchEvents {
  /** Once a request. `error`: the sink broke its contract and threw. */
  sinkRequest(sink: string, outcome: 'ok' | 'retry' | 'reject' | 'partial' | 'hold' | 'error'): void
  sinkRetry(sink: string, category: RetryCategory, reason: string, retryMs: number, status?: number): void
  /** For the first failure and for each probe that failed again. */
  sinkHeld(sink: string, reason: string, status?: number): void
  sinkResumed(sink: string, heldMs: number): void
  /** A batch was refused for its content, at first or in a probe. */
  batchRefused(sink: string, events: number, reason: string, status?: number): void
  eventsDeadLettered(sink: string, category: GiveUpCategory, count: number, reason: string): void
  /** Encoding or writing dead letters failed; it is tried again. */
  sinkTaskFailed(sink: string, error: unknown): void
  /** Events of one frame were delivered, so long after they were received. */
  eventsDelivered(sink: string, events: number, ageMs: number): void
}
