import type { Clock, Timer } from '../../../base/clock.ts'
import { reasonOf } from '../../../base/errors.ts'
import { nodeFileIo } from '../../../base/file-io.ts'
import type { FileIo } from '../../../base/file-io.ts'
import { DailyQuota } from './daily-quota.ts'
import type { QuotaKeeper } from './daily-quota.ts'
import { readQuotaDay, writeQuotaDay } from './quota-file.ts'

const DAY_MS = 86_400_000
/** Pause after a write: the wishes of many keys go together. */
const WRITE_PAUSE_MS = 50
const RETRY_MS = 1000

export interface QuotaStoreOptions {
  readonly path: string
  readonly io?: FileIo
  readonly clock: Clock
  readonly events?: { limitsStoreFailing?(reason: string): void }
}

/**
 * The daily quotas of all sinks, and the file that they are kept in. Made once a collector, in memory mode too.
 *
 * The day is that of the wall clock, but it never goes back: while the clock says that it is earlier than the latest day
 * anything was sent in, that day goes on.
 */
export class QuotaStore implements QuotaKeeper {
  readonly #options: QuotaStoreOptions
  readonly #io: FileIo
  readonly #quotas = new Map<string, DailyQuota>()
  /** Of sinks that have no quota now; they count if they come back on the same day. */
  #others = new Map<string, Readonly<Record<string, number>>>()
  #day = 0
  #opened = false
  #isWanted = false
  #writing: Promise<void> | null = null
  #pause: { readonly timer: Timer; readonly end: () => void } | null = null
  closed = false

  constructor(options: QuotaStoreOptions) {
    this.#options = options
    this.#io = options.io ?? nodeFileIo
  }

  /** Reads what was sent today. Throws SPW_ERR_LIMITS_UNUSABLE. */
  async open(): Promise<void> {
    const found = await readQuotaDay(this.#options.path, this.#io)
    this.#day = found?.day ?? 0
    this.#others = new Map(Object.entries(found?.sinks ?? {}))
    this.#opened = true
    this.turnDay()
    for (const sink of this.#quotas.keys()) this.#restore(sink)
  }

  /** The quota of a sink, to be used after `open`; with one for all of it, `maxKeys` is 1. */
  quota(sink: string, bytesPerDay: number, maxKeys: number): DailyQuota {
    const quota = new DailyQuota(bytesPerDay, maxKeys, this)
    this.#quotas.set(sink, quota)
    if (this.#opened) this.#restore(sink)
    return quota
  }

  #restore(sink: string): void {
    this.#quotas.get(sink)!.restore(this.#others.get(sink) ?? {})
    this.#others.delete(sink)
  }

  /** Writes what was sent, so that nothing reserved is lost. Nothing may be sent any more. May be called twice. */
  async stop(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.#endPause()
    await this.#writing
    if (!this.#opened || this.#quotas.size === 0) return
    try {
      await this.#writeOnce(true)
    } catch {
      // What stands there says that more was sent: that is safe.
    }
  }

  // ---- the quotas' side

  turnDay(): void {
    const today = Math.floor(this.#options.clock.wallClock() / DAY_MS)
    if (today <= this.#day) return
    this.#day = today
    this.#others.clear()
    for (const quota of this.#quotas.values()) quota.beginDay()
  }

  get untilTomorrowMs(): number {
    return (this.#day + 1) * DAY_MS - this.#options.clock.wallClock()
  }

  write(): void {
    this.#isWanted = true
    this.#writing ??= this.#writeOn()
  }

  async #writeOn(): Promise<void> {
    while (this.#isWanted && !this.closed) {
      this.#isWanted = false
      let pauseMs = WRITE_PAUSE_MS
      try {
        // oxlint-disable-next-line no-await-in-loop -- one file, one writer
        await this.#writeOnce(false)
      } catch (error) {
        this.#options.events?.limitsStoreFailing?.(reasonOf(error))
        this.#isWanted = true
        pauseMs = RETRY_MS
      }
      // oxlint-disable-next-line no-await-in-loop
      await this.#wait(pauseMs)
    }
    this.#writing = null
  }

  async #writeOnce(isLast: boolean): Promise<void> {
    const day = this.#day
    const shares = Array.from(this.#quotas, ([sink, quota]) => [sink, quota.shares(isLast)] as const)
    const sinks = Object.fromEntries([...this.#others, ...shares])
    await writeQuotaDay(this.#options.path, { day, sinks }, this.#io)
    if (day !== this.#day) return
    for (const [sink, written] of shares) this.#quotas.get(sink)!.written(written)
  }

  #wait(delayMs: number): Promise<void> {
    if (this.closed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, delayMs)
      this.#pause = { timer, end: resolve }
    })
  }

  #endPause(): void {
    this.#pause?.timer.clear()
    this.#pause?.end()
  }
}
