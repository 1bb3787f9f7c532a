import { createHistogram } from 'node:perf_hooks'
import type { RecordableHistogram } from 'node:perf_hooks'
import type { Batch } from './batch.ts'

const LATENCY_MAX_US = 3_600_000_000

/** What became of the events of a run. `sent` + `refused` + `unsent` = all that were made or read. */
export class Tally {
  /** Handed over: over HTTP in a request answered with 2xx or taken in part, else given to the kernel. */
  sent = 0
  /** Malformed on purpose, among those sent. */
  malformed = 0
  /** By the receiver's own answers; over TCP and UDP there are none. */
  accepted = 0
  rejected = 0
  /** Not taken, and not sent again: the answer told that it would be in vain. */
  refused = 0
  /** Given up when the run was stopped: of those on their way nobody knows. */
  unsent = 0
  /** Requests that were sent again, after 429 or 503 or a broken connection. */
  resent = 0
  bytes = 0
  /** The first thing that a receiver had to say against an event or request. */
  firstComplaint = ''
  readonly #requestUs: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: LATENCY_MAX_US,
    figures: 3,
  })

  took(batch: Batch, bytes: number): void {
    this.sent += batch.events
    this.malformed += batch.malformed
    this.bytes += bytes
  }

  complain(text: string): void {
    if (this.firstComplaint === '') this.firstComplaint = text
  }

  answered(latencyMs: number): void {
    this.#requestUs.record(Math.min(LATENCY_MAX_US, Math.max(1, Math.round(latencyMs * 1000))))
  }

  get answers(): number {
    return this.#requestUs.count
  }

  /** Milliseconds from a request to its answer; NaN where there was none. */
  requestMs(percentile: number): number {
    return this.answers === 0 ? NaN : this.#requestUs.percentile(percentile) / 1000
  }
}
