/** Earned by a first send: at most a fifth more load than the events themselves make. */
export const RETRIES_PER_SEND = 0.2
/** Always there, so that what failed goes on where nothing new is to be sent. */
export const RETRIES_PER_SECOND = 10
/** What may be saved up: ten seconds of the above. */
export const RETRY_RESERVE = 100

/** Sums of fractions come out a little below the whole. */
const ALMOST = 1e-6

/**
 * Bounds what retries add to the load of a destination, as RPC clients do it: in any time of t seconds at most
 * `RETRY_RESERVE` + `RETRIES_PER_SECOND` x t + `RETRIES_PER_SEND` x (first sends in it). It starts empty, so that restarts
 * can't add up. Times are of a clock that doesn't go back.
 */
export class RetryBudget {
  #retries = 0
  #countedAtMs: number

  constructor(nowMs: number) {
    this.#countedAtMs = nowMs
  }

  /** A first send went out. */
  earned(nowMs: number): void {
    this.#count(nowMs)
    this.#retries = Math.min(RETRY_RESERVE, this.#retries + RETRIES_PER_SEND)
  }

  /** Milliseconds, whole ones, until so many more retries may go; 0: now. */
  waitMs(nowMs: number, retries = 1): number {
    this.#count(nowMs)
    const lacking = retries - ALMOST - this.#retries
    return lacking <= 0 ? 0 : Math.ceil((lacking * 1000) / RETRIES_PER_SECOND)
  }

  /** A retry goes out; call it when `waitMs` is 0. */
  spend(nowMs: number, retries = 1): void {
    this.#count(nowMs)
    this.#retries -= retries
  }

  #count(nowMs: number): void {
    const seconds = (nowMs - this.#countedAtMs) / 1000
    this.#countedAtMs = nowMs
    this.#retries = Math.min(RETRY_RESERVE, this.#retries + seconds * RETRIES_PER_SECOND)
  }
}
