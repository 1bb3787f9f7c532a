import { KIB } from '../../../base/units.ts'
import type { Quota } from './limiter.ts'

/** So much is reserved ahead: a crash loses up to that, and each reservation is a write. */
const CHUNK_BYTES = 256 * KIB
/** Of a small quota at most this part of the day, of a large one at least that. */
const CHUNKS_OF_SMALL = 16
const CHUNKS_OF_LARGE = 256
/** What has to wait for a reservation asks again after this. */
const RESERVATION_WAIT_MS = 20

/** The share of all keys that have none of their own; unlikely to be a key itself, which would then be one of them. */
const SHARED_KEY = '\ud800'

/** What one key has of the day, in bytes. */
interface Share {
  sent: number
  /** On disk: so much may have been sent, as far as the next start knows. At least `sent`. */
  reserved: number
  /** To be on disk with the next write. */
  wanted: number
}

/** What a quota needs of who keeps it on disk (quota-store.ts). */
export interface QuotaKeeper {
  /** The day that counts, a new one in which nobody has sent anything included. */
  turnDay(): void
  /** Milliseconds until the day is over. */
  readonly untilTomorrowMs: number
  /** Nothing may be sent any more. */
  readonly closed: boolean
  /** Something is wanted that is not on disk. */
  write(): void
}

/**
 * The bytes that a sink, or each of its keys, may send in one day of UTC: at most `bytesPerDay`, over restarts and kills
 * too. Nothing is sent that was not reserved on disk before, so what was reserved and not sent when a collector is killed
 * is lost for the day.
 */
export class DailyQuota implements Quota {
  readonly #bytesPerDay: number
  readonly #maxKeys: number
  readonly #chunkBytes: number
  readonly #keeper: QuotaKeeper
  readonly #shares = new Map<string, Share>()
  /** Keys that were told to wait until tomorrow. */
  readonly #usedUp = new Set<string>()

  constructor(bytesPerDay: number, maxKeys: number, keeper: QuotaKeeper) {
    this.#bytesPerDay = bytesPerDay
    this.#maxKeys = maxKeys
    this.#keeper = keeper
    this.#chunkBytes = Math.ceil(
      Math.max(bytesPerDay / CHUNKS_OF_LARGE, Math.min(CHUNK_BYTES, bytesPerDay / CHUNKS_OF_SMALL)),
    )
  }

  /** Milliseconds until a request may go, 0 when it may now; Infinity when the keeper is closed. */
  waitMs(key: string, bytes: number): number {
    const keeper = this.#keeper
    if (keeper.closed) return Infinity
    keeper.turnDay()
    const share = this.#shareOf(key)
    const needed = share.sent + Math.max(1, bytes)
    if (needed > this.#bytesPerDay) {
      if (this.#usedUp.size < this.#maxKeys) this.#usedUp.add(key)
      return keeper.untilTomorrowMs
    }
    if (share.wanted < needed + this.#chunkBytes / 2 && share.wanted < this.#bytesPerDay) {
      share.wanted = Math.min(this.#bytesPerDay, needed + this.#chunkBytes)
      keeper.write()
    }
    return needed <= share.reserved ? 0 : RESERVATION_WAIT_MS
  }

  /** To be called where `waitMs` said 0, in the same step: it counts for the day that was then. */
  take(key: string, bytes: number): void {
    this.#shareOf(key).sent += bytes
  }

  get usedUp(): number {
    this.#keeper.turnDay()
    return this.#usedUp.size
  }

  get untilTomorrowMs(): number {
    return this.#keeper.untilTomorrowMs
  }

  // ---- the keeper's side

  /** What an earlier run reserved on the day that counts. */
  restore(reserved: Readonly<Record<string, number>>): void {
    for (const [key, bytes] of Object.entries(reserved))
      this.#shares.set(key, { sent: bytes, reserved: bytes, wanted: bytes })
  }

  beginDay(): void {
    this.#shares.clear()
    this.#usedUp.clear()
  }

  /** What is to be written: what is wanted, or, where nothing more will be sent, what was sent. */
  shares(isLast: boolean): Record<string, number> {
    return Object.fromEntries(
      Array.from(this.#shares, ([key, { sent, wanted }]) => [key, isLast ? sent : wanted] as const),
    )
  }

  /** It is on disk. */
  written(shares: Readonly<Record<string, number>>): void {
    for (const [key, bytes] of Object.entries(shares)) {
      const share = this.#shares.get(key)
      if (share !== undefined) share.reserved = Math.max(share.reserved, bytes)
    }
  }

  #shareOf(key: string): Share {
    const found = this.#shares.get(key)
    if (found !== undefined) return found
    if (this.#shares.size >= this.#maxKeys && key !== SHARED_KEY) return this.#shareOf(SHARED_KEY)
    const share = { sent: 0, reserved: 0, wanted: 0 }
    this.#shares.set(key, share)
    return share
  }
}
