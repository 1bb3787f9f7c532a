import { Shedding } from '../pipeline/shedding.ts'
import type { JournalStatus } from './admin/observed.ts'
import type { ResolvedConfig } from './config/root.ts'
import type { Topology } from './topology.ts'

/** Of the fill, which counts a segment to come and all that is on the way already. */
const FULL_FROM = 1
/** Room has come again. */
const FULL_UNTIL = 0.95

export interface JournalWatchEvents {
  journalFull(maxBytes: number): void
  journalHasRoom(): void
  sheddingBegan(severityBelow: number, fill: number): void
  sheddingEnded(): void
}

/** Looks at the fill of the journal now and then, and does what the operator chose for when it is full. */
export class JournalWatch {
  readonly #config: ResolvedConfig['journal']
  readonly #topology: Topology
  readonly #events: JournalWatchEvents
  readonly #shedding: Shedding

  constructor(config: ResolvedConfig['journal'], topology: Topology, events: JournalWatchEvents) {
    this.#config = config
    this.#topology = topology
    this.#events = events
    this.#shedding = new Shedding(config.shed ?? [])
  }

  look(): void {
    const topology = this.#topology
    if (topology.journal === null) return
    const fill = topology.journalFill
    this.#shed(fill)
    if (!topology.journalFull && fill >= FULL_FROM) {
      topology.journalFull = true
      this.#events.journalFull(this.#config.maxBytes)
    } else if (topology.journalFull && fill < FULL_UNTIL) {
      topology.journalFull = false
      this.#events.journalHasRoom()
    }
  }

  /** Null in memory mode. */
  status(): JournalStatus | null {
    const { journal, journalFill: fill, journalFull: full, control } = this.#topology
    if (journal === null) return null
    const { bytes, healthy, segmentCount: segments, leftSinks } = journal
    const { maxBytes } = this.#config
    return { bytes, maxBytes, fill, segments, healthy, full, shedBelow: control.shedBelow, leftSinks }
  }

  /** Workers see it with their next extent. */
  #shed(fill: number): void {
    const { control } = this.#topology
    const below = this.#shedding.severityBelow(fill)
    if (below === control.shedBelow) return
    control.setShedBelow(below)
    if (below === 0) this.#events.sheddingEnded()
    else this.#events.sheddingBegan(below, fill)
  }
}
