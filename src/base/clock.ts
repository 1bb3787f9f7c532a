/** Time comes in as a parameter, so that whatever waits or measures can run under a simulation. */
export interface Timer {
  clear(): void
}

export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Milliseconds since 1970. */
  wallClock(): number
  setTimeout(callback: () => void, delayMs: number): Timer
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimeout(callback, delayMs) {
    const timer = setTimeout(callback, delayMs)
    return { clear: () => clearTimeout(timer) }
  },
}
