import assert from 'node:assert'
import type { Clock } from '../../base/clock.ts'
import type { Frame } from '../../journal/frame.ts'
import type { Log } from '../../journal/log.ts'
import type { Arena } from '../../memory/arena.ts'
import { ENTRY, ENTRY_WORDS, REJECT_CATEGORIES, RESULT, STATE } from '../../memory/extent-ring.ts'
import type { ExtentRing } from '../../memory/extent-ring.ts'
import { PEER_BYTES_MAX, RUN, regionBytes, runWord } from '../../memory/frame-region.ts'
import type { SlabPool } from '../../memory/slab-pool.ts'
import type { RecordError } from '../../scan/worker-context.ts'
import type { SourceCounts } from '../ledger.ts'
import type { DecodeSpace } from './decode-space.ts'
import { EventLag } from './event-lag.ts'
import { frameOf, receivedBytesOf } from './frame-of-extent.ts'
import type { Lane } from './lane.ts'
import { PendingExtent } from './pending-extent.ts'
import type { Telling, TrialVerdict } from './pending-extent.ts'
import type { TableSpace } from './table-space.ts'

export interface ExtentQueueOptions {
  readonly source: number
  readonly arena: Arena
  readonly pool: SlabPool
  readonly ring: ExtentRing
  readonly tables: TableSpace
  /** Where the events of a decoded source go; null: records stay where they came to. */
  readonly decoded: DecodeSpace | null
  readonly log: Log
  /** When streams are told what became of their bytes. */
  readonly ack: 'accepted' | 'stored' | 'delivered'
  /** The log also keeps what a part without events was counted as. */
  readonly keepsTallies: boolean
  readonly counts: SourceCounts
  readonly clock: Clock
  readonly fastSeverity: number
  /** Some sink has a filter: frames carry what it lets through. */
  readonly filtered: boolean
  readonly wake: () => void
  /** Frames of it, when they are committed, before sinks see them. */
  readonly onCommitted?: (frame: Frame) => void
  /** Bytes and records of a part that a worker is done with. */
  readonly onFramed: (bytes: number, records: number) => void
  readonly onScanner: (undecided: number, crossChecked: number, crossFailed: number) => void
}

/** Of an entry that waits for its space. */
const NO_REGION = { region: 0, capacity: 0 }

/**
 * The extents of one source from cut to commit, over the shared ring: handed out in order, committed in order. An
 * extent whose table or output was too small is committed part by part; one that killed its worker goes on behind the
 * record that did it.
 */
export class ExtentQueue {
  readonly #options: ExtentQueueOptions
  readonly #extents: PendingExtent[]
  /** Running numbers; an entry is a number modulo the ring's size. */
  #head = 0
  #next = 0
  #tail = 0
  /** Entries handed out before that are ready again, the oldest first. */
  readonly #again: number[] = []
  /** The tail waits for room for a table. */
  #tableWanted = false
  /** The next entry waits for space for its decoded events. */
  #spaceWanted = false
  #meanRecordBytes = 0
  /** Cut, and not yet committed. */
  bytes = 0
  /** How late what is committed came. */
  readonly eventLag: EventLag

  constructor(options: ExtentQueueOptions) {
    this.#options = options
    this.eventLag = new EventLag(options.clock)
    this.#extents = Array.from({ length: options.ring.entryCount }, () => new PendingExtent())
    options.tables.onRoom(() => {
      if (this.#tableWanted) this.#resumeTail()
    })
    options.decoded?.onRoom(() => (this.#spaceWanted = false))
  }

  get depth(): number {
    return this.#head - this.#tail
  }

  /** Extents that a worker could be given now. */
  get waiting(): number {
    return this.hasReady ? this.#head - this.#next + this.#again.length : 0
  }

  /** Most of them. */
  get entryCount(): number {
    return this.#extents.length
  }

  get empty(): boolean {
    return this.#head === this.#tail
  }

  get full(): boolean {
    return this.depth === this.#extents.length
  }

  /** More bytes are not worth a task: their decoded events would not fit into a slab. */
  extentBytesMax(meanRecordBytes: number): number {
    return this.#options.decoded?.inputBytesMax(meanRecordBytes) ?? Infinity
  }

  /** Slabs with extents that are not committed. */
  slabs(): number[] {
    const slabs: number[] = []
    for (let number = this.#tail; number < this.#head; number++) {
      slabs.push(this.#extents[number % this.#extents.length]!.slab)
    }
    return slabs
  }

  /** Cuts [cutFrom, complete) of a lane. False when the ring is full. */
  push(lane: Lane, own: boolean, meanRecordBytes: number): boolean {
    if (this.full) return false
    const { ring, pool, clock, fastSeverity } = this.#options
    const entry = this.#head++ % this.#extents.length
    const extent = this.#extents[entry]!
    const { runs } = lane
    assert(ring.state(entry) === STATE.FREE)
    assert(runs[0]?.from === lane.cutFrom, 'every byte of an extent belongs to a run')
    this.#meanRecordBytes = meanRecordBytes
    const { region, capacity } =
      this.#options.decoded === null ? lane.takeRegion(meanRecordBytes, runs.length) : NO_REGION
    extent.begin({ slab: lane.slab, end: lane.complete, region, capacity, runs, own })
    pool.retain(lane.slab)
    const word = ring.base(entry)
    ring.words[word + ENTRY.FAST_SEVERITY] = fastSeverity
    ring.words[word + ENTRY.RULES] = extent.terms?.rules ?? 0
    ring.doubles[(word + ENTRY.RECEIVED_AT) >> 1] = clock.wallClock()
    for (const run of runs) run.stream.runCut()
    this.bytes += extent.end - lane.cutFrom
    this.#prepare(entry, lane.cutFrom)
    lane.runs = []
    lane.cutFrom = lane.complete
    return true
  }

  /** Makes the entry ready from `from` on. */
  #prepare(entry: number, from: number): void {
    const { ring } = this.#options
    const extent = this.#extents[entry]!
    const word = ring.base(entry)
    ring.words[word + ENTRY.FROM] = from
    ring.words[word + ENTRY.TO] = extent.end
    ring.words[word + ENTRY.RUNS] = extent.runs.length
    // A suspect is tried alone; what stands before it goes first.
    const alone = extent.suspect === from
    ring.words[word + ENTRY.STOP_AT] = alone ? 0 : extent.suspect
    ring.words[word + ENTRY.RECORD_LIMIT] = alone ? 1 : 0
    ring.words[word + ENTRY.CONDEMNED] = alone && extent.suspectDeaths > 1 ? 1 : 0
    ring.words[word + ENTRY.DECODE_FROM] = 0
    if (this.#options.decoded === null) this.#layOut(entry)
    extent.unsettle()
    ring.leaveSlow(entry)
    ring.setState(entry, STATE.READY)
  }

  /** Lays out the frame region. */
  #layOut(entry: number): void {
    const { arena, ring } = this.#options
    const { region, capacity, runs } = this.#extents[entry]!
    const { words } = arena
    const entryWord = ring.base(entry)
    runs.forEach((run, index) => {
      const word = runWord(region, index)
      words[word + RUN.FROM] = index === 0 ? ring.words[entryWord + ENTRY.FROM]! : run.from
      words[word + RUN.STREAM] = run.stream.id
      words[word + RUN.KIND] = run.kind
      words[word + RUN.STATE] = run.state
      words[word + RUN.LENGTH] = run.length
      words[word + RUN.PEER_BYTES] = Math.min(run.stream.peer.length, PEER_BYTES_MAX)
      arena.bytes.set(run.stream.peer, (word + RUN.PEER) << 2)
    })
    ring.words[entryWord + ENTRY.REGION] = region
    ring.words[entryWord + ENTRY.CAPACITY] = capacity
  }

  /** Gets an entry the space for its decoded events. False: there is none now. */
  #findSpace(entry: number, decoded: DecodeSpace): boolean {
    const { ring } = this.#options
    const extent = this.#extents[entry]!
    const word = ring.base(entry)
    extent.area = decoded.take({
      runs: extent.runs.length,
      inputBytes: extent.end - ring.words[word + ENTRY.FROM]!,
      meanRecordBytes: this.#meanRecordBytes,
      oldest: entry === this.#tail % this.#extents.length,
      whole: extent.wantsWhole,
    })
    if (extent.area === null) return false
    const { from, to, capacity, fresh } = extent.area
    extent.region = to
    extent.capacity = capacity
    ring.words[word + ENTRY.DECODE_FROM] = from
    ring.words[word + ENTRY.DECODE_TO] = to
    ring.words[word + ENTRY.DECODE_FRESH] = fresh ? 1 : 0
    this.#layOut(entry)
    return true
  }

  /** The space is given back; `bytes` of it are a frame's. */
  #giveSpace(extent: PendingExtent, bytes: number, inputBytes: number, kept = bytes > 0): void {
    const { area } = extent
    if (area === null) return
    extent.area = null
    this.#options.decoded!.give(area, bytes, inputBytes, kept)
  }

  /** There is no space for the decoded events of what is ready. */
  get waitsForSpace(): boolean {
    return this.#spaceWanted
  }

  get hasReady(): boolean {
    return !this.#spaceWanted && (this.#again.length > 0 || this.#next !== this.#head)
  }

  /** The entry that a worker should get next, or -1; those that are tried again or resumed come first. */
  takeReady(): number {
    if (!this.hasReady) return -1
    const entry = this.#again[0] ?? this.#next % this.#extents.length
    const { decoded } = this.#options
    if (decoded !== null && !this.#findSpace(entry, decoded)) {
      this.#spaceWanted = true
      return -1
    }
    if (this.#again.shift() === undefined) this.#next++
    return entry
  }

  /** Sets where the task may write dead letters. */
  setOutput(entry: number, from: number, to: number): void {
    const { ring } = this.#options
    ring.words[ring.base(entry) + ENTRY.OUT_FROM] = from
    ring.words[ring.base(entry) + ENTRY.OUT_TO] = to
  }

  /** What the worker answered: bytes and count of the dead letters in the output. */
  deadLetters(entry: number): { bytes: number; count: number } {
    const { words } = this.#options.ring
    const word = entry * ENTRY_WORDS
    return { bytes: words[word + ENTRY.OUT_USED]!, count: words[word + ENTRY.DEAD_LETTERS]! }
  }

  /** The refused ones of a part are in the dead-letter queue: counted in the same step as there. */
  countRejected(entry: number): void {
    const { ring, counts } = this.#options
    const word = ring.base(entry)
    for (let i = 0; i < REJECT_CATEGORIES.length; i++) {
      const count = ring.words[word + ENTRY.REJECTED_BY + i]!
      counts.rejected[i]! += count
      counts.received += count
    }
  }

  /** A part is done and its dead letters are safe: commit what can be committed now. */
  settled(entry: number, errors: readonly RecordError[] | undefined): void {
    const extent = this.#extents[entry]!
    extent.settle(errors)
    while (!this.empty && this.#extents[this.#tail % this.#extents.length]!.settled) {
      if (!this.#append(this.#tail % this.#extents.length)) return
    }
  }

  /**
   * The worker died, or was ended because it stood still. Whose fault it was is in the ring; the entry is tried again,
   * once it is the oldest (so that what it becomes is committed in order).
   */
  failed(entry: number): TrialVerdict {
    const { ring } = this.#options
    const from = ring.words[ring.base(entry) + ENTRY.FROM]!
    const begun = ring.state(entry) !== STATE.READY
    const extent = this.#extents[entry]!
    const verdict = begun ? extent.blame(ring.slowRecord(entry), from) : 'retried'
    this.#giveSpace(extent, 0, 0)
    this.#goOn(entry, from)
    return verdict
  }

  /** Appends the oldest part to the log. False when its extent is not finished with it. */
  #append(entry: number): boolean {
    const { ring, pool, arena, onFramed } = this.#options
    const extent = this.#extents[entry]!
    const word = ring.base(entry)
    const words = ring.words
    const from = words[word + ENTRY.FROM]!
    const consumed = words[word + ENTRY.CONSUMED]!
    const accepted = words[word + ENTRY.ACCEPTED]!
    const records = words[word + ENTRY.RECORDS]!
    const result = words[word + ENTRY.RESULT]!
    const finished = result === RESULT.DONE || result === RESULT.MORE
    this.#options.onScanner(
      words[word + ENTRY.UNDECIDED]!,
      words[word + ENTRY.CROSS_CHECKED]!,
      words[word + ENTRY.CROSS_FAILED]!,
    )
    const answers = extent.runAnswers(arena.words)
    const tellings = extent.tellings(answers, consumed, finished)
    const framed = this.#options.keepsTallies ? records > 0 || accepted > 0 : accepted > 0
    const keepsTable = !finished && result !== RESULT.TABLE_FULL && !framed
    const frame = framed ? frameOf(extent, entry, this.#options) : null
    if (!framed && !keepsTable && extent.tableSlab !== -1) pool.release(extent.tableSlab)
    extent.wantsWhole = accepted === 0
    this.#giveSpace(extent, words[word + ENTRY.DECODED]!, consumed - from, framed)
    this.#hand(entry, frame, tellings, finished ? extent.end - from : consumed - from)
    if (!finished) {
      onFramed(consumed - from, records)
      extent.advance(answers, consumed)
      ring.words[word + ENTRY.FROM] = consumed
      // A table that no frame took is as good as new.
      if (keepsTable) this.#goOn(entry, consumed)
      else this.#resumeTail()
      return false
    }
    const { own, slab } = extent
    extent.runs = []
    this.#tail++
    ring.setState(entry, STATE.FREE)
    // From here on the entry may be another extent's: what is released wakes those that cut.
    pool.release(slab)
    onFramed(consumed - from, records)
    if (own) for (const { run, outcome, state } of tellings) run.stream.extentFramed(consumed, outcome, state)
    return true
  }

  /** What a part brought goes to the log: counted when it is committed, its streams told when `ack` says so. */
  #hand(entry: number, frame: Frame | null, tellings: readonly Telling[], bytes: number): void {
    const { arena, ring, log, counts, ack, onCommitted } = this.#options
    const word = ring.base(entry)
    const accepted = ring.words[word + ENTRY.ACCEPTED]!
    const untimed = ring.words[word + ENTRY.UNTIMED]!
    const receivedBytes = receivedBytesOf(ring, entry)
    const shedBy = ring.words.slice(word + ENTRY.SHED_BY, word + ENTRY.SHED_BY + counts.shedBy.length)
    const tell = () => {
      for (const telling of tellings) telling.run.stream.runCommitted(telling)
    }
    log.append({
      frame,
      committed: () => {
        this.bytes -= bytes
        counts.accepted += accepted
        counts.received += accepted
        counts.receivedBytes += receivedBytes
        for (let severity = 0; severity < shedBy.length; severity++) {
          counts.shedBy[severity]! += shedBy[severity]!
          counts.received += shedBy[severity]!
        }
        if (frame !== null) onCommitted?.(frame)
        if (frame !== null) this.eventLag.committed(frame, untimed, arena.words)
        if (ack === 'stored') tell()
      },
      ...(ack === 'delivered' ? { settled: tell } : undefined),
    })
    if (ack === 'accepted') tell()
  }

  /** The oldest extent goes on behind what is committed, with a new table. */
  #resumeTail(): void {
    const { tables, ring } = this.#options
    const entry = this.#tail % this.#extents.length
    const extent = this.#extents[entry]!
    const from = ring.words[ring.base(entry) + ENTRY.FROM]!
    if (this.#options.decoded !== null) {
      this.#goOn(entry, from)
      return
    }
    // Taking may free the slab of another table, which is told to all that wait: not to this one a second time.
    this.#tableWanted = false
    const space = tables.take(regionBytes(extent.runs.length, 0), extent.end - from)
    this.#tableWanted = space === null
    if (space === null) return
    extent.region = space.region
    extent.tableSlab = space.slab
    extent.capacity = space.capacity
    this.#goOn(entry, from)
  }

  #goOn(entry: number, from: number): void {
    this.#prepare(entry, from)
    // The others can only be committed after the oldest: they must not have the last space.
    this.#again.push(entry)
    this.#again.sort((left, right) => this.#age(left) - this.#age(right))
    this.#options.wake()
  }

  /** Extents before it that are not committed. */
  #age(entry: number): number {
    const { length } = this.#extents
    return (entry - (this.#tail % length) + length) % length
  }
}
