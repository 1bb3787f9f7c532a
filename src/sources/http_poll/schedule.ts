import type { Clock, Timer } from '../../base/clock.ts'

export interface ScheduleOptions {
  readonly clock: Clock
  /** How many may be under way at once. */
  readonly concurrency: () => number
  /** False: none is begun now; `wake` is called when that may have changed. */
  readonly mayBegin: () => boolean
  readonly begin: (index: number) => void
}

/**
 * When each of some numbered things is due, and that no more than `concurrency` of them are under way, none of them
 * twice. Whoever is due longest goes first, so none waits for ever.
 */
export class Schedule {
  readonly #options: ScheduleOptions
  /** By index; Infinity while it is under way. */
  readonly #dueAtMs: number[] = []
  readonly #underWay = new Set<number>()
  #timer: Timer | null = null
  #stopped = false

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  /** It is due at `dueAtMs` of the clock, and if it was under way, it is no more. */
  plan(index: number, dueAtMs: number): void {
    this.#underWay.delete(index)
    this.#dueAtMs[index] = dueAtMs
    this.wake()
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** When it is due; Infinity while it is under way. */
  dueAtMs(index: number): number {
    return this.#dueAtMs[index] ?? Infinity
  }

  /** Begins what is due and may begin. */
  wake(): void {
    const { clock, concurrency, mayBegin, begin } = this.#options
    this.#disarm()
    while (!this.#stopped && this.#underWay.size < concurrency()) {
      const index = this.#first()
      const dueAtMs = this.dueAtMs(index)
      if (dueAtMs === Infinity) return
      const waitMs = dueAtMs - clock.now()
      if (waitMs > 0) {
        // What began may be over again, and have armed it.
        this.#disarm()
        this.#timer = clock.setTimeout(() => this.wake(), Math.ceil(waitMs))
        return
      }
      if (!mayBegin()) return
      this.#underWay.add(index)
      this.#dueAtMs[index] = Infinity
      begin(index)
    }
  }

  /** Begins none any more. */
  stop(): void {
    this.#stopped = true
    this.#disarm()
  }

  #disarm(): void {
    this.#timer?.clear()
    this.#timer = null
  }

  /** The one that is due first. */
  #first(): number {
    let first = 0
    for (let index = 1; index < this.#dueAtMs.length; index++) {
      if (this.#dueAtMs[index]! < this.#dueAtMs[first]!) first = index
    }
    return first
  }
}
