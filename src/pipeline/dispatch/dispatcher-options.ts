import type { Clock } from '../../base/clock.ts'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { Log } from '../../journal/log.ts'
import type { Arena } from '../../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { Encoder, Grouper } from '../encoder.ts'
import type { SinkCounts } from '../ledger.ts'
import type { Sink } from '../sink.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import type { ConcurrencyStatus } from './adaptive-concurrency.ts'
import type { BreakerConfig } from './breaker.ts'
import type { LimiterStatus, Quota, RateLimit } from './limits/limiter.ts'
import type { PayloadForm } from './payload-builder.ts'

/** The configuration of a sink as far as it is the pipeline's business. */
export interface DispatcherConfig extends PayloadForm {
  readonly batch: { readonly maxBytes: number; readonly maxEvents: number; readonly maxAgeMs: number }
  readonly rateLimit?: RateLimit
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly maxAgeMs?: number }
  readonly breaker: BreakerConfig
  /** Whether events of a source go one batch after another, in the order that they came in. */
  readonly order: 'none' | 'per_source'
  readonly request: { readonly timeoutMs: number; readonly concurrency: number | 'adaptive' }
  /** Of all payloads in flight together; one may go whatever its size. Default: no limit. */
  readonly inFlightBytesMax?: number
  /** Longest record of its sources. */
  readonly maxRecordBytes: number
}

export interface DispatcherOptions {
  readonly name: string
  readonly sink: Sink
  readonly log: Log
  /** Indexes of the sources whose events it gets. */
  readonly inputs: readonly number[]
  /** Which bit of the route mask is this sink's `where`; -1: it gets everything. */
  readonly filterIndex: number
  readonly config: DispatcherConfig
  readonly counts: SinkCounts
  readonly pool: SlabPool
  /** Two reserved slabs: for encoded payloads and dead letters. */
  readonly owner: SlabOwner
  readonly arena: Arena
  readonly encoder: Encoder
  readonly grouper: Grouper
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly events?: Partial<DispatchEvents>
  /** What `rate_limit.bytes_per_day` leaves; absent without one. */
  readonly quota?: Quota
}

export interface DispatcherStatus {
  readonly state: 'running' | 'waiting_for_operator' | 'draining' | 'stopped'
  /** Why the operator must act; null when nothing asks for it. */
  readonly waitingForOperator: string | null
  readonly batches: {
    readonly sending: number
    readonly ready: number
    readonly retrying: number
    /** Refused for their content, kept and probed. */
    readonly refused: number
    readonly givingUp: number
  }
  /** Frames in the log that no batch was cut from. */
  readonly framesWaiting: number
  /** Events wait in the log longer than they should: severe ones go first. */
  readonly lagging: boolean
  /**
   * How long ago the oldest event held was received, by lane; 0: none is. For one that is still to be read from disk, and
   * is the oldest, a bound: it is no older.
   */
  readonly oldestMs: { readonly bulk: number; readonly fast: number }
  /** How much longer the destination asked to be left alone. */
  readonly pausedForMs: number
  /** '' when nothing has failed yet. */
  readonly lastFailure: string
  readonly breaker: BreakerStatus
  readonly concurrency: ConcurrencyStatus
  /** Null: the sink has no rate limit. */
  readonly limits: LimiterStatus | null
}

export interface BreakerStatus {
  readonly state: 'closed' | 'half_open' | 'open'
  /** What opened it; '' when closed. */
  readonly cause: string
  /** In how many milliseconds the next probe is due; 0 when closed, or while one is under way. */
  readonly nextProbeMs: number
  /** Round trips in a row in which nothing succeeded. */
  readonly failures: number
}

export interface DrainResult {
  /** Events delivered since the drain began. */
  readonly delivered: number
  /** Events that became dead letters because time was over. */
  readonly undelivered: number
}
