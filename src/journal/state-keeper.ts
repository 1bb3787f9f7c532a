import type { Clock, Timer } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import type { JournalState } from './state.ts'

/** What changes is on disk so long after at most, if the disk is well. */
const WRITE_EVERY_MS = 50
const RETRY_MS = 1000

export interface StateKeeperOptions {
  readonly file: { write(state: JournalState): Promise<void> }
  readonly clock: Clock
  /** Of one moment. */
  readonly snapshot: () => JournalState
  /** It is on disk. */
  readonly onWritten: (state: JournalState) => void
  readonly onFailing: (reason: string, retryMs: number) => void
}

/** Writes the state again and again while it changes, one write at a time. */
export class StateKeeper {
  readonly #options: StateKeeperOptions
  #dirty = false
  #timer: Timer | null = null
  #writing: Promise<boolean> | null = null
  #failing = false
  #stopped = false

  constructor(options: StateKeeperOptions) {
    this.#options = options
  }

  get healthy(): boolean {
    return !this.#failing
  }

  changed(): void {
    this.#dirty = true
    this.#writeIn(WRITE_EVERY_MS)
  }

  #writeIn(delayMs: number): void {
    if (this.#timer !== null || this.#stopped) return
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = null
      void this.#write()
    }, delayMs)
  }

  /** What is true now is on disk when it resolves; false when the disk doesn't let it. */
  async flush(): Promise<boolean> {
    // What is under way may tell of an earlier moment.
    await this.#writing
    this.#dirty = true
    return this.#write()
  }

  #write(): Promise<boolean> {
    if (!this.#dirty) return Promise.resolve(true)
    this.#writing ??= this.#writeNow().finally(() => {
      this.#writing = null
      if (this.#dirty) this.#writeIn(this.#failing ? RETRY_MS : WRITE_EVERY_MS)
    })
    return this.#writing
  }

  async #writeNow(): Promise<boolean> {
    const { file, snapshot, onWritten, onFailing } = this.#options
    const state = snapshot()
    this.#dirty = false
    try {
      await file.write(state)
    } catch (error) {
      this.#dirty = true
      if (!this.#failing) onFailing(reasonOf(error), RETRY_MS)
      this.#failing = true
      return false
    }
    this.#failing = false
    onWritten(state)
    return true
  }

  /** Writes once more, and no more then. */
  async stop(): Promise<boolean> {
    this.#clearTimer()
    const written = await this.flush()
    this.#stopped = true
    this.#clearTimer()
    return written
  }

  #clearTimer(): void {
    this.#timer?.clear()
    this.#timer = null
  }
}
