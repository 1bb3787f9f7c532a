import assert from 'node:assert'
import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { writeFrameId } from '../memory/event-id.ts'
import { LANES_BOTH } from '../memory/frame-region.ts'
import { isMeantFor } from '../memory/meant-for.ts'
import { DeliveryWatch } from './delivery-watch.ts'
import { hold, letGo } from './frame.ts'
import type { Frame } from './frame.ts'
import type { Entry, Log, LogReader, ReaderOptions, Taken } from './log.ts'
import { Window } from './window.ts'

/** What frames are given their ids with. */
export interface FrameIds {
  /** Of the arena. */
  readonly words: Int32Array
  /** 16 hexadecimal digits, random at every start. */
  readonly epoch: string
}

/**
 * The log in memory mode: frames stay in the arena until every sink has settled them. Bounded by the arena: a frame in
 * it holds its slab, and a slab holds at most `EXTENTS_PER_SLAB_MAX` frames.
 */
export class MemoryLog implements Log {
  readonly #clock: Clock
  readonly #readers: MemoryReader[] = []
  readonly #watch = new DeliveryWatch()
  readonly #ids: FrameIds | null
  #sequence = 0

  /** `ids`: without it frames are not given their ids, and events have none. */
  constructor(clock: Clock = systemClock, ids: FrameIds | null = null) {
    this.#clock = clock
    this.#ids = ids
  }

  addReader(options: ReaderOptions): LogReader {
    const reader = new MemoryReader(options, this.#readers.length, this.#watch)
    this.#readers.push(reader)
    return reader
  }

  /** Commits at once. */
  append(entry: Entry): void {
    const { frame } = entry
    if (frame === null) {
      entry.committed()
      entry.settled?.()
      return
    }
    frame.originSequence = ++this.#sequence
    frame.position = { segment: 0, offset: 0, sequence: this.#sequence }
    frame.committedAtMs = this.#clock.now()
    if (this.#ids !== null) writeFrameId(this.#ids.words, frame.region, this.#ids.epoch, this.#sequence)
    // The log itself holds it meanwhile: a reader that settles at once must not end the frame for the others.
    frame.holders = 1
    entry.committed()
    let offered = 0
    for (const reader of this.#readers) offered += reader.offer(frame)
    if (entry.settled !== undefined) this.#watch.add(frame.position.sequence, offered, entry.settled)
    letGo(frame)
  }
}

class MemoryReader implements LogReader {
  readonly #options: ReaderOptions
  /** Of its sink. */
  readonly #index: number
  readonly #inputs: ReadonlySet<number>
  readonly #routeBit: number
  readonly #window = new Window(hold, letGo)
  readonly #watch: DeliveryWatch

  constructor(options: ReaderOptions, index: number, watch: DeliveryWatch) {
    this.#watch = watch
    this.#options = options
    this.#index = index
    this.#inputs = new Set(options.inputs)
    this.#routeBit = options.filterIndex === -1 ? 0 : 1 << options.filterIndex
  }

  /** Returns how many events of it are for this sink. */
  offer(frame: Frame): number {
    if (!this.#inputs.has(frame.source)) return 0
    const [bulk, fast] = offeredOf(frame, this.#options.filterIndex, this.#index)
    this.#options.onOffered(bulk, fast, frame.records - bulk - fast)
    if (bulk + fast === 0) return 0
    const ranges = [{ first: 0, end: frame.records }]
    this.#window.push({ frame, routeBit: this.#routeBit, lanes: LANES_BOTH, ranges, bulk, fast })
    this.#options.onFrame()
    return bulk + fast
  }

  takeBulk(): Taken | null {
    return this.#window.takeBulk()
  }

  takeFast(): Taken | null {
    return this.#window.takeFast()
  }

  settle(taken: Taken, events: number): void {
    taken.unsettled -= events
    assert(taken.unsettled >= 0, 'a sink settles a record once')
    this.#watch.settle(taken.frame.originSequence, events)
    if (taken.unsettled === 0) letGo(taken.frame)
  }

  get caughtUp(): boolean {
    return this.#window.length === 0
  }

  get backlogBytes(): number {
    return this.#window.bytes
  }

  get waiting(): number {
    return this.#window.length
  }

  held(): readonly [number, number] {
    return this.#window.held()
  }

  oldestReceivedAtMs(): readonly [number, number] {
    return this.#window.oldestReceived()
  }
}

/** Records of a frame that are for a sink, given by its filter and its index, by lane. */
export function offeredOf(frame: Frame, filterIndex: number, sink: number): [bulk: number, fast: number] {
  if (!isMeantFor(frame.meantFor, sink)) return [0, 0]
  if (filterIndex === -1) return [frame.records - frame.fast, frame.fast]
  return [frame.routed![2 * filterIndex]!, frame.routed![2 * filterIndex + 1]!]
}
