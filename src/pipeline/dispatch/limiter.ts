/** What a sink may send, from its `rate_limit`; Infinity is no limit. */
export interface RateLimit {
  readonly requestsPerSecond?: number
  /** Requests that may go at once; by default one second's worth, at least 1. */
  readonly burst?: number
  readonly eventsPerSecond?: number
  readonly bytesPerSecond?: number
}

/**
 * A token bucket: in every window of t seconds at most `burst + rate * t` tokens are taken from it. It starts empty, so
 * that a process that restarts again and again gets no more than one that runs.
 */
export class TokenBucket {
  readonly burst: number
  readonly #perMs: number
  #tokens = 0
  #atMs: number

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.burst = burst
    this.#atMs = nowMs
  }

  /** Milliseconds until so many tokens are there, 0 if they are. What exceeds the burst is not waited for. */
  waitMs(tokens: number, nowMs: number): number {
    this.#refill(nowMs)
    const missing = Math.min(tokens, this.burst) - this.#tokens
    return missing <= 0 ? 0 : missing / this.#perMs
  }

  take(tokens: number, nowMs: number): void {
    this.#refill(nowMs)
    this.#tokens -= tokens
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return
    this.#tokens = Math.min(this.burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
  }
}

/**
 * The rate limit of a sink: a bucket each for requests, events and bytes, all of which must have enough. Tokens are taken
 * when a request is sent; one that is sent again pays again.
 */
export class Limiter {
  readonly #requests: TokenBucket | null
  readonly #events: TokenBucket | null
  readonly #bytes: TokenBucket | null

  /** @param largestBytes the largest single event as it may be sent; the byte bucket holds at least that. */
  constructor(limit: RateLimit, largestBytes: number, nowMs: number) {
    const { requestsPerSecond = Infinity, eventsPerSecond = Infinity, bytesPerSecond = Infinity } = limit
    const bucket = (perSecond: number, burst: number) =>
      perSecond === Infinity ? null : new TokenBucket(perSecond, burst, nowMs)
    this.#requests = bucket(
      requestsPerSecond,
      Math.max(1, Math.floor(limit.burst ?? Math.max(1, requestsPerSecond))),
    )
    this.#events = bucket(eventsPerSecond, Math.max(1, Math.floor(eventsPerSecond)))
    this.#bytes = bucket(bytesPerSecond, Math.max(largestBytes, Math.floor(bytesPerSecond)))
  }

  /** Batches are cut so that none has more: it would never be let through. */
  get maxEvents(): number {
    return this.#events?.burst ?? Infinity
  }

  get maxBytes(): number {
    return this.#bytes?.burst ?? Infinity
  }

  /** Milliseconds until a request may go, 0 when it may now. */
  waitMs(events: number, bytes: number, nowMs: number): number {
    return Math.max(
      this.#requests?.waitMs(1, nowMs) ?? 0,
      this.#events?.waitMs(events, nowMs) ?? 0,
      this.#bytes?.waitMs(bytes, nowMs) ?? 0,
    )
  }

  take(events: number, bytes: number, nowMs: number): void {
    this.#requests?.take(1, nowMs)
    this.#events?.take(events, nowMs)
    this.#bytes?.take(bytes, nowMs)
  }
}
