import { ENTRY, REJECT_CATEGORIES, SEVERITIES } from '../memory/extent-ring.ts'
import type { ExtentRing, RejectCategory } from '../memory/extent-ring.ts'
import { RUN } from '../memory/frame-region.ts'
import { FILTERS_MAX } from './where.ts'

/** What a worker counts in an extent. `records = accepted + rejected + shed`. */
export class ExtentCounts {
  records = 0
  accepted = 0
  rejected = 0
  shed = 0
  fast = 0
  breaks = 0
  undecided = 0
  crossChecked = 0
  crossFailed = 0
  readonly #rejectedBy = new Int32Array(REJECT_CATEGORIES.length)
  readonly #shedBy = new Int32Array(SEVERITIES)
  readonly #routed = new Int32Array(2 * FILTERS_MAX)
  /** What there was before the run. */
  #recordsBefore = 0
  #acceptedBefore = 0
  #rejectedBefore = 0
  #shedBefore = 0

  reset(): void {
    this.records = this.accepted = this.rejected = this.shed = this.fast = this.breaks = 0
    this.undecided = this.crossChecked = this.crossFailed = 0
    this.#rejectedBy.fill(0)
    this.#shedBy.fill(0)
    this.#routed.fill(0)
  }

  reject(category: RejectCategory): void {
    this.records++
    this.rejected++
    this.#rejectedBy[REJECT_CATEGORIES.indexOf(category)]!++
  }

  leaveOut(severity: number): void {
    this.records++
    this.shed++
    this.#shedBy[severity]!++
  }

  /** Filters let an accepted record through, one for each bit of the mask. */
  route(mask: number, fast: boolean): void {
    const lane = fast ? 1 : 0
    for (let rest = mask; rest !== 0; rest &= rest - 1)
      this.#routed[(31 - Math.clz32(rest & -rest)) * 2 + lane]!++
  }

  beginRun(): void {
    this.#recordsBefore = this.records
    this.#acceptedBefore = this.accepted
    this.#rejectedBefore = this.rejected
    this.#shedBefore = this.shed
  }

  /** Of the run so far. */
  get runRecords(): number {
    return this.records - this.#recordsBefore
  }

  answerRun(words: Int32Array, runWord: number): void {
    words[runWord + RUN.RECORDS] = this.runRecords
    words[runWord + RUN.ACCEPTED] = this.accepted - this.#acceptedBefore
    words[runWord + RUN.REJECTED] = this.rejected - this.#rejectedBefore
    words[runWord + RUN.SHED] = this.shed - this.#shedBefore
  }

  answer({ words }: ExtentRing, entryWord: number): void {
    words[entryWord + ENTRY.RECORDS] = this.records
    words[entryWord + ENTRY.ACCEPTED] = this.accepted
    words[entryWord + ENTRY.REJECTED] = this.rejected
    words[entryWord + ENTRY.FAST] = this.fast
    words[entryWord + ENTRY.BREAKS] = this.breaks
    words[entryWord + ENTRY.UNDECIDED] = this.undecided
    words[entryWord + ENTRY.CROSS_CHECKED] = this.crossChecked
    words[entryWord + ENTRY.CROSS_FAILED] = this.crossFailed
    words.set(this.#rejectedBy, entryWord + ENTRY.REJECTED_BY)
    words.set(this.#shedBy, entryWord + ENTRY.SHED_BY)
    words.set(this.#routed, entryWord + ENTRY.ROUTED)
  }
}
