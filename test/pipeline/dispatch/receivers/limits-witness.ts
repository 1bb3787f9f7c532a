import assert from 'node:assert/strict'
import type { DispatcherConfig } from '../../../../src/pipeline/dispatch/dispatcher-options.ts'
import { sentBytesMax } from './sent-bytes.ts'

/** At most `most + perMs x t` in every window of t milliseconds, found in one pass. */
class Window {
  readonly #what: string
  readonly #perMs: number
  readonly #most: number
  /** The most, over all windows that end now, of what went less what may. */
  #excess: number
  #atMs: number

  /** @param owed of `most`, so much less goes in a window from the beginning on. */
  constructor(what: string, perSecond: number, most: number, atMs: number, owed: number) {
    this.#what = what
    this.#perMs = perSecond / 1000
    this.#most = most
    this.#excess = owed
    this.#atMs = atMs
  }

  add(amount: number, nowMs: number): void {
    if (this.#perMs === Infinity) return
    this.#excess = Math.max(0, this.#excess - (nowMs - this.#atMs) * this.#perMs) + amount
    this.#atMs = nowMs
    assert(
      this.#excess <= this.#most + 1e-6,
      `${this.#what}: ${this.#excess.toFixed(3)} in a window beyond its rate, where ${this.#most} may be`,
    )
  }
}

/** Watches what is sent against the configured limits, for the sink or for each key. */
export class LimitsWitness {
  readonly #config: DispatcherConfig
  readonly #startMs: number
  readonly #windows = new Map<string, readonly [requests: Window, events: Window, bytes: Window]>()

  constructor(config: DispatcherConfig, startMs: number) {
    this.#config = config
    this.#startMs = startMs
  }

  sent(key: string, events: number, bytes: number, nowMs: number): void {
    let windows = this.#windows.get(key)
    if (windows === undefined) {
      windows = this.#make(key)
      this.#windows.set(key, windows)
    }
    windows[0].add(1, nowMs)
    windows[1].add(events, nowMs)
    windows[2].add(bytes, nowMs)
  }

  #make(key: string): [Window, Window, Window] {
    const { rateLimit = {}, maxRecordBytes } = this.#config
    const { requestsPerSecond = Infinity, eventsPerSecond = Infinity, bytesPerSecond = Infinity } = rateLimit
    const isLeaky = rateLimit.algorithm === 'leaky_bucket'
    const requests = isLeaky ? 1 : Math.max(1, Math.floor(rateLimit.burst ?? Math.max(1, requestsPerSecond)))
    const bytes = Math.max(1, Math.floor(bytesPerSecond))
    // What is longer than a burst is paid for later, at the beginning too.
    const longest = Math.max(sentBytesMax(maxRecordBytes, this.#config), bytes)
    const make = (what: string, perSecond: number, burst: number, most = burst) =>
      new Window(`${what} of '${key}'`, perSecond, most, this.#startMs, isLeaky ? 0 : burst)
    return [
      make('requests', requestsPerSecond, requests),
      make('events', eventsPerSecond, Math.max(1, Math.floor(eventsPerSecond))),
      make('bytes', bytesPerSecond, bytes, longest),
    ]
  }
}
