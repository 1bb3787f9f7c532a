import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from './logger.ts'

export const LOG_INTERVAL_MS = 10_000
/** Kinds times components whose lines are being held back at once; beyond it the one written longest ago is forgotten. */
const SLOTS_MAX = 4096

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: LogLevel
  /** What happened, in snake_case: the `event` of the line, and what is rate-limited. */
  readonly event: string
  /** Name of the source, sink or part concerned; each has a rate of its own. */
  readonly component: string
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
}

interface Slot {
  /** Lines since the one that was written. */
  heldBack: number
  last: LogLine
  timer: Timer | null
}

/**
 * Writes a line when it first happens, and then at most one per interval for the same event and component: the latest,
 * with the count of those left out (`suppressed`). The end of a burst is written too, so lines written and left out add
 * up to what happened.
 */
export class RateLimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #slots = new Map<string, Slot>()

  constructor(options: { logger: Logger; clock: Clock; intervalMs?: number }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#intervalMs = options.intervalMs ?? LOG_INTERVAL_MS
  }

  write(line: LogLine): void {
    const key = `${line.event} ${line.component}`
    const slot = this.#slots.get(key)
    if (slot !== undefined) {
      slot.heldBack++
      slot.last = line
      return
    }
    this.#emit(line, 0)
    this.#hold(key, { heldBack: 0, last: line, timer: null })
  }

  /** Writes what was held back and forgets it; afterwards no timer is left. */
  flush(): void {
    for (const key of this.#slots.keys()) this.#forget(key)
  }

  #hold(key: string, slot: Slot): void {
    if (this.#slots.size >= SLOTS_MAX) this.#forget(this.#slots.keys().next().value!)
    this.#slots.set(key, slot)
    slot.timer = this.#clock.setTimeout(() => this.#intervalOver(key, slot), this.#intervalMs)
  }

  #intervalOver(key: string, slot: Slot): void {
    this.#slots.delete(key)
    if (slot.heldBack === 0) return
    this.#emit(slot.last, slot.heldBack - 1)
    this.#hold(key, { heldBack: 0, last: slot.last, timer: null })
  }

  #forget(key: string): void {
    const slot = this.#slots.get(key)!
    slot.timer?.clear()
    this.#slots.delete(key)
    if (slot.heldBack > 0) this.#emit(slot.last, slot.heldBack - 1)
  }

  #emit(line: LogLine, suppressed: number): void {
    const { level, event, component, message, fields } = line
    this.#logger[level](
      { event, component, ...fields, ...(suppressed > 0 ? { suppressed } : undefined) },
      message,
    )
  }
}
