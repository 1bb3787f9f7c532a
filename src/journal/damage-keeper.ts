import type { BadBytes } from './backlog.ts'
import type { Damage } from './damage.ts'
import { REPORTED_DAMAGE_MAX } from './quarantine.ts'
import type { Quarantine } from './quarantine.ts'
import type { RecoveryEvents } from './recovery.ts'
import type { SegmentInfo } from './segment-file.ts'
import { segmentFileName } from './segment-name.ts'

/**
 * Tells of damage that readers come upon, and has the segments copied, one after another. What is noted of a segment while
 * another is copied goes into its report at once.
 */
export class DamageKeeper {
  readonly #quarantine: Pick<Quarantine, 'keep'>
  readonly #events: Pick<RecoveryEvents, 'journalDamaged'>
  /** At most REPORTED_DAMAGE_MAX of each segment. */
  readonly #noted = new Map<SegmentInfo, Damage[]>()
  #copying: Promise<void> | null = null

  constructor(quarantine: Pick<Quarantine, 'keep'>, events: Pick<RecoveryEvents, 'journalDamaged'>) {
    this.#quarantine = quarantine
    this.#events = events
  }

  note(segment: SegmentInfo, { offset, bytes, reason }: BadBytes): void {
    const damage = { segment: segment.number, offset, end: offset + bytes, reason, frames: null, lost: {} }
    this.#events.journalDamaged(segmentFileName(segment), damage)
    const noted = this.#noted.get(segment) ?? []
    this.#noted.set(segment, noted)
    if (noted.length < REPORTED_DAMAGE_MAX) noted.push(damage)
    this.#copying ??= this.#copy()
  }

  async #copy(): Promise<void> {
    for (const [segment, damage] of this.#noted) {
      this.#noted.delete(segment)
      // oxlint-disable-next-line no-await-in-loop -- one at a time
      await this.#quarantine.keep(segment, damage)
    }
    this.#copying = null
  }

  /** Everything noted so far is copied, or could not be. */
  copied(): Promise<void> {
    return this.#copying ?? Promise.resolve()
  }
}
