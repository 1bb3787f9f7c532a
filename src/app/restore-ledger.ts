import type { DiskLog } from '../journal/disk-log.ts'
import { BULK, FAST } from '../pipeline/ledger.ts'
import type { Ledger } from '../pipeline/ledger.ts'

/** The counts of earlier runs go on, once the log was opened: nothing has been counted in this one yet. */
export function restoreLedger(ledger: Ledger, log: DiskLog): void {
  for (const [index, { receivedBytes, accepted, rejected, shed }] of log.sourceTallies.entries()) {
    const counts = ledger.sources[index]!
    counts.receivedBytes = receivedBytes
    counts.accepted = accepted
    for (const [category, count] of rejected.entries()) counts.rejected[category] = count
    for (const [severity, count] of shed.entries()) counts.shedBy[severity] = count
    counts.received = accepted + counts.rejectedTotal + counts.shed
  }
  const { sinks, deadLetters, lettersOfTheLeft } = log.restored
  for (const [index, restored] of sinks.entries()) {
    const counts = ledger.sinks[index]!
    counts.before = restored.before
    counts.filtered = restored.filtered
    counts.deliveredBytes = restored.deliveredBytes
    for (const lane of [BULK, FAST]) {
      counts.offered[lane] = restored.offered[lane]!
      counts.delivered[lane] = restored.delivered[lane]!
    }
    for (const [category, count] of Object.entries(restored.deadLettered))
      counts.deadLettered.set(category, count)
    for (const [reason, count] of Object.entries(restored.discarded)) counts.discarded.set(reason, count)
  }
  ledger.lettersOfTheLeft = lettersOfTheLeft
  Object.assign(ledger.dlq, deadLetters)
}

/**
 * Dead letters in the files that no count explains were found: by an earlier version, or written in the last moments
 * before a crash, of events that were not acknowledged or come again. Fewer than counted is a loss, which the ledger shows.
 *
 * @param foundBefore by earlier runs.
 */
export function countFoundLetters(ledger: Ledger, foundBefore: number): void {
  const { dlq } = ledger
  const surplus =
    dlq.queued + dlq.replayed + dlq.purged + dlq.evicted - foundBefore - ledger.deadLettersCounted()
  dlq.found = foundBefore + Math.max(0, surplus)
}
