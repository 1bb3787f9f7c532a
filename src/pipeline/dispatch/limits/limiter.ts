import { LeakyBuckets, TokenBuckets } from './buckets.ts'
import type { Buckets } from './buckets.ts'
import { KeySlots, SHARED_SLOT } from './key-slots.ts'

/** What a sink may send, from its `rate_limit`; Infinity is no limit. */
export interface RateLimit {
  readonly requestsPerSecond?: number
  /** Requests that may go at once; by default one second's worth, at least 1. Of no meaning for a leaky bucket. */
  readonly burst?: number
  readonly eventsPerSecond?: number
  readonly bytesPerSecond?: number
  /** In each day of UTC. */
  readonly bytesPerDay?: number
  readonly algorithm?: 'token_bucket' | 'leaky_bucket'
  /** What has limits of its own. */
  readonly per?: 'sink' | 'source' | { readonly field: string; readonly maxKeys: number }
}

/** What a request carries. */
export interface Cost {
  readonly events: number
  readonly bytes: number
}

/** How much of a day's bytes is used, by key; see daily-quota.ts. */
export interface Quota {
  waitMs(key: string, bytes: number): number
  take(key: string, bytes: number): void
  /** How many keys have used up their day. */
  readonly usedUp: number
  /** Milliseconds until the day is over. */
  readonly untilTomorrowMs: number
}

export interface LimiterStatus {
  /** Requests had to wait lately. */
  readonly near: boolean
  /** With limits of their own. */
  readonly keys: number
  /** Keys that were told to wait and have sent nothing since. */
  readonly waitingKeys: number
  /** Requests of keys beyond `max_keys`, which share one limit. */
  readonly sharedRequests: number
  /** How many keys have used up `bytes_per_day`, and how much longer that lasts; only where there are some. */
  readonly quotaUsedUp?: { readonly keys: number; readonly forMs: number }
}

/** So long after a key may send, its slot is not given away: it takes a while until a batch is on its way. */
const KEPT_MS = 1000
/** Key of what has no key. */
const WHOLE_SINK = ''
/** Requests are near the limit for so long after one had to wait for it. */
export const NEAR_MS = 10_000
/** Names of sources that have limits of their own: those of the configuration, and some that the journal still holds. */
export const SOURCE_KEYS_MAX = 1024

/**
 * The rate limit of a sink, or of each key: a bucket each for requests, events and bytes, and a quota of bytes a day, all of
 * which must have enough. It is paid when a request is sent; one that is sent again pays again.
 */
export class Limiter {
  /** Batches are cut so that none has more: it would never be let through. */
  readonly maxEvents: number
  readonly maxBytes: number
  readonly #requests: Buckets | null
  readonly #events: Buckets | null
  readonly #bytes: Buckets | null
  readonly #quota: Quota | null
  /** Null where there is one limit for the sink. */
  readonly #slots: KeySlots | null
  /** By slot: something was taken, since it is that key's. */
  readonly #used: Uint8Array
  /** By slot: until then somebody is about to send, with buckets that may be full. */
  readonly #keptUntilMs: Float64Array
  /** By slot: the key was told to wait and has taken nothing since. */
  readonly #waiting: Uint8Array
  #waitingKeys = 0
  #waitedAtMs = -Infinity
  #sharedRequests = 0
  #isFull = false
  readonly #onKeysFull: () => void

  /**
   * @param onKeysFull called once, when a key finds no limit of its own.
   */
  constructor(
    limit: RateLimit,
    nowMs: number,
    quota: Quota | null = null,
    onKeysFull: () => void = () => {},
  ) {
    const { requestsPerSecond = Infinity, eventsPerSecond = Infinity, bytesPerSecond = Infinity } = limit
    const isLeaky = limit.algorithm === 'leaky_bucket'
    const maxKeys = keysMax(limit)
    const slots = maxKeys + 1
    const buckets = (perSecond: number, burst: number): Buckets | null => {
      if (perSecond === Infinity) return null
      return isLeaky ? new LeakyBuckets(perSecond, burst, slots) : new TokenBuckets(perSecond, burst, slots)
    }
    const burst = isLeaky ? 1 : Math.max(1, Math.floor(limit.burst ?? Math.max(1, requestsPerSecond)))
    this.#requests = buckets(requestsPerSecond, burst)
    this.#events = buckets(eventsPerSecond, Math.max(1, Math.floor(eventsPerSecond)))
    this.#bytes = buckets(bytesPerSecond, Math.max(1, Math.floor(bytesPerSecond)))
    this.#quota = quota
    this.maxEvents = this.#events?.largestCost ?? Infinity
    this.maxBytes = Math.min(this.#bytes?.largestCost ?? Infinity, limit.bytesPerDay ?? Infinity)
    this.#onKeysFull = onKeysFull
    this.#used = new Uint8Array(slots)
    this.#waiting = new Uint8Array(slots)
    this.#keptUntilMs = new Float64Array(slots)
    const isRested = (slot: number, atMs: number) => this.#isRested(slot, atMs)
    const begin = (slot: number, atMs: number) => this.#begin(slot, atMs)
    this.#slots = maxKeys === 0 ? null : new KeySlots(maxKeys, isRested, begin)
    this.#begin(SHARED_SLOT, nowMs)
  }

  /** Each key has limits of its own. */
  get isByKey(): boolean {
    return this.#slots !== null
  }

  /** There is a limit. */
  get limits(): boolean {
    return [this.#requests, this.#events, this.#bytes, this.#quota].some((limit) => limit !== null)
  }

  /** Milliseconds until a request of a key may go, 0 when it may now. Keys count only where limits are by key. */
  waitMs(key: string, cost: Cost, nowMs: number): number {
    const slot = this.#slotOf(key, nowMs)
    let waitMs = 0
    if (this.#requests !== null) waitMs = this.#requests.waitMs(slot, 1, nowMs)
    if (this.#events !== null) waitMs = Math.max(waitMs, this.#events.waitMs(slot, cost.events, nowMs))
    if (this.#bytes !== null) waitMs = Math.max(waitMs, this.#bytes.waitMs(slot, cost.bytes, nowMs))
    this.#keptUntilMs[slot] = nowMs + waitMs + KEPT_MS
    if (this.#quota !== null) waitMs = Math.max(waitMs, this.#quota.waitMs(this.#quotaKey(key), cost.bytes))
    if (waitMs > 0) this.#noteWait(slot, nowMs)
    return waitMs
  }

  /** The same where each key has limits of its own; else 0: for the sink's limit batches wait in line, one behind the other. */
  ownWaitMs(key: string, cost: Cost, nowMs: number): number {
    return this.isByKey ? this.waitMs(key, cost, nowMs) : 0
  }

  /** A request goes. */
  take(key: string, cost: Cost, nowMs: number): void {
    const slot = this.#slotOf(key, nowMs)
    this.#requests?.take(slot, 1, nowMs)
    this.#events?.take(slot, cost.events, nowMs)
    this.#bytes?.take(slot, cost.bytes, nowMs)
    this.#quota?.take(this.#quotaKey(key), cost.bytes)
    this.#used[slot] = 1
    this.#waitNoMore(slot)
    if (slot === SHARED_SLOT && this.#slots !== null) this.#sharedRequests++
  }

  /**
   * Milliseconds until a request that costs nothing but itself could go, if `ahead` others go first: when a batch that is not
   * full would go if it was cut. 0 where each key has its own turn.
   */
  turnMs(ahead: number, nowMs: number): number {
    if (this.isByKey) return 0
    return Math.max(
      this.#requests?.turnMs(SHARED_SLOT, ahead + 1, nowMs) ?? 0,
      this.#events?.waitMs(SHARED_SLOT, 0, nowMs) ?? 0,
      this.#bytes?.waitMs(SHARED_SLOT, 0, nowMs) ?? 0,
      this.#quota?.waitMs(WHOLE_SINK, 0) ?? 0,
    )
  }

  /** Requests had to wait lately: batches grow, and `compression: auto` compresses. */
  near(nowMs: number): boolean {
    return nowMs - this.#waitedAtMs < NEAR_MS
  }

  status(nowMs: number): LimiterStatus {
    const usedUp = this.#quota?.usedUp ?? 0
    return {
      near: this.near(nowMs),
      keys: this.#slots?.size ?? 0,
      waitingKeys: this.#waitingKeys,
      sharedRequests: this.#sharedRequests,
      ...(usedUp === 0 ? {} : { quotaUsedUp: { keys: usedUp, forMs: this.#quota!.untilTomorrowMs } }),
    }
  }

  /** The day's bytes are those of the sink, whatever the key, unless limits are by key. */
  #quotaKey(key: string): string {
    return this.isByKey ? key : WHOLE_SINK
  }

  #slotOf(key: string, nowMs: number): number {
    if (this.#slots === null) return SHARED_SLOT
    const slot = this.#slots.slotOf(key, nowMs)
    if (slot === SHARED_SLOT && !this.#isFull) {
      this.#isFull = true
      this.#onKeysFull()
    }
    return slot
  }

  #begin(slot: number, nowMs: number): void {
    // A key that had none of its own until now has used the shared one.
    this.#requests?.begin(slot, nowMs, SHARED_SLOT)
    this.#events?.begin(slot, nowMs, SHARED_SLOT)
    this.#bytes?.begin(slot, nowMs, SHARED_SLOT)
    this.#used[slot] = 0
    this.#waitNoMore(slot)
  }

  #isRested(slot: number, nowMs: number): boolean {
    return (
      nowMs >= this.#keptUntilMs[slot]! &&
      (this.#requests?.isRested(slot, nowMs) ?? true) &&
      (this.#events?.isRested(slot, nowMs) ?? true) &&
      (this.#bytes?.isRested(slot, nowMs) ?? true)
    )
  }

  #noteWait(slot: number, nowMs: number): void {
    // What every bucket begins with says nothing about the load.
    if (this.#used[slot] === 1) this.#waitedAtMs = nowMs
    if (this.#waiting[slot] === 1) return
    this.#waiting[slot] = 1
    this.#waitingKeys++
  }

  #waitNoMore(slot: number): void {
    if (this.#waiting[slot] === 0) return
    this.#waiting[slot] = 0
    this.#waitingKeys--
  }
}

/** Keys with limits of their own, 0 where the sink has one. */
export function keysMax({ per = 'sink' }: RateLimit): number {
  if (per === 'sink') return 0
  return per === 'source' ? SOURCE_KEYS_MAX : per.maxKeys
}
