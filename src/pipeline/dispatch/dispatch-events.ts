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
  /** Events of one frame were delivered, so many of each lane, so long after they were received. */
  eventsDelivered(sink: string, bulk: number, fast: number, ageMs: number): void
  /** `cause`: what failed, or which answer closed it. `probeInMs`: when the next probe is due; 0 when closed. */
  breakerChanged(sink: string, state: 'closed' | 'half_open' | 'open', cause: string, probeInMs: number): void
  /** So many requests may be in flight from now on. */
  concurrencyChanged(sink: string, allowed: number): void
  /** The destination asked to be left alone from now on for `forMs`. May be called again while it is. */
  sinkPaused(sink: string, forMs: number, reason: string, status?: number): void
  /** What is ready waits for the sink's own limit, from now on for `waitMs`. May be called again while it does. */
  rateLimited(sink: string, waitMs: number): void
  /** A batch was refused whole, and goes again in halves. */
  batchSplit(sink: string, events: number, reason: string, status?: number): void
  /** A request was answered for item by item; in events. */
  itemsSettled(sink: string, delivered: number, retried: number, rejected: number): void
  /** More keys than have buckets of their own. */
  limiterKeysFull(sink: string, maxKeys: number): void
  /** The destination takes no compressed bodies. */
  compressionRefused(sink: string, reason: string): void
  /** Longer bodies than this were refused. */
  bodyLimitLearned(sink: string, bytes: number): void
}
