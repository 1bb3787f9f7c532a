import type { EventEmitter } from 'node:events'

/** Ctrl-C pressed once comes twice where npm or npx stands between: what comes so soon is the same one. */
const SAME_PRESS_MS = 500
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Hears SIGINT, SIGTERM and SIGHUP: the first one asks to stop, a later one to end at once.
 */
export class StopSignals {
  readonly #stop = new AbortController()
  readonly #end = new AbortController()
  #firstAtMs = 0
  readonly #host: EventEmitter
  readonly #now: () => number
  readonly #onSignal = () => {
    const nowMs = this.#now()
    if (!this.#stop.signal.aborted) {
      this.#firstAtMs = nowMs
      this.#stop.abort()
    } else if (nowMs - this.#firstAtMs > SAME_PRESS_MS) this.#end.abort()
  }

  /** @param now milliseconds since some moment. */
  constructor(host: EventEmitter = process, now = () => performance.now()) {
    this.#host = host
    this.#now = now
    for (const signal of SIGNALS) this.#host.on(signal, this.#onSignal)
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  /** Aborted by a second one. */
  get end(): AbortSignal {
    return this.#end.signal
  }

  /** As the first signal would. */
  askToStop(): void {
    this.#stop.abort()
  }

  close(): void {
    for (const signal of SIGNALS) this.#host.off(signal, this.#onSignal)
  }
}
