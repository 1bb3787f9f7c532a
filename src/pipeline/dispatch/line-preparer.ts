import type { Clock } from '../../base/clock.ts'
import type { Batch } from './batch.ts'
import type { Destination } from './destination.ts'
import type { PayloadBuilder } from './payload-builder.ts'
import type { Roster } from './roster.ts'

/** Pause after an encode task failed. */
const ENCODE_PAUSE_MS = 1000

export interface LinePreparerOptions {
  readonly roster: Roster
  readonly payloads: PayloadBuilder
  readonly destination: Destination
  readonly clock: Clock
  /** A payload is there, or its task has failed. */
  readonly onPrepared: () => void
  readonly onFailure: (error: unknown) => void
}

/** Has the payloads of the line made ahead of their turn, with the few output slabs that a sink has. */
export class LinePreparer {
  readonly #options: LinePreparerOptions
  #closed = false
  /** A batch could not be prepared for want of a slab. */
  waitsForSlab = false

  constructor(options: LinePreparerOptions) {
    this.#options = options
  }

  prepare(nowMs: number): void {
    const { roster, payloads, destination } = this.#options
    const { probesOnly, probeAtMs } = destination
    this.waitsForSlab = false
    for (const [place, batch] of roster.line.entries()) {
      // Only a probe may keep an output slab then: the others would keep it from having one.
      if (probesOnly && (place > 0 || nowMs < probeAtMs)) payloads.release(batch)
      else if (batch.payload === null && !batch.preparing && batch.dueAtMs <= nowMs)
        if (!this.#prepareAt(place, batch)) return
    }
  }

  /** True while a task writes to a slab. */
  get busy(): boolean {
    return this.#options.roster.line.some((batch) => batch.preparing)
  }

  /** Gives all slabs back, those of tasks under way once they end. */
  close(): void {
    this.#closed = true
    for (const batch of this.#options.roster.line) this.#options.payloads.release(batch)
  }

  #prepareAt(place: number, batch: Batch): boolean {
    const { roster, payloads } = this.#options
    const onPrepared = (error: unknown) => this.#onPrepared(batch, error)
    if (payloads.prepare(batch, onPrepared)) return true
    this.waitsForSlab = true
    // First sends go in order: those behind it would wait with their slabs for the batch that waits for a slab.
    for (let last = roster.line.length - 1; last > place; last--) {
      payloads.release(roster.line[last]!)
      if (payloads.prepare(batch, onPrepared)) return true
    }
    return false
  }

  #onPrepared(batch: Batch, error: unknown): void {
    const { roster, payloads, clock, onPrepared, onFailure } = this.#options
    if (error !== undefined) {
      batch.dueAtMs = clock.now() + ENCODE_PAUSE_MS
      onFailure(error)
    }
    // Meanwhile it may have been given up.
    if (this.#closed || !roster.line.includes(batch)) payloads.release(batch)
    onPrepared()
  }
}
