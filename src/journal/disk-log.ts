import assert from 'node:assert'
import { dirname, join } from 'node:path'
import { reasonOf, spwError } from '../base/errors.ts'
import { writeFrameId } from '../memory/event-id.ts'
import { HEADER, frameBytes, regionBytes } from '../memory/frame-region.ts'
import { attach } from './attach.ts'
import type { Attachment } from './attach.ts'
import { Backlog } from './backlog.ts'
import type { BadBytes } from './backlog.ts'
import type { Checkpoint, SinkTally, SourceTally } from './checkpoint.ts'
import { DamageKeeper } from './damage-keeper.ts'
import { DeliveryWatch } from './delivery-watch.ts'
import type { DiskLogOptions } from './disk-log-options.ts'
import { DiskReader } from './disk-reader.ts'
import { encodeCheckpoint, sealHead } from './frame-codec.ts'
import { letGo } from './frame.ts'
import type { Frame, Position } from './frame.ts'
import { LeftSinks } from './left-sinks.ts'
import { LogTallies } from './log-tallies.ts'
import type { Entry, Log, LogReader, ReaderOptions } from './log.ts'
import { Quarantine } from './quarantine.ts'
import { recover } from './recovery.ts'
import type { Recovered } from './recovery.ts'
import { restored } from './restored.ts'
import type { Restored } from './restored.ts'
import { meaningByRun } from './segment-checkpoint.ts'
import type { SegmentInfo } from './segment-file.ts'
import { SegmentStarts } from './segment-starts.ts'
import { sinkState } from './sink-state.ts'
import { StateFile } from './state-file.ts'
import { StateKeeper } from './state-keeper.ts'
import type { JournalState, SinkState } from './state.ts'
import { JournalWriter } from './writer.ts'

/** One fdatasync for so much at most. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024

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
  readonly #damage: DamageKeeper
  #tallies: LogTallies
  #writer: JournalWriter | null = null
  #keeper: StateKeeper | null = null
  #stateFile: StateFile | null = null
  #checkpoint: Checkpoint | null = null
  /** Sequence of the last frame appended, and of the last one committed. */
  #lastSequence = 0
  #committedSequence = 0
  /** The first segment and sequence of this run. */
  #begin = { segment: 0, sequence: 1 }
  #newestFound: { readonly segment: number; readonly checkpoint: Checkpoint | null } | null = null
  /** Handed over while frames before them wait for their commit: the last of these, and what comes with it. */
  #last: { readonly behind: Entry[] } | null = null
  readonly #starts = new SegmentStarts()
  /** Sinks that have left the configuration. */
  readonly #left = new LeftSinks()
  readonly #attached = new Map<string, Attachment>()
  #found: JournalState | null = null

  constructor(options: DiskLogOptions) {
    this.#options = options
    const { directory, io, clock, events } = options
    this.#tallies = new LogTallies(options.sources, [], null)
    this.#quarantine = new Quarantine({ directory, io, clock, events })
    this.#damage = new DamageKeeper(this.#quarantine, events)
  }

  addReader(options: ReaderOptions): LogReader {
    assert(this.#writer === null, 'readers are there before the log is opened')
    const { arena, pool, clock, sinks, sources, live, events } = this.#options
    const { owner, lookaheadBytes } = sinks.get(options.name)!
    const onDiscarded: ReaderOptions['onDiscarded'] = (reason, bulk, fast) => {
      events.eventsDiscarded(options.name, reason, bulk + fast)
      options.onDiscarded(reason, bulk, fast)
    }
    const reader = new DiskReader({
      sink: { ...options, onDiscarded },
      index: this.#readers.length,
      arena,
      pool,
      owner,
      live,
      lookaheadBytes,
      clock,
      watch: this.#watch,
      offsetOf: (position) => this.#offsetOf(position),
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
   * Finds what earlier runs left, whatever state it is in, and lets the readers begin. `restore` is called when the tallies
   * and `restored` are there, before anything is counted or written anew. Throws SPW_ERR_JOURNAL_UNUSABLE,
   * SPW_ERR_STATE_*: nothing of this directory can be used.
   */
  async open(restore: () => void = () => {}): Promise<void> {
    const { directory, io, clock, segmentBytes, events } = this.#options
    try {
      await io.makeDirectory(directory)
      await io.syncDirectory(dirname(directory))
    } catch (error) {
      throw spwError('SPW_ERR_JOURNAL_UNUSABLE', { directory, reason: reasonOf(error) }, { cause: error })
    }
    const stateFile = (this.#stateFile = await StateFile.open(join(directory, 'state'), io, events))
    const state = (this.#found = stateFile.found.state)
    const recovered = await recover({ directory, io, events, state, quarantine: this.#quarantine })
    this.#lastSequence = this.#committedSequence = recovered.nextSequence - 1
    this.#begin = { segment: recovered.nextSegment, sequence: recovered.nextSequence }
    const [newest] = recovered.segments.slice(-1)
    if (newest !== undefined) this.#newestFound = { segment: newest.number, checkpoint: recovered.newest }
    this.#writer = new JournalWriter({
      directory,
      io,
      clock,
      segmentBytes,
      groupBytesMax: GROUP_BYTES_MAX,
      checkpoint: (segment, sequence) => encodeCheckpoint(this.#newCheckpoint(segment, sequence)),
      onBegun: () => this.#keeper?.changed(),
      nextSegment: recovered.nextSegment,
      found: recovered.segments,
      events,
    })
    await this.#attachAll(recovered, state)
    for (const reader of this.#readers) reader.start(this.#attached.get(reader.tally.name)!.start)
    restore()
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
    this.#tallies = new LogTallies(sources, attached, recovered.checkpoint)
    for (const [index, reader] of this.#readers.entries()) {
      const sink = attached[index]!
      reader.tally = this.#tallies.sinks[index]!
      // oxlint-disable-next-line no-await-in-loop -- a few, at start
      const attachment = await attach(
        sink,
        reader.tally,
        this.#tallies.sources,
        recovered,
        state,
        this.#options,
      )
      this.#attached.set(sink.name, attachment)
    }
    // With what sinks that begin at the oldest frame were offered: a state without it would take that for damage.
    this.#newCheckpoint(recovered.nextSegment, recovered.nextSequence)
    this.#left.find(state, recovered.deferred, this.#tallies, new Set(sinks.keys()))
    for (const { name, held } of this.#left.holding()) events.sinkLeft(name, held)
  }

  // ---- in

  append(entry: Entry): void {
    const { frame } = entry
    if (frame === null) {
      if (this.#last === null) commitEmpty(entry)
      else this.#last.behind.push(entry)
      return
    }
    const { bytes, doubles } = this.#options.arena
    const { region, runs, records, source, bytesFrom, bytesTo } = frame
    doubles[((region >> 2) + HEADER.ACCEPTED_BEFORE) >> 1] = this.#tallies.append(source, records)
    const last = { behind: new Array<Entry>() }
    this.#last = last
    // The log holds it until it is committed and was shown to the readers.
    frame.holders = 1
    const body = bytes.subarray(bytesFrom, bytesTo)
    const views = [bytes.subarray(region, region + regionBytes(runs, records)), body]
    frame.originSequence = this.#write(region, views, frameBytes(runs, records, body.length), (position) => {
      if (this.#last === last) this.#last = null
      this.#commit(entry, frame, position)
      for (const follower of last.behind) commitEmpty(follower)
    })
  }

  #appendDeferred(
    sink: SinkTally,
    { sourceName }: Frame,
    frame: Uint8Array,
    committed: (position: Position) => void,
  ): void {
    const { words } = this.#options.arena
    const at = frame.byteOffset
    words[(at >> 2) + HEADER.SINK] = this.#tallies.sinks.indexOf(sink)
    words[(at >> 2) + HEADER.SOURCE] = this.#tallies.sources.findIndex(({ name }) => name === sourceName)
    this.#write(at, [frame], (frame.length + 7) & ~7, (position) => {
      this.#committedSequence = position.sequence
      committed(position)
      this.#keeper?.changed()
    })
  }

  /** Writes a frame whose header stands at `at` of the arena, and returns the sequence that it gets. */
  #write(
    at: number,
    views: readonly Uint8Array[],
    frameLength: number,
    committed: (position: Position) => void,
  ): number {
    const { words, bytes } = this.#options.arena
    const sequence = ++this.#lastSequence
    writeFrameId(words, at, this.#options.epoch, sequence)
    const stamp = (segment: number) => {
      words[(at >> 2) + HEADER.SEGMENT] = segment
      sealHead(bytes, at)
    }
    this.#writer!.append({ sequence, views, bytes: frameLength, stamp, committed })
    return sequence
  }

  #commit(entry: Entry, frame: Frame, position: Position): void {
    frame.position = position
    frame.committedAtMs = this.#options.clock.now()
    this.#committedSequence = position.sequence
    this.#tallies.commit(frame, this.#options.arena)
    entry.committed()
    let offered = 0
    if (frame.records > 0) for (const reader of this.#readers) offered += reader.offer(frame)
    if (entry.settled !== undefined) this.#watch.add(position.sequence, offered, entry.settled)
    this.#keeper?.changed()
    letGo(frame)
  }

  #newCheckpoint(segment: number, sequence: number): Checkpoint {
    const createdAt = new Date(this.#options.clock.wallClock()).toISOString()
    const head = { segment, sequence, epoch: this.#options.epoch, createdAt }
    return (this.#checkpoint = this.#tallies.checkpoint(head))
  }

  // ---- where things are

  #openBacklog(from: Position): Backlog {
    const { directory, io, arena } = this.#options
    return new Backlog({
      directory,
      io,
      memory: arena,
      segments: () => this.#writer!.segments,
      from,
      begin: this.#begin,
      otherwise: (segment) => this.#checkpointOf(segment),
    })
  }

  /** For a segment whose own can't be read. Segments of one run all mean the same by their indexes. */
  async #checkpointOf(segment: SegmentInfo): Promise<Checkpoint | null> {
    if (segment.number >= this.#begin.segment) return this.#checkpoint
    const { directory, io } = this.#options
    const found = this.#newestFound?.segment === segment.number ? this.#newestFound.checkpoint : null
    return found ?? meaningByRun(io, directory, this.#writer!.segments, segment)
  }

  #head(): Position {
    const sequence = this.#committedSequence + 1
    const newest = this.#writer!.segments.at(-1)
    if (newest === undefined) return { segment: this.#begin.segment, offset: 0, sequence }
    return { segment: newest.number, offset: newest.bytes, sequence }
  }

  /** Offset of a place in the log as a whole, from where this run found its begin. */
  #offsetOf({ segment, offset }: Position): number {
    const { segments } = this.#writer!
    this.#starts.add(segments)
    return this.#starts.of(segment) + offset
  }

  #damaged(bad: BadBytes): void {
    const info = this.#writer!.segments.find(({ number }) => number === bad.segment)
    if (info !== undefined) this.#damage.note(info, bad)
  }

  // ---- state

  #snapshot(): JournalState {
    const sinks: Record<string, SinkState> = this.#left.states()
    const head = this.#head()
    for (const reader of this.#readers) {
      const { name, inputs } = reader.sink
      const names = inputs.map((source) => this.#tallies.sources[source]!.name)
      sinks[name] = sinkState(reader, this.#attached.get(name)!, names, head)
    }
    const sequence = this.#committedSequence + 1
    const deadLetters = this.#options.deadLetters()
    return { version: 1, sequence, checkpoint: this.#checkpoint!, sinks, deadLetters }
  }

  /** What no sink needs any more goes, once that is durable. */
  #forget({ sinks }: JournalState): void {
    let needed = this.#head().segment
    for (const [name, sink] of Object.entries(sinks)) {
      if (this.#left.isDone(name, sink)) continue
      for (const { oldest } of sink.lanes) needed = Math.min(needed, oldest.segment)
    }
    void this.#removeBefore(needed)
  }

  /** After copies of what is damaged were made. */
  async #removeBefore(segment: number): Promise<void> {
    await this.#damage.copied()
    this.#writer!.removeBefore(segment)
  }

  /** What is true now is on disk when it resolves; false when the disk doesn't let it. */
  flushState(): Promise<boolean> {
    return this.#keeper?.flush() ?? Promise.resolve(false)
  }

  /** Gives up what is kept for a sink that has left the configuration; null where there is none. `durable`: a crash can't undo it. */
  async detach(name: string): Promise<{ readonly discarded: number; readonly durable: boolean } | null> {
    const discarded = this.#left.detach(name, this.#head())
    if (discarded === null) return null
    this.#options.events.sinkDetached(name, discarded)
    return { discarded, durable: await this.flushState() }
  }

  // ---- figures

  /** Tallies of the sources of the topology, over all runs. */
  get sourceTallies(): readonly SourceTally[] {
    return this.#tallies.sources.slice(0, this.#options.sources.length)
  }

  /** What earlier runs counted, for the ledger; once it is open. */
  get restored(): Restored {
    const left = this.#tallies.sources.slice(this.#options.sources.length)
    return restored(this.#found, this.#readers, this.#attached, left, this.#left.states())
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
    return this.#left.names
  }

  // ---- end

  /** Commits what was appended, as far as the disk and the signal let it, and remembers where everybody stands. */
  async stop(signal: AbortSignal): Promise<void> {
    await this.#writer?.stop(signal)
    await this.#keeper?.stop()
    for (const reader of this.#readers) reader.stop()
    await this.#damage.copied()
    await this.#stateFile?.close()
  }
}

function commitEmpty(entry: Entry): void {
  entry.committed()
  entry.settled?.()
}
