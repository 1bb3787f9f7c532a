import type { Registry } from 'prom-client'
import type { Clock } from '../base/clock.ts'
import { computedCounter } from './computed-metric.ts'

interface Waits {
  /** Of waits that end at `untilMs` at the latest, the part that is yet to come among them. */
  totalMs: number
  untilMs: number
}

/** Seconds for which something had to wait, by sink: told when a wait begins, counted as it goes by. */
export class WaitedTime {
  readonly #clock: Clock
  readonly #waits = new Map<string, Waits>()

  constructor(registry: Registry, clock: Clock, { name, help }: { name: string; help: string }) {
    this.#clock = clock
    computedCounter(registry, { name, help, labelNames: ['sink'] }, (add) => {
      for (const [sink, waits] of this.#waits) {
        const toComeMs = Math.max(0, waits.untilMs - clock.now())
        add({ sink }, (waits.totalMs - toComeMs) / 1000)
      }
    })
  }

  /** It waits from now on for `forMs`, be it that it waits already or not. */
  extend(sink: string, forMs: number): void {
    const nowMs = this.#clock.now()
    let waits = this.#waits.get(sink)
    if (waits === undefined) {
      waits = { totalMs: 0, untilMs: nowMs }
      this.#waits.set(sink, waits)
    }
    const fromMs = Math.max(nowMs, waits.untilMs)
    const untilMs = Math.max(nowMs + forMs, fromMs)
    waits.totalMs += untilMs - fromMs
    waits.untilMs = untilMs
  }
}
