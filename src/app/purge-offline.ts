import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { spwError } from '../base/errors.ts'
import type { DeadLetterEvents } from '../dlq/queue-options.ts'
import { DeadLetterQueue } from '../dlq/queue.ts'
import type { LetterRun } from '../dlq/letter-id.ts'
import { readState } from '../journal/state-file.ts'
import type { StateFileEvents } from '../journal/state-file.ts'
import { DeadLetterCounts } from '../pipeline/ledger.ts'
import { lockDataDir } from './data-lock.ts'
import { writeState } from './detach-offline.ts'

export interface OfflinePurge {
  readonly dataDir: string
  /** `dlq.max_bytes` */
  readonly maxBytes: number
  readonly events: StateFileEvents & DeadLetterEvents
}

/**
 * Takes letters out of the queue while no collector runs: `act` is given what marks them as purged. What was counted goes to
 * the state of the journal, where there is one, before files go.
 *
 * Throws SPW_ERR_DATA_DIR_LOCKED, SPW_ERR_DLQ_*, SPW_ERR_STATE_UNUSABLE.
 */
export async function purgeOffline<Result>(
  { dataDir, maxBytes, events }: OfflinePurge,
  act: (purge: (letters: readonly LetterRun[]) => Promise<number>) => Promise<Result>,
): Promise<Result> {
  const lock = await lockDataDir(dataDir)
  try {
    const path = join(dataDir, 'journal', 'state')
    const { state, bad } = await readState(path)
    if (state === null && bad.length > 0) {
      throw spwError('SPW_ERR_STATE_UNUSABLE', { path, reason: bad.map(({ reason }) => reason).join('; ') })
    }
    const counts = new DeadLetterCounts()
    Object.assign(counts, state?.deadLetters)
    const found = state?.deadLetters.found ?? 0
    const queue = new DeadLetterQueue({
      directory: join(dataDir, 'dlq'),
      maxBytes,
      clock: systemClock,
      counts,
      events,
      makeCountsDurable: async () => {
        if (state === null) return true
        const { replayed, purged, evicted } = counts
        await writeState(path, { ...state, deadLetters: { found, replayed, purged, evicted } }, events)
        return true
      },
    })
    await queue.start()
    try {
      return await act((letters) => queue.mark(letters, 'purged'))
    } finally {
      await queue.stop()
    }
  } finally {
    await lock.release()
  }
}
