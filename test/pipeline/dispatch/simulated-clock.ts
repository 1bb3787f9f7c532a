import type { Clock, Timer } from '../../../src/base/clock.ts'

interface Alarm {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until it is told to go on. */
export class SimulatedClock implements Clock {
  #nowMs = 1000
  #order = 0
  readonly #alarms = new Set<Alarm>()

  now(): number {
    return this.#nowMs
  }

  wallClock(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const alarm = { atMs: this.#nowMs + delayMs, order: this.#order++, callback }
    this.#alarms.add(alarm)
    return { clear: () => this.#alarms.delete(alarm) }
  }

  /** Timers that were set and have neither rung nor been cleared. */
  get pending(): number {
    return this.#alarms.size
  }

  /** Goes to the next alarm, or by `limitMs` when none is nearer, and lets everything that follows from it happen. */
  async step(limitMs = Infinity): Promise<void> {
    await settled()
    const next = this.#earliest()
    if (next === undefined || next.atMs > this.#nowMs + limitMs) {
      if (limitMs !== Infinity) this.#nowMs += limitMs
      return
    }
    this.#nowMs = next.atMs
    this.#alarms.delete(next)
    next.callback()
    await settled()
  }

  /** Lets `durationMs` pass, alarm by alarm. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs
    await settled()
    while (this.#nowMs < endMs) {
      // oxlint-disable-next-line no-await-in-loop
      await this.step(endMs - this.#nowMs)
    }
  }

  #earliest(): Alarm | undefined {
    let earliest: Alarm | undefined
    for (const alarm of this.#alarms)
      if (
        earliest === undefined ||
        alarm.atMs < earliest.atMs ||
        (alarm.atMs === earliest.atMs && alarm.order < earliest.order)
      )
        earliest = alarm
    return earliest
  }
}

/** Resolves when no microtask is left. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
