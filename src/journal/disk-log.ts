import assert from 'node:assert'
import { dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { reasonOf, spwError } from '../base/errors.ts'
import type { FileIo } from '../base/file-io.ts'
import type { Arena } from '../memory/arena.ts'
import { REJECT_CATEGORIES } from '../memory/extent-ring.ts'
import { HEADER, frameBytes, regionBytes } from '../memory/frame-region.ts'
import type { SlabOwner, SlabPool } from '../memory/slab-pool.ts'
import { startAt, startOf, tallies } from './attach.ts'
import type { AttachedSink } from './attach.ts'
import { Backlog } from './backlog.ts'
import type { BadBytes } from './backlog.ts'
import type { Checkpoint, SinkTally, SourceTally } from './checkpoint.ts'
import { DeliveryWatch } from './delivery-watch.ts'
import { DiskReader } from './disk-reader.ts'
import type { ReaderStart } from './disk-reader.ts'
import { detach } from './detach.ts'
import { encodeCheckpoint, sealHead, writeEpoch, writeU64 } from './frame-codec.ts'
import { letGo } from './frame.ts'
import type { Frame, Position } from './frame.ts'
import { laneState } from './lane-state.ts'
import { BULK, FAST } from './log.ts'
import type { Entry, Log, LogReader, ReaderOptions, SettledCounts } from './log.ts'
import { Quarantine } from './quarantine.ts'
import type { QuarantineEvents } from './quarantine.ts'
import { countOffered } from './count-offered.ts'
import { recover } from './recovery.ts'
import type { Recovered, RecoveryEvents } from './recovery.ts'
import { segmentFileName } from './segment-name.ts'
import { StateFile } from './state-file.ts'
import type { StateFileEvents } from './state-file.ts'
import { StateKeeper } from './state-keeper.ts'
import type { DeadLetterState, JournalState, LaneState, SinkState } from './state.ts'
import { JournalWriter } from './writer.ts'
import type { JournalWriterEvents } from './writer.ts'

/** One fdatasync for so much at most. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024

/** What the log on disk tells the operator, beyond what its parts do. */
export interface DiskLogEvents
  extends JournalWriterEvents, StateFileEvents, RecoveryEvents, QuarantineEvents {
  /** Events that were offered to a sink are found nowhere. */
  eventsDiscarded(sink: string, reason: string, count: number): void
  journalReadFailing(sink: string, reason: string, retryMs: number): void
  journalStateFailing(reason: string, retryMs: number): void
  /** A sink that has left the configuration keeps what it has not got, until it is detached. */
  sinkLeft(sink: string, held: number): void
  sinkDetached(sink: string, discarded: number): void
}

/** A sink as the configuration has it. */
export interface LogSink extends Pick<AttachedSink, 'from'> {
  readonly lookaheadBytes: number
  /** Slabs that its frames are read back to. */
  readonly owner: SlabOwner
}

export interface DiskLogOptions {
  /** `data_dir/journal`; made when missing. */
  readonly directory: string
  readonly io: FileIo
  readonly clock: Clock
  /** Of this run: 16 hexadecimal digits, random. */
  readonly epoch: string
  readonly arena: Arena
  readonly pool: SlabPool
  readonly segmentBytes: number
  /** Names, in the order of the topology. */
  readonly sources: readonly string[]
  /** By name. */
  readonly sinks: ReadonlyMap<string, LogSink>
  /** Slabs of the sources that a sink may keep for frames that it has not got yet. */
  readonly liveSlabsMax: number
  readonly deadLetters: () => DeadLetterState
  readonly events: DiskLogEvents
}

/**
 * The log on disk. What is appended is written in groups, counted and shown to the readers when it is durable, and stays
 * on disk until every sink has settled it.
 */
export class DiskLog implements Log {
  readonly #options: DiskLogOptions
  readonly #readers: DiskReader[] = []
  readonly #readerOptions: ReaderOptions[] = []
  readonly #watch = new DeliveryWatch()
  readonly #quarantine: Quarantine
  #sources: SourceTally[] = []
  #sinks: SinkTally[] = []
  /** Accepted events of the sources as of the frame appended last. */
  #appended: number[] = []
  #writer: JournalWriter | null = null
  #keeper: StateKeeper | null = null
  #stateFile: StateFile | null = null
  #checkpoint: Checkpoint | null = null
  /** Sequence of the last frame appended, and of the last one committed. */
  #lastSequence = 0
  #committedSequence = 0
  #nextSegment = 0
  /** Handed over while frames before them wait for their commit: the last of these, and what comes with it. */
  #last: { readonly behind: Entry[] } | null = null
  /** Sinks that have left the configuration. */
  #quarantining: Promise<void> = Promise.resolve()
  readonly #left = new Map<string, SinkState>()
  readonly #attached = new Map<string, { readonly attachedAt: string; before: number }>()
  /** What earlier runs counted, for the ledger. */
  found: JournalState | null = null

  constructor(options: DiskLogOptions) {
    this.#options = options
    const { directory, io, clock, events } = options
    this.#quarantine = new Quarantine({ directory, io, clock, events })
  }

  addReader(options: ReaderOptions): LogReader {
    assert(this.#writer === null, 'readers are there before the log is opened')
    const { arena, pool, clock, sinks, sources, liveSlabsMax, events } = this.#options
    const { owner, lookaheadBytes } = sinks.get(options.name)!
    const onDiscarded: ReaderOptions['onDiscarded'] = (reason, bulk, fast) => {
      events.eventsDiscarded(options.name, reason, bulk + fast)
      options.onDiscarded(reason, bulk, fast)
    }
    const reader = new DiskReader({
      sink: { ...options, onDiscarded },
      arena,
      pool,
      owner,
      liveSlabsMax,
      lookaheadBytes,
      clock,
      watch: this.#watch,
      distance: (from, to) => this.#offsetOf(to) - this.#offsetOf(from),
      head: () => this.#head(),
      openBacklog: (from) => this.#openBacklog(from),
      appendDeferred: (...deferred) => this.#appendDeferred(...deferred),
      sourceIndex: (name) => sources.indexOf(name),
      onDamage: (damage) => this.#damaged(damage),
      onReadFailing: (reason, retryMs) => events.journalReadFailing(options.name, reason, retryMs),
      onChange: () => this.#keeper?.changed(),
    })
    this.#readers.push(reader)
    this.#readerOptions.push(options)
    return reader
  }

  // ---- start

  /**
   * Finds what earlier runs left, whatever state it is in, and lets the readers begin. The tallies and `found` are there
   * afterwards. Throws SPW_ERR_JOURNAL_UNUSABLE, SPW_ERR_STATE_*: nothing of this directory can be used.
   */
  async open(): Promise<void> {
    const { directory, io, clock, segmentBytes, events } = this.#options
    try {
      await io.makeDirectory(directory)
      await io.syncDirectory(dirname(directory))
    } catch (error) {
      throw spwError('SPW_ERR_JOURNAL_UNUSABLE', { directory, reason: reasonOf(error) }, { cause: error })
    }
    const stateFile = await StateFile.open(join(directory, 'state'), io, events)
    this.#stateFile = stateFile
    const { state } = stateFile.found
    this.found = state
    const recovered = await recover({ directory, io, events, state, quarantine: this.#quarantine })
    this.#lastSequence = this.#committedSequence = recovered.nextSequence - 1
    this.#nextSegment = recovered.nextSegment
    this.#writer = new JournalWriter({
      directory,
      io,
      clock,
      segmentBytes,
      groupBytesMax: GROUP_BYTES_MAX,
      checkpoint: (segment, sequence) => encodeCheckpoint(this.#newCheckpoint(segment, sequence)),
      nextSegment: recovered.nextSegment,
      found: recovered.segments,
      events,
    })
    await this.#attachAll(recovered, state)
    this.#keeper = new StateKeeper({
      file: stateFile,
      clock,
      snapshot: () => this.#snapshot(),
      onWritten: (written) => this.#forget(written),
      onFailing: (reason, retryMs) => events.journalStateFailing(reason, retryMs),
    })
    this.#writer.start()
    await this.#keeper.flush()
  }

  async #attachAll(recovered: Recovered, state: JournalState | null): Promise<void> {
    const { sources, sinks, events } = this.#options
    const attached = this.#readerOptions.map(({ name, inputs, filterIndex }) => ({
      name,
      inputs,
      filterIndex,
      from: sinks.get(name)!.from,
    }))
    const counted = tallies(sources, attached, recovered.checkpoint)
    this.#sources = counted.sources
    this.#sinks = counted.sinks
    this.#appended = counted.sources.map(({ accepted }) => accepted)
    this.#checkpoint = this.#newCheckpoint(recovered.nextSegment, recovered.nextSequence)
    for (const [index, reader] of this.#readers.entries()) {
      const { name } = attached[index]!
      const known = recovered.checkpoint?.sinks.some((sink) => sink.name === name) ?? false
      reader.tally = this.#sinks[index]!
      // oxlint-disable-next-line no-await-in-loop -- a few, at start
      reader.start(await this.#startOf(attached[index]!, reader.tally, known, recovered, state))
    }
    for (const [name, left] of Object.entries(state?.sinks ?? {})) {
      if (sinks.has(name)) continue
      this.#left.set(name, left)
      const held = this.#heldByLeft(name, left.settled)
      if (held > 0) events.sinkLeft(name, held)
    }
  }

  /** Where a sink begins; null at the head of the log. Fills its tally where that is new. */
  async #startOf(
    { name, inputs, from }: AttachedSink,
    tally: SinkTally,
    known: boolean,
    recovered: Recovered,
    state: JournalState | null,
  ): Promise<ReaderStart | null> {
    const accepted = inputs.reduce((sum, source) => sum + this.#sources[source]!.accepted, 0)
    const old = state?.sinks[name]
    const attachedAt = old?.attachedAt ?? new Date(this.#options.clock.wallClock()).toISOString()
    const note = () => {
      const before = accepted - tally.offered[BULK] - tally.offered[FAST] - tally.filtered
      this.#attached.set(name, { attachedAt, before })
    }
    if (old !== undefined) {
      const same = old.inputs.join() === inputs.map((source) => this.#sources[source]!.name).join()
      note()
      if (same) this.#attached.set(name, { attachedAt, before: old.before })
      const unknown = recovered.deferred
        .filter(({ sink, position }) => sink === name && position.sequence >= state!.sequence)
        .map(({ position }) => position.sequence)
      return startOf(old, [...new Set([...old.voided, ...unknown])])
    }
    const [oldest] = recovered.segments
    if (oldest === undefined || (!known && from === 'now')) {
      note()
      return null
    }
    const place = { segment: oldest.number, offset: 0, sequence: oldest.firstSequence }
    // Its cursor is lost: it gets everything that is there once more.
    const settled = known ? await this.#offeredBefore(place, name) : ([0, 0] as const)
    if (!known) {
      const { directory, io } = this.#options
      const names = inputs.map((source) => this.#sources[source]!.name)
      const counts = await countOffered({ directory, io, segments: recovered.segments, names })
      tally.offered[BULK] = counts[BULK]
      tally.offered[FAST] = counts[FAST]
    }
    note()
    return startAt(place, settled)
  }

  /** What was offered to a sink before a segment. */
  async #offeredBefore(place: Position, name: string): Promise<readonly [number, number]> {
    const backlog = this.#openBacklog(place)
    const checkpoint = await backlog.peekCheckpoint()
    await backlog.close()
    return checkpoint?.sinks.find((sink) => sink.name === name)?.offered ?? [0, 0]
  }

  // ---- in

  append(entry: Entry): void {
    const { frame } = entry
    if (frame === null) {
      if (this.#last === null) commitEmpty(entry)
      else this.#last.behind.push(entry)
      return
    }
    const { arena } = this.#options
    const { region, runs, records, source, bytesFrom, bytesTo } = frame
    const { words, doubles, bytes } = arena
    const sequence = ++this.#lastSequence
    const header = region >> 2
    writeEpoch(words, header + HEADER.EPOCH, this.#options.epoch)
    writeU64(words, header + HEADER.SEQUENCE, sequence)
    doubles[(header + HEADER.ACCEPTED_BEFORE) >> 1] = this.#appended[source]!
    this.#appended[source]! += records
    const behind: Entry[] = []
    const last = { behind }
    this.#last = last
    // The log holds it until it is committed and was shown to the readers.
    frame.holders = 1
    frame.originSequence = sequence
    this.#writer!.append({
      sequence,
      views: [
        bytes.subarray(region, region + regionBytes(runs, records)),
        bytes.subarray(bytesFrom, bytesTo),
      ],
      bytes: frameBytes(runs, records, bytesTo - bytesFrom),
      stamp: (segment) => {
        words[header + HEADER.SEGMENT] = segment
        sealHead(bytes, region)
      },
      committed: (position) => {
        if (this.#last === last) this.#last = null
        this.#commit(entry, frame, position)
        for (const follower of behind) commitEmpty(follower)
      },
    })
  }

  #appendDeferred(
    sink: SinkTally,
    { sourceName }: Frame,
    frame: Uint8Array,
    committed: (position: Position) => void,
  ): void {
    const { words, bytes } = this.#options.arena
    const at = frame.byteOffset
    const header = at >> 2
    const sequence = ++this.#lastSequence
    writeEpoch(words, header + HEADER.EPOCH, this.#options.epoch)
    writeU64(words, header + HEADER.SEQUENCE, sequence)
    words[header + HEADER.SINK] = this.#sinks.indexOf(sink)
    words[header + HEADER.SOURCE] = this.#sources.findIndex(({ name }) => name === sourceName)
    this.#writer!.append({
      sequence,
      views: [frame],
      bytes: (frame.length + 7) & ~7,
      stamp: (segment) => {
        words[header + HEADER.SEGMENT] = segment
        sealHead(bytes, at)
      },
      committed: (position) => {
        this.#committedSequence = sequence
        committed(position)
        this.#keeper?.changed()
      },
    })
  }

  #commit(entry: Entry, frame: Frame, position: Position): void {
    frame.position = position
    frame.committedAtMs = this.#options.clock.now()
    this.#committedSequence = position.sequence
    this.#count(frame)
    entry.committed()
    let offered = 0
    if (frame.records > 0) for (const reader of this.#readers) offered += reader.offer(frame)
    if (entry.settled !== undefined) this.#watch.add(position.sequence, offered, entry.settled)
    this.#keeper?.changed()
    letGo(frame)
  }

  #count({ source, region, records }: Frame): void {
    const { words } = this.#options.arena
    const header = region >> 2
    const tally = this.#sources[source]!
    tally.accepted += records
    tally.receivedBytes += words[header + HEADER.RECEIVED_BYTES]!
    for (let i = 0; i < REJECT_CATEGORIES.length; i++)
      tally.rejected[i]! += words[header + HEADER.REJECTED_BY + i]!
    for (let i = 0; i < tally.shed.length; i++) tally.shed[i]! += words[header + HEADER.SHED_BY + i]!
  }

  #newCheckpoint(segment: number, sequence: number): Checkpoint {
    const createdAt = new Date(this.#options.clock.wallClock()).toISOString()
    const { epoch } = this.#options
    const checkpoint = { version: 1, segment, sequence, epoch, createdAt } as const
    this.#checkpoint = structuredClone({ ...checkpoint, sources: this.#sources, sinks: this.#sinks })
    return this.#checkpoint
  }

  // ---- where things are

  #openBacklog(from: Position): Backlog {
    const { directory, io, arena } = this.#options
    return new Backlog({ directory, io, memory: arena, segments: () => this.#writer!.segments, from })
  }

  #head(): Position {
    const sequence = this.#committedSequence + 1
    const newest = this.#writer!.segments.at(-1)
    if (newest === undefined) return { segment: this.#nextSegment, offset: 0, sequence }
    return { segment: newest.number, offset: newest.bytes, sequence }
  }

  /** Bytes of the log before a place, of what is still there. */
  #offsetOf({ segment, offset }: Position): number {
    let bytes = 0
    for (const info of this.#writer!.segments) {
      if (info.number > segment) break
      bytes += info.number === segment ? Math.min(offset, info.bytes) : info.bytes
    }
    return bytes
  }

  #damaged({ segment, offset, bytes, reason }: BadBytes): void {
    const info = this.#writer!.segments.find(({ number }) => number === segment)
    if (info === undefined) return
    const damage = { segment, offset, end: offset + bytes, reason, frames: null, lost: {} }
    this.#options.events.journalDamaged(segmentFileName(info), damage)
    this.#quarantining = this.#quarantining.then(async () => {
      await this.#quarantine.keep(info, [damage])
    })
  }

  // ---- state

  #snapshot(): JournalState {
    const sinks: Record<string, SinkState> = Object.fromEntries(this.#left)
    for (const reader of this.#readers) sinks[reader.sink.name] = this.#sinkState(reader)
    const sequence = this.#committedSequence + 1
    const deadLetters = this.#options.deadLetters()
    return { version: 1, sequence, checkpoint: this.#checkpoint!, sinks, deadLetters }
  }

  #sinkState(reader: DiskReader): SinkState {
    const { name, inputs, settledCounts, unsettled } = reader.sink
    const parts = [...unsettled()]
    const head = this.#head()
    const { attachedAt, before } = this.#attached.get(name)!
    const lane = (index: typeof BULK | typeof FAST): LaneState => laneState(index, reader.tracks, parts, head)
    const lanes = [lane(BULK), lane(FAST)] as const
    const oldest = Math.min(...lanes.map((state) => state.oldest.sequence))
    return {
      attachedAt,
      inputs: inputs.map((source) => this.#sources[source]!.name),
      before,
      lanes,
      voided: reader.voidedFrom(oldest),
      settled: reader.settledOf(parts),
      ...settledCounts(),
    }
  }

  /** What no sink needs any more goes, once that is durable. */
  #forget({ sinks }: JournalState): void {
    let needed = this.#head().segment
    for (const [name, { lanes, settled }] of Object.entries(sinks)) {
      if (this.#left.has(name) && this.#heldByLeft(name, settled) === 0) continue
      for (const { oldest } of lanes) needed = Math.min(needed, oldest.segment)
    }
    void this.#quarantining.then(() => this.#writer?.removeBefore(needed))
  }

  /** What is true now is on disk when it resolves; false when the disk doesn't let it. */
  flushState(): Promise<boolean> {
    return this.#keeper?.flush() ?? Promise.resolve(false)
  }

  /** Gives up what is kept for a sink that has left the configuration; null where there is no such sink. */
  async detach(name: string): Promise<{ readonly discarded: number } | null> {
    const left = this.#left.get(name)
    if (left === undefined) return null
    const { sink, discarded } = detach(left, this.#offeredTo(name, left.settled), this.#head())
    this.#left.set(name, sink)
    this.#options.events.sinkDetached(name, discarded)
    await this.flushState()
    return { discarded }
  }

  #offeredTo(name: string, settled: readonly [number, number]): readonly [number, number] {
    return this.#sinks.find((sink) => sink.name === name)?.offered ?? settled
  }

  #heldByLeft(name: string, settled: readonly [number, number]): number {
    const [bulk, fast] = this.#offeredTo(name, settled)
    return bulk + fast - settled[BULK] - settled[FAST]
  }

  // ---- figures

  /** Tallies of the sources of the topology, over all runs. */
  get sourceTallies(): readonly SourceTally[] {
    return this.#sources.slice(0, this.#options.sources.length)
  }

  /** Counts of the sinks that have readers, over all earlier runs. */
  get restoredSinks(): readonly (SinkTally & SettledCounts & { readonly before: number })[] {
    return this.#readers.map(({ tally, settledAtStart }) => {
      const counts = this.found?.sinks[tally.name] ?? { ...NOTHING_SETTLED, delivered: settledAtStart }
      const { delivered, deliveredBytes, deadLettered, discarded } = counts
      const { before } = this.#attached.get(tally.name)!
      return { ...tally, delivered, deliveredBytes, deadLettered, discarded, before }
    })
  }

  /** Dead letters that earlier runs counted for sources and sinks that have left the configuration. */
  get lettersOfTheLeft(): number {
    const sources = this.#sources.slice(this.#options.sources.length)
    let letters = sources.reduce((total, { rejected }) => total + sum(rejected), 0)
    for (const { deadLettered } of this.#left.values()) letters += sum(Object.values(deadLettered))
    return letters
  }

  get healthy(): boolean {
    return (this.#writer?.healthy ?? true) && (this.#keeper?.healthy ?? true)
  }

  /** Of all segments on disk. */
  get bytes(): number {
    return this.#writer?.bytes ?? 0
  }

  /** Appended and not yet committed. */
  get pendingBytes(): number {
    return this.#writer?.pendingBytes ?? 0
  }

  get segmentCount(): number {
    return this.#writer?.segments.length ?? 0
  }

  get leftSinks(): readonly string[] {
    return [...this.#left.keys()]
  }

  // ---- end

  /** Commits what was appended, as far as the disk and the signal let it, and remembers where everybody stands. */
  async stop(signal: AbortSignal): Promise<void> {
    await this.#writer?.stop(signal)
    await this.#keeper?.stop()
    for (const reader of this.#readers) reader.stop()
    await this.#quarantining
    await this.#stateFile?.close()
  }
}

const NOTHING_SETTLED = { deliveredBytes: 0, deadLettered: {}, discarded: {} }

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

function commitEmpty(entry: Entry): void {
  entry.committed()
  entry.settled?.()
}
