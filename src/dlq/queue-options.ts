import type { Clock } from '../base/clock.ts'
import type { FileIo } from '../base/file-io.ts'

/** Counts that the queue keeps; the ledger's. */
export interface DeadLetterTally {
  found: number
  queued: number
  /** Over all runs, as `evicted`: set to what earlier ones counted before `start`, which makes up for what the last missed. */
  replayed: number
  purged: number
  evicted: number
}

/** What the queue tells the operator. */
export interface DeadLetterEvents {
  deadLetterDiskFailing(reason: string, retryMs: number): void
  deadLetterDiskRecovered(outageMs: number): void
  deadLettersEvicted(source: string, count: number, bytes: number): void
  deadLetterTorn(file: string, bytes: number): void
}

export interface DeadLetterQueueOptions {
  /** `data_dir/dlq`; made when missing. */
  readonly directory: string
  /** `dlq.max_bytes`: of all files, the open ones included. */
  readonly maxBytes: number
  /** Default: a sixteenth of `maxBytes`, at most 64 MiB. */
  readonly fileBytesMax?: number
  readonly clock: Clock
  readonly counts: DeadLetterTally
  readonly events: DeadLetterEvents
  readonly io?: FileIo
  /** Makes durable what was counted, before files go: false when the disk doesn't let it. */
  readonly makeCountsDurable?: () => Promise<boolean>
}
