/** The longest time that is sat out after a refusal. */
export const SIT_OUT_MS_MAX = 1000
/** By each success the next time to sit out gets shorter. */
const SHORTER = 0.7

/**
 * How long nothing is sent after a refusal, or another failure, that names no time. To refuse is less work than to take:
 * without this, the faster a destination refused, the more it would be asked. At least the rest of a usual round trip is
 * sat out, and twice as long as the last time where few requests were taken since: so a destination that takes less than
 * one request a round trip, which is the least that concurrency can say, is asked about as often as it takes something.
 */
export class SittingOut {
  #lastMs = 0
  #decidedAtMs = -Infinity

  /** A request that left at `sentAtMs` failed. Answers until when nothing is sent; what left together counts once. */
  failed(sentAtMs: number, rttMs: number, nowMs: number): number {
    if (sentAtMs >= this.#decidedAtMs) {
      this.#lastMs = Math.min(SIT_OUT_MS_MAX, Math.max(rttMs, 2 * this.#lastMs))
      this.#decidedAtMs = nowMs
    }
    return sentAtMs + this.#lastMs
  }

  succeeded(): void {
    this.#lastMs *= SHORTER
  }
}
