import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { reasonOf, SpillwayError, spwError } from '../base/errors.ts'
import { nodeFileIo } from '../base/file-io.ts'
import { detach } from '../journal/detach.ts'
import { Quarantine } from '../journal/quarantine.ts'
import type { QuarantineEvents } from '../journal/quarantine.ts'
import { recover } from '../journal/recovery.ts'
import type { RecoveryEvents } from '../journal/recovery.ts'
import { readState, StateFile } from '../journal/state-file.ts'
import type { StateFileEvents } from '../journal/state-file.ts'
import type { JournalState } from '../journal/state.ts'
import { checkDetachable } from './control/journal-detach.ts'
import { lockDataDir } from './data-lock.ts'

export interface OfflineDetach {
  readonly dataDir: string
  readonly sink: string
  /** Names of the sinks of the configuration. */
  readonly configured: readonly string[]
  readonly events: StateFileEvents & RecoveryEvents & QuarantineEvents
}

/**
 * Gives up what the journal keeps for a sink that has left the configuration, while no collector runs; its segments go with
 * the next start. Resolves to the events that were given up. Throws SPW_ERR_DATA_DIR_LOCKED, SPW_ERR_SINK_CONFIGURED,
 * SPW_ERR_SINK_UNKNOWN, and SPW_ERR_* of a journal that can't be used.
 */
export async function detachOffline(options: OfflineDetach): Promise<number> {
  const lock = await lockDataDir(options.dataDir)
  try {
    return await detachLocked(options)
  } finally {
    await lock.release()
  }
}

async function detachLocked({ dataDir, sink, configured, events }: OfflineDetach): Promise<number> {
  const io = nodeFileIo
  const directory = join(dataDir, 'journal')
  const path = join(directory, 'state')
  // Looked at first: where there is no journal, none is made.
  const { state, bad } = await readState(path, io)
  if (state === null && bad.length > 0) {
    throw spwError('SPW_ERR_STATE_UNUSABLE', { path, reason: bad.map(({ reason }) => reason).join('; ') })
  }
  const known = Object.keys(state?.sinks ?? {})
  checkDetachable(
    sink,
    configured,
    known.filter((name) => !configured.includes(name)),
  )
  const left = state!.sinks[sink]!
  const quarantine = new Quarantine({ directory, io, clock: systemClock, events })
  const { checkpoint, nextSegment, nextSequence } = await recover({
    directory,
    io,
    events,
    quarantine,
    state,
  })
  const offered = checkpoint.sinks.find(({ name }) => name === sink)?.offered ?? left.settled
  const end = { segment: nextSegment, offset: 0, sequence: nextSequence }
  const detached = detach(left, offered, end)
  await writeState(path, { ...state!, sinks: { ...state!.sinks, [sink]: detached.sink } }, events)
  return detached.discarded
}

/** Makes a state the journal's, while no collector runs. Throws SPW_ERR_STATE_UNUSABLE. */
export async function writeState(path: string, state: JournalState, events: StateFileEvents): Promise<void> {
  const file = await StateFile.open(path, nodeFileIo, events)
  try {
    await file.write(state)
  } catch (error) {
    if (error instanceof SpillwayError) throw error
    throw spwError('SPW_ERR_STATE_UNUSABLE', { path, reason: reasonOf(error) }, { cause: error })
  } finally {
    await file.close().catch(() => {})
  }
}
