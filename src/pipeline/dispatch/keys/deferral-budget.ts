import { KIB, MIB } from '../../../base/units.ts'

/** May always be deferred. */
const BYTES_PER_SECOND = 8 * MIB
/** However small it is, a frame costs a task and a place in a commit. */
const BYTES_MIN = 16 * KIB
/** What was deferred before costs so many times as much: a log that holds nothing else is gone round slowly. */
const AGAIN_COSTS = 8
/** For each byte that goes out, so many may be deferred. */
const PER_BYTE_CUT = 2
const SAVED_BYTES_MAX = 64 * MIB

/**
 * What may be appended to the log again for waiting for a limit: so much a second, and twice what goes out. Each time that
 * the log comes round to it, it may have to be deferred again: without a bound that would be all that the disk does.
 */
export class DeferralBudget {
  #bytes = 0
  #atMs: number

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  /** A batch goes out. */
  earn(bytes: number): void {
    this.#bytes = Math.min(SAVED_BYTES_MAX, this.#bytes + PER_BYTE_CUT * bytes)
  }

  /** Milliseconds until something may be deferred, however large; what it is more than what is there is owed. */
  waitMs(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = Math.max(this.#atMs, nowMs)
    const earned = this.#bytes + (elapsedMs * BYTES_PER_SECOND) / 1000
    this.#bytes = Math.max(this.#bytes, Math.min(BYTES_PER_SECOND, earned))
    return this.#bytes > 0 ? 0 : Math.max(1, (-this.#bytes * 1000) / BYTES_PER_SECOND)
  }

  /** @param isAgain it was deferred before. */
  spend(bytes: number, isAgain: boolean): void {
    this.#bytes -= Math.max(BYTES_MIN, bytes) * (isAgain ? AGAIN_COSTS : 1)
  }
}
