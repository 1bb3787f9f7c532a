import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import type { Dice } from './dice.ts'
import type { LifePlan, SinkPlan } from './life.ts'
import { FILTERS } from './sealed-frames.ts'
import type { SealedRecord } from './sealed-frames.ts'

const SOURCES = ['push', 'lines', 'net'] as const
const SINKS = ['siem', 'archive', 'copy'] as const

/** Draws configurations and events. */
export class Planner {
  readonly #dice: Dice
  /** They change seldom. */
  #sources: readonly string[]
  #sinks: readonly string[]
  /** Whether configurations change at all. */
  readonly #restless: boolean
  /** What a sink that starts at the oldest frame gets of sources that leave then is another matter: those stay. */
  readonly #from: SinkPlan['from']
  #nextEvent = 1

  constructor(dice: Dice) {
    this.#dice = dice
    this.#restless = dice.chance(0.5)
    this.#from = dice.chance(0.5) ? 'now' : 'oldest'
    this.#sources = SOURCES.slice(0, 1 + dice.below(SOURCES.length))
    this.#sinks = SINKS.slice(0, 1 + dice.below(SINKS.length))
  }

  life(number: number): LifePlan {
    const dice = this.#dice
    if (this.#restless && this.#from === 'now' && dice.chance(0.5))
      this.#sources = dice.shuffled(SOURCES).slice(0, 1 + dice.below(3))
    if (this.#restless && dice.chance(0.5)) this.#sinks = dice.shuffled(SINKS).slice(0, 1 + dice.below(3))
    return this.#plan(number, this.#sources, this.#sinks)
  }

  /** All that anything is owed to is there. */
  healing(number: number, attached: readonly string[]): LifePlan {
    return this.#plan(number, this.#sources, [...new Set([...this.#sinks, ...attached])])
  }

  #plan(number: number, sources: readonly string[], sinks: readonly string[]): LifePlan {
    const dice = this.#dice
    return {
      number,
      sources,
      sinks: sinks.map((name) => this.#sink(name, sources)),
      segmentBytes: 4096 << dice.below(3),
      liveSlabsMax: 1 + dice.below(3),
      sharedSlabs: dice.below(16),
    }
  }

  #sink(name: string, sources: readonly string[]): SinkPlan {
    const dice = this.#dice
    const some = sources.filter(
      (source) => this.#restless || source !== SOURCES[SINKS.indexOf(name as 'siem')],
    )
    return {
      name,
      inputs: some.length > 0 ? some : sources,
      filterIndex: dice.chance(0.5) ? -1 : dice.below(FILTERS),
      from: this.#from,
      lookaheadBytes: 1024 << dice.below(8),
      readBackSlabs: 2 + dice.below(2),
      config: this.#config(),
    }
  }

  #config(): DispatcherConfig {
    const dice = this.#dice
    return {
      encoding: 'ndjson',
      compression: 'none',
      batch: {
        maxBytes: 64 + dice.below(dice.chance(0.5) ? 6000 : 400),
        maxEvents: 1 + dice.below(dice.chance(0.5) ? 100 : 4),
        maxAgeMs: dice.below(500),
      },
      breaker: {
        failures: 1 + dice.below(6),
        cooldownMs: 1 + dice.below(500),
        maxCooldownMs: 500 + dice.below(3000),
      },
      order: 'none',
      retry: {
        initialMs: 1 + dice.below(200),
        maxMs: 1 + dice.below(3000),
        ...(dice.chance(0.2) ? { maxAgeMs: 1000 + dice.below(10_000) } : {}),
      },
      request: { timeoutMs: 1000 + dice.below(5000), concurrency: 1 + dice.below(3) },
      maxRecordBytes: 700,
    }
  }

  records(source: string): SealedRecord[] {
    const dice = this.#dice
    const selective = dice.random()
    const fast = dice.chance(0.3) ? 0 : dice.random() ** 2
    const records = Array.from({ length: 1 + dice.below(dice.chance(0.1) ? 40 : 6) }, () => {
      const pad = 'x'.repeat(dice.below(dice.chance(0.05) ? 500 : 40))
      let routes = 0
      for (let filter = 0; filter < FILTERS; filter++) if (dice.chance(selective)) routes |= 1 << filter
      return {
        text: JSON.stringify({ id: `${source}:${this.#nextEvent++}`, pad }),
        fast: dice.chance(fast),
        routes,
        gap: dice.chance(0.1) ? 'refused\n' : '',
      }
    })
    // No longer than a slab.
    while (records.reduce((sum, { text }) => sum + text.length + 30, 0) > 7000) records.pop()
    return records
  }
}
