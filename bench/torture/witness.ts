/** What was promised to the client and what came to the receivers, event by event: shared by their threads. */
import { FIRST_NUMBER } from '../load/tally.ts'
import { isFor, isMalformed } from './numbered-events.ts'

/** The collector notes about every 100 ms what is settled: what was received so long before a kill must not come again. */
const SETTLED_AFTER_MS = 2000
/** What a killed collector had sent may still be read after its death. */
const UNDER_WAY_MS = 1000

const SENT = 1
const ACKNOWLEDGED = 2

const COUNT = { duplicates: 0, stale: 1, repeated: 2, strange: 3, refused: 4 } as const
const COUNTS = Object.keys(COUNT).length
const KILLS_MAX = 10_000

export interface WitnessBuffers {
  readonly told: SharedArrayBuffer
  /** A row a sink: how often each event came, 255 at most. */
  readonly times: readonly SharedArrayBuffer[]
  /** A row a sink: when it came last, whole milliseconds. */
  readonly lastAtMs: readonly SharedArrayBuffer[]
  /** A row a sink. */
  readonly counts: readonly SharedArrayBuffer[]
  /** [0] how many, then when each was, whole milliseconds. */
  readonly kills: SharedArrayBuffer
}

/** What a receiver says. */
export interface Received {
  /** Different events. */
  readonly unique: number
  readonly duplicates: number
  /** Duplicates of what was received long before a kill. */
  readonly stale: number
  /** Duplicates without a kill between. */
  readonly repeated: number
  /** Events that nobody sent, or that are not for this sink. */
  readonly strange: number
  /** Requests that it turned away. */
  readonly refused: number
  /** Acknowledged events for this sink that did not come. */
  readonly missing: number
}

/** Each array has one thread that writes it. */
export class Witness {
  readonly buffers: WitnessBuffers
  readonly eventsMax: number
  readonly #told: Uint8Array
  readonly #times: readonly Uint8Array[]
  readonly #lastAtMs: readonly Int32Array[]
  readonly #counts: readonly Int32Array[]
  readonly #kills: Int32Array

  constructor(buffers: WitnessBuffers) {
    this.buffers = buffers
    this.#told = new Uint8Array(buffers.told)
    this.#times = buffers.times.map((row) => new Uint8Array(row))
    this.#lastAtMs = buffers.lastAtMs.map((row) => new Int32Array(row))
    this.#counts = buffers.counts.map((row) => new Int32Array(row))
    this.#kills = new Int32Array(buffers.kills)
    this.eventsMax = this.#told.length
  }

  static create(eventsMax: number, sinks: number): Witness {
    const rows = (bytes: number) => Array.from({ length: sinks }, () => new SharedArrayBuffer(bytes))
    return new Witness({
      told: new SharedArrayBuffer(eventsMax),
      times: rows(eventsMax),
      lastAtMs: rows(eventsMax * Int32Array.BYTES_PER_ELEMENT),
      counts: rows(COUNTS * Int32Array.BYTES_PER_ELEMENT),
      kills: new SharedArrayBuffer((KILLS_MAX + 1) * Int32Array.BYTES_PER_ELEMENT),
    })
  }

  get sinks(): number {
    return this.#times.length
  }

  // ---- the client's side

  sent(first: number, count: number): void {
    this.#told.fill(SENT, first, first + count)
  }

  acknowledged(first: number, count: number): void {
    this.#told.fill(ACKNOWLEDGED, first, first + count)
  }

  // ---- the tormentor's side

  killed(nowMs: number): void {
    const count = Atomics.load(this.#kills, 0) + 1
    if (count > KILLS_MAX) throw new Error(`at most ${KILLS_MAX} kills`)
    this.#kills[count] = nowMs
    Atomics.store(this.#kills, 0, count)
  }

  // ---- a receiver's side

  received(sink: number, number: number, nowMs: number): void {
    const index = number - FIRST_NUMBER
    const told = this.#told[index] ?? 0
    if (told === 0 || !isFor(sink, index)) {
      this.#add(sink, 'strange')
      return
    }
    const times = this.#times[sink]!
    const lastAtMs = this.#lastAtMs[sink]!
    if (times[index] !== 0) this.#doubled(sink, lastAtMs[index]!, nowMs)
    times[index] = Math.min(times[index]! + 1, 255)
    lastAtMs[index] = nowMs
  }

  #doubled(sink: number, lastAtMs: number, nowMs: number): void {
    this.#add(sink, 'duplicates')
    const killedAtMs = this.#firstKillAfter(lastAtMs - UNDER_WAY_MS)
    if (killedAtMs === null || killedAtMs > nowMs) this.#add(sink, 'repeated')
    else if (killedAtMs > lastAtMs + SETTLED_AFTER_MS) this.#add(sink, 'stale')
  }

  #firstKillAfter(atMs: number): number | null {
    const count = Atomics.load(this.#kills, 0)
    for (let kill = 1; kill <= count; kill++) if (this.#kills[kill]! > atMs) return this.#kills[kill]!
    return null
  }

  refused(sink: number): void {
    this.#add(sink, 'refused')
  }

  #add(sink: number, count: keyof typeof COUNT): void {
    Atomics.add(this.#counts[sink]!, COUNT[count], 1)
  }

  // ---- the verdict

  /** Whether all that was acknowledged of the events for a sink has come. */
  complete(sink: number): boolean {
    return this.missing(sink).next().done === true
  }

  /** Numbers of acknowledged events for a sink that did not come. */
  *missing(sink: number): Generator<number> {
    const times = this.#times[sink]!
    for (let index = 0; index < this.eventsMax; index++) {
      if (this.#told[index] === ACKNOWLEDGED && isFor(sink, index) && times[index] === 0)
        yield FIRST_NUMBER + index
    }
  }

  /** Numbers of malformed events that were acknowledged: each must be a dead letter. */
  *refusals(): Generator<number> {
    for (let index = 0; index < this.eventsMax; index++) {
      if (this.#told[index] === ACKNOWLEDGED && isMalformed(index)) yield FIRST_NUMBER + index
    }
  }

  receivedBy(sink: number): Received {
    const count = (name: keyof typeof COUNT) => Atomics.load(this.#counts[sink]!, COUNT[name])
    return {
      unique: this.#times[sink]!.reduce((sum, times) => sum + (times === 0 ? 0 : 1), 0),
      duplicates: count('duplicates'),
      stale: count('stale'),
      repeated: count('repeated'),
      strange: count('strange'),
      refused: count('refused'),
      missing: [...this.missing(sink)].length,
    }
  }

  told(): { sent: number; acknowledged: number } {
    let sent = 0
    let acknowledged = 0
    for (const state of this.#told) {
      if (state !== 0) sent++
      if (state === ACKNOWLEDGED) acknowledged++
    }
    return { sent, acknowledged }
  }
}
