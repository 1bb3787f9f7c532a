import type { Outcome } from '../sink.ts'
import type { GiveUpCategory } from './giving-up.ts'

type Failure<Kind extends Outcome['kind']> = Extract<Outcome, { kind: Kind }>

/** What a dispatcher tells of: for the log, and for what the ledger doesn't count. */
export interface DispatchEvents {
  /** A batch failed and is sent again. */
  retrying?(sink: string, outcome: Failure<'retry'>, delayMs: number): void
  /** The operator must act: the sink sends nothing but probes. Called for the first failure and each failed probe. */
  holding?(sink: string, reason: string, status: number | undefined): void
  /** The destination takes events again. */
  resumed?(sink: string): void
  /** A batch was refused for its content, at first or in a probe. */
  refused?(sink: string, outcome: Failure<'reject'>, batchEvents: number): void
  deadLettered?(sink: string, category: GiveUpCategory, events: number): void
  /** Encoding or writing dead letters failed, or the sink threw; it is tried again. */
  failed?(sink: string, error: unknown): void
  /** Some events of one frame were delivered, so long after they were received. */
  delivered?(sink: string, events: number, ageMs: number): void
}
