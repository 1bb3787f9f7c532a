import { REJECT_CATEGORIES } from '../memory/extent-ring.ts'
import type { Ledger, SinkCounts, SourceCounts } from '../pipeline/ledger.ts'

/** What a source took. `received = accepted + rejected + shed`. */
export interface SourceStats {
  /** Events, once they were validated. */
  readonly received: number
  readonly receivedBytes: number
  readonly accepted: number
  readonly rejected: number
  /** Events by why they were refused, `schema_violation` and the like; those that are not 0. Their sum is `rejected`. */
  readonly rejectedBy: Readonly<Record<string, number>>
  readonly shed: number
  /** Bytes that were taken and not yet validated: a crash loses them. */
  readonly uncommittedBytes: number
}

/** What became of the events of a sink's inputs. `offered = delivered + held + deadLettered + discarded`. */
export interface SinkStats {
  readonly offered: number
  /** Events that its `where` keeps out. */
  readonly filtered: number
  readonly delivered: number
  readonly deliveredBytes: number
  /** Events in the journal, or in memory, that this sink has not settled. */
  readonly held: number
  readonly deadLettered: number
  /** Events by why they were given up, `refused`, `expired` or `undelivered`. Their sum is `deadLettered`. */
  readonly deadLetteredBy: Readonly<Record<string, number>>
  readonly discarded: number
}

/** A snapshot of the ledger, over all runs on this `data_dir`; in memory mode since the collector was made. All counts are events but for those named bytes. */
export interface CollectorStats {
  /** Every event is accounted for: always true, or it is a defect. */
  readonly balanced: boolean
  readonly sources: Readonly<Record<string, SourceStats>>
  readonly sinks: Readonly<Record<string, SinkStats>>
  /** Entries of the dead-letter queue: found at the start, there now, and dropped because it was full. */
  readonly deadLetters: { readonly found: number; readonly queued: number; readonly evicted: number }
}

/** Read in one step, so that the equations hold. `uncommittedBytes`: of a source, by name. */
export function statsOf(ledger: Ledger, uncommittedBytes: (source: string) => number): CollectorStats {
  const { found, queued, evicted } = ledger.dlq
  return {
    balanced: ledger.imbalances().length === 0,
    sources: byName(ledger.sources, (source) => sourceStats(source, uncommittedBytes(source.name))),
    sinks: byName(ledger.sinks, sinkStats),
    deadLetters: { found, queued, evicted },
  }
}

function sourceStats(source: SourceCounts, uncommittedBytes: number): SourceStats {
  const { received, receivedBytes, accepted, rejected, rejectedTotal, shed } = source
  const counts = REJECT_CATEGORIES.map((category, index) => [category, rejected[index]!] as const)
  const rejectedBy = Object.fromEntries(counts.filter(([, count]) => count > 0))
  return { received, receivedBytes, accepted, rejected: rejectedTotal, rejectedBy, shed, uncommittedBytes }
}

function sinkStats(sink: SinkCounts): SinkStats {
  return {
    offered: sum(sink.offered),
    filtered: sink.filtered,
    delivered: sum(sink.delivered),
    deliveredBytes: sink.deliveredBytes,
    held: sum(sink.held()),
    deadLettered: sum(sink.deadLettered.values()),
    deadLetteredBy: Object.fromEntries(sink.deadLettered),
    discarded: sum(sink.discarded.values()),
  }
}

function byName<Counts extends { readonly name: string }, Stats>(
  all: readonly Counts[],
  statsOfOne: (counts: Counts) => Stats,
): Record<string, Stats> {
  return Object.fromEntries(all.map((counts) => [counts.name, statsOfOne(counts)]))
}

function sum(counts: Iterable<number>): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
