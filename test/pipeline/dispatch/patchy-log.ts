import assert from 'node:assert/strict'
import type { Clock } from '../../../src/base/clock.ts'
import { hold, letGo } from '../../../src/journal/frame.ts'
import type { Frame } from '../../../src/journal/frame.ts'
import { BULK } from '../../../src/journal/log.ts'
import type {
  Entry,
  Log,
  LogReader,
  ReaderOptions,
  RecordRange,
  Taken,
  TakenPart,
} from '../../../src/journal/log.ts'
import { Window } from '../../../src/journal/window.ts'
import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../../../src/memory/frame-region.ts'
import { lanesOf, textsOf } from './made-frames.ts'
import type { MadeFrames } from './made-frames.ts'
import { partOf } from '../../../src/pipeline/dispatch/record-walk.ts'

/**
 * A log for one sink that has the ways of one on disk, without the disk: frames of which some records were settled before
 * a restart, frames that can't be had at once, a bound on how far bulk may run ahead, and records appended again.
 */
export class PatchyLog implements Log, LogReader {
  readonly #frames: MadeFrames
  readonly #clock: Clock
  readonly #lookaheadFrames: number
  readonly #window = new Window(hold, letGo)
  /** What the sink gave to its reader. */
  options: ReaderOptions | null = null
  #sequence = 0
  #takenUpTo = 0
  /** Deferred frames that wait for a slab. */
  readonly #deferred: Uint8Array[] = []
  /** Ranges of the next frame that are not settled yet; null: all of it. */
  nextRanges: readonly RecordRange[] | null = null
  /** Frames are on their way: `wake` when they have come. */
  away = false
  /** How long a deferred frame takes to be committed: calls back. */
  commitLater: (commit: () => void) => void = (commit) => commit()
  /** Told of the texts of records that have a new place in the log. */
  onDeferred: (texts: readonly string[]) => void = () => {}
  deferrals = 0

  /** @param lookaheadFrames frames that bulk may be ahead of the oldest that is not settled. */
  constructor(frames: MadeFrames, clock: Clock, lookaheadFrames = Infinity) {
    this.#frames = frames
    this.#clock = clock
    this.#lookaheadFrames = lookaheadFrames
    frames.pool.onFree(() => this.#readBack())
  }

  addReader(options: ReaderOptions): LogReader {
    assert(this.options === null)
    this.options = options
    return this
  }

  /** Counts what was settled before as filtered: so that the ledger balances. */
  append(entry: Entry): void {
    const options = this.options!
    const { frame } = entry
    assert(frame !== null)
    frame.holders = 1
    frame.committedAtMs = this.#clock.now()
    entry.committed()
    if (options.inputs.includes(frame.source)) {
      const ranges = this.nextRanges ?? [{ first: 0, end: frame.records }]
      const [bulk, fast] = this.#offer(frame, ranges)
      options.onOffered(bulk, fast, frame.records - bulk - fast)
      options.onFrame()
    }
    letGo(frame)
  }

  /** What was away is there. */
  wake(): void {
    this.away = false
    this.options!.onFrame()
  }

  takeBulk(): Taken | null {
    if (this.away || this.blocked) return null
    const taken = this.#window.takeBulk()
    if (taken !== null) this.#takenUpTo = taken.frame.position.sequence
    return taken
  }

  takeFast(): Taken | null {
    return this.away ? null : this.#window.takeFast()
  }

  settle(taken: Taken, events: number): void {
    taken.unsettled -= events
    assert(taken.unsettled >= 0, 'settled once')
    if (taken.unsettled === 0) letGo(taken.frame)
  }

  defer({ of, first, count, pick, events }: TakenPart, frame: Uint8Array, committed: () => void): void {
    const copy = frame.slice()
    const meant = pick?.length ?? partOf(this.#frames.arena.words, of, first, first + count).events
    assert.equal(events, meant)
    this.commitLater(() => {
      assert.deepEqual(copy, frame.slice(), 'a frame stays until it is committed')
      this.deferrals++
      committed()
      this.#deferred.push(copy)
      this.settle(of, events)
      this.#readBack()
      this.options!.onFrame()
    })
  }

  get blocked(): boolean {
    let oldest = Infinity
    for (const { of } of this.options!.unsettled())
      if (of.lanes !== LANES_FAST) oldest = Math.min(oldest, of.frame.position.sequence)
    return this.#takenUpTo - oldest >= this.#lookaheadFrames
  }

  get caughtUp(): boolean {
    return this.#window.length === 0 && this.#deferred.length === 0
  }

  get backlogBytes(): number {
    return this.#window.bytes
  }

  get waiting(): number {
    return this.#window.length
  }

  held(): readonly [number, number] {
    const held: [number, number] = [...this.#window.held()]
    for (const frame of this.#deferred) {
      const { bulk, fast } = lanesOf(frame)
      held[0] += bulk
      held[1] += fast
    }
    return held
  }

  #offer(frame: Frame, ranges: readonly RecordRange[]): readonly [bulk: number, fast: number] {
    frame.position = { segment: 0, offset: 0, sequence: ++this.#sequence }
    const { filterIndex } = this.options!
    const routeBit = filterIndex === -1 ? 0 : 1 << filterIndex
    const { words } = this.#frames.arena
    const counts = [LANES_BULK, LANES_FAST].map((lanes) => {
      const of = { frame, lanes, routeBit, ranges, events: 0, fast: 0, unsettled: 0 }
      return ranges.reduce((sum, { first, end }) => sum + partOf(words, of, first, end).events, 0)
    })
    const [bulk, fast] = [counts[BULK]!, counts[1]!]
    if (bulk + fast > 0) this.#window.push({ frame, routeBit, lanes: LANES_BOTH, ranges, bulk, fast })
    return [bulk, fast]
  }

  #readBack(): void {
    for (let next = this.#deferred[0]; next !== undefined; next = this.#deferred[0]) {
      const frame = this.#frames.readBack(next, this.#clock.now())
      if (frame === null) return
      this.#deferred.shift()
      this.onDeferred(textsOf(next))
      frame.holders = 1
      this.#offer(frame, [{ first: 0, end: frame.records }])
      letGo(frame)
      this.options!.onFrame()
    }
  }
}
