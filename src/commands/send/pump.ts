import { setTimeout as sleep } from 'node:timers/promises'
import { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import type { Supply } from './supply.ts'
import type { Tally } from './tally.ts'

/** Below a full batch so much time may pass before what is due is sent. */
const LINGER_MS = 50
const TICK_MS = 5

export interface PumpOptions {
  readonly supply: Supply
  readonly connections: readonly Connection[]
  /** Events of a batch, at most. */
  readonly batchEventsMax: number
  /** Events of the whole run; Infinity: until the supply has no more or `stop` is aborted. */
  readonly eventsMax: number
  /** Events that are due so many milliseconds after the start, since then; Infinity: as many as are taken. */
  readonly dueBy: (elapsedMs: number) => number
  /** After this nothing more is given out; Infinity: no end by time. */
  readonly durationMs: number
  readonly tally: Tally
  /** No new batches; those on their way have `graceMs` to arrive. */
  readonly stop: AbortSignal
  readonly graceMs: number
  /** Nothing is waited for any more. */
  readonly end: AbortSignal
}

interface Slot {
  readonly connection: Connection
  readonly batch: Batch
}

/** Fills batches from the supply, one after another, for whichever connection is ready, at the rate asked for. */
export class Pump {
  readonly #options: PumpOptions
  readonly #idle: Slot[] = []
  readonly #busy = new Set<Slot>()
  #changed: () => void = () => {}
  #failure: unknown = null
  #closing = false
  #startMs = 0
  /** Events given out. */
  given = 0

  constructor(options: PumpOptions) {
    this.#options = options
  }

  /** Events that should have been sent by now and were not, for want of a ready connection. */
  get behind(): number {
    if (this.#startMs === 0) return 0
    const due = Math.min(this.#options.eventsMax, this.#options.dueBy(performance.now() - this.#startMs))
    return due === Infinity ? 0 : Math.max(0, Math.floor(due) - this.given)
  }

  /** Resolves when all was sent, or the run was stopped; rejects with a SpillwayError when going on would be in vain. */
  async run(): Promise<void> {
    const { connections, batchEventsMax } = this.#options
    try {
      for (const connection of connections) {
        await connection.open() // oxlint-disable-line no-await-in-loop -- a flood of handshakes would drop some
        for (let slot = 0; slot < connection.batchesMax; slot++) {
          this.#idle.push({ connection, batch: new Batch(batchEventsMax) })
        }
      }
      this.#startMs = performance.now()
      await this.#pump()
      await this.#arrivals()
    } finally {
      await this.#close()
    }
    if (this.#failure !== null) throw this.#failure
  }

  get #stopped(): boolean {
    return this.#failure !== null || this.#options.stop.aborted
  }

  async #pump(): Promise<void> {
    const { supply, eventsMax } = this.#options
    while (this.given < eventsMax && !this.#stopped) {
      const slot = await this.#nextIdle() // oxlint-disable-line no-await-in-loop -- batches are filled in turn
      const due = await this.#due() // oxlint-disable-line no-await-in-loop
      if (slot === undefined || due === 0) return
      slot.batch.clear()
      await supply.load(slot.batch, due) // oxlint-disable-line no-await-in-loop
      if (slot.batch.events === 0) return
      this.given += slot.batch.events
      void this.#send(slot)
    }
  }

  async #send(slot: Slot): Promise<void> {
    this.#busy.add(slot)
    let settled = true
    let failure: unknown = null
    try {
      settled = await slot.connection.send(slot.batch)
    } catch (error) {
      if (this.#closing) settled = false
      else failure = error
    }
    if (!this.#busy.delete(slot)) return
    if (!settled) this.#options.tally.unsent += slot.batch.events
    this.#failure ??= failure
    this.#idle.push(slot)
    this.#changed()
  }

  /** A connection that is ready; undefined when the run stops. */
  async #nextIdle(): Promise<Slot | undefined> {
    while (!this.#stopped) {
      const slot = this.#idle.shift()
      if (slot !== undefined) return slot
      await this.#change(this.#options.stop) // oxlint-disable-line no-await-in-loop -- it waits for others
    }
    return undefined
  }

  /** How many events are due now, at least 1; 0 when the run ends before one is. */
  async #due(): Promise<number> {
    const { dueBy, batchEventsMax, eventsMax, durationMs, stop } = this.#options
    const most = Math.min(batchEventsMax, eventsMax - this.given)
    const sinceMs = performance.now()
    for (;;) {
      const nowMs = performance.now()
      if (this.#stopped || nowMs - this.#startMs >= durationMs) return 0
      const due = Math.floor(Math.min(most, dueBy(nowMs - this.#startMs) - this.given))
      if (due === most || (due > 0 && nowMs - sinceMs >= LINGER_MS)) return due
      await sleep(TICK_MS, undefined, { signal: stop }).catch(() => {}) // oxlint-disable-line no-await-in-loop
    }
  }

  /** What is on its way arrives, as far as there is time. */
  async #arrivals(): Promise<void> {
    const { stop, end, graceMs } = this.#options
    while (this.#busy.size > 0 && !this.#stopped) await this.#change(stop) // oxlint-disable-line no-await-in-loop
    const grace = new AbortController()
    const timer = setTimeout(() => grace.abort(), graceMs)
    const over = AbortSignal.any([end, grace.signal])
    while (this.#busy.size > 0 && !over.aborted && this.#failure === null) {
      await this.#change(over) // oxlint-disable-line no-await-in-loop
    }
    clearTimeout(timer)
  }

  async #close(): Promise<void> {
    const { connections, supply, end, tally } = this.#options
    this.#closing = true
    const atOnce = this.#failure === null ? end : AbortSignal.abort()
    await Promise.all(connections.map((connection) => connection.close(atOnce)))
    await supply.close()
    // What came back meanwhile has been counted.
    for (const { batch } of this.#busy) tally.unsent += batch.events
    this.#busy.clear()
  }

  /** A batch has come back, or the signal was aborted. */
  async #change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const changed = () => {
        signal.removeEventListener('abort', changed)
        resolve()
      }
      this.#changed = changed
      signal.addEventListener('abort', changed)
    })
  }
}
