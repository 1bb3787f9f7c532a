import type { BadBytes } from './backlog.ts'
import type { Quarantine } from './quarantine.ts'
import type { RecoveryEvents } from './recovery.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'

/** Tells of damage that readers come upon, and has the segment copied, one after another. */
export class DamageKeeper {
  readonly #quarantine: Quarantine
  readonly #events: Pick<RecoveryEvents, 'journalDamaged'>
  #copying: Promise<void> = Promise.resolve()

  constructor(quarantine: Quarantine, events: Pick<RecoveryEvents, 'journalDamaged'>) {
    this.#quarantine = quarantine
    this.#events = events
  }

  note(segment: SegmentInfo, { offset, bytes, reason }: BadBytes): void {
    const damage = { segment: segment.number, offset, end: offset + bytes, reason, frames: null, lost: {} }
    this.#events.journalDamaged(segmentFileName(segment), damage)
    this.#copying = this.#copy(this.#copying, segment, damage)
  }

  async #copy(
    before: Promise<void>,
    segment: SegmentInfo,
    damage: Parameters<Quarantine['keep']>[1][number],
  ): Promise<void> {
    await before
    await this.#quarantine.keep(segment, [damage])
  }

  /** Everything noted so far is copied, or could not be. */
  copied(): Promise<void> {
    return this.#copying
  }
}
