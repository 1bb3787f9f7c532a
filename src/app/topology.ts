import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { MIB } from '../base/units.ts'
import { version } from '../base/version.ts'
import type { FileIo } from '../base/file-io.ts'
import { DeadLetterQueue } from '../dlq/queue.ts'
import type { DiskLog } from '../journal/disk-log.ts'
import type { Log } from '../journal/log.ts'
import { MemoryLog } from '../journal/memory-log.ts'
import { Arena } from '../memory/arena.ts'
import { Control } from '../memory/control.ts'
import { ExtentRing } from '../memory/extent-ring.ts'
import { GcPauses } from '../memory/gc-pauses.ts'
import { SlabPool } from '../memory/slab-pool.ts'
import type { SlabOwner } from '../memory/slab-pool.ts'
import { Dispatcher } from '../pipeline/dispatch/dispatcher.ts'
import { keysMax } from '../pipeline/dispatch/limits/limiter.ts'
import type { Quota } from '../pipeline/dispatch/limits/limiter.ts'
import { QuotaStore } from '../pipeline/dispatch/limits/quota-store.ts'
import { BlockPool } from '../pipeline/intake/block-pool.ts'
import { DecodeSpace } from '../pipeline/intake/decode-space.ts'
import { DrainRate } from '../pipeline/intake/drain-rate.ts'
import { ExtentQueue } from '../pipeline/intake/extent-queue.ts'
import { Intake } from '../pipeline/intake/intake.ts'
import { Scheduler } from '../pipeline/intake/scheduler.ts'
import type { IngestLine } from '../pipeline/intake/scheduler.ts'
import { TableSpace } from '../pipeline/intake/table-space.ts'
import { Ledger, SinkCounts, SourceCounts } from '../pipeline/ledger.ts'
import {
  RESERVE_SLABS_PER_DECODER,
  RESERVE_SLABS_PER_SINK,
  RESERVE_SLABS_PER_SOURCE,
  RING_ENTRIES,
  UNFINISHED_BLOCK_BYTES,
  WORKER_OLD_SPACE_BYTES,
  WORKER_YOUNG_SPACE_BYTES,
} from '../pipeline/limits.ts'
import type { Sink } from '../pipeline/sink.ts'
import type { Source } from '../pipeline/source.ts'
import { WorkerPool } from '../pipeline/worker-pool.ts'
import { WorkerScaling } from '../pipeline/worker-scaling.ts'
import { createSink, payloadForm } from '../sinks/registry.ts'
import type { SinkConfig } from '../sinks/registry.ts'
import { DLQ_SOURCE, dlqSourceConfig } from '../sources/dlq/config.ts'
import type { DlqSourceConfig } from '../sources/dlq/config.ts'
import type { DlqSource } from '../sources/dlq/index.ts'
import { createSource, isDecoded } from '../sources/registry.ts'
import type { SourceConfig } from '../sources/registry.ts'
import type { TelemetryEvents } from '../telemetry/events.ts'
import type { ResolvedConfig } from './config/root.ts'
import { sinkShareBytes } from './config/reserves.ts'
import { makeDiskLog, segmentBytesMax } from './make-disk-log.ts'
import { makeReplaySource } from './make-replay-source.ts'
import { filterIndex, makeWorkerContext } from './make-worker-context.ts'
import { connectionsMax } from './open-files.ts'

const SHARE_OF_SOURCE = 1 / 2
/** A replay has no reserve: it waits, for hours if need be, and takes nothing from those that can't. */
const SHARE_OF_REPLAY = 1 / 4
const SHARE_OF_SINK = 1 / 2
const SHARE_OF_OUTPUTS = 1 / 8
const SHARE_OF_TABLES = 1 / 8

export interface TopologyOptions {
  readonly config: ResolvedConfig
  readonly clock: Clock
  readonly random: () => number
  readonly events: TelemetryEvents
  /** Other worker code, for tests that need workers which die. */
  readonly workerFile?: string
  /** Other disks for the dead letters and the journal, for tests of some that fail. */
  readonly deadLetterIo?: FileIo
  readonly journalIo?: FileIo
}

/** Of a source of the configuration, or of the one for replays, which is always there. */
export type AnySourceConfig = SourceConfig | DlqSourceConfig

/** A source with all that is behind it. */
export interface SourceLine extends IngestLine {
  readonly config: AnySourceConfig
  readonly owner: SlabOwner
  readonly decoded: DecodeSpace | null
  readonly door: Source
}

/** A sink with all that is before it. */
export interface SinkLine {
  readonly config: SinkConfig
  readonly sink: Sink
  readonly dispatcher: Dispatcher
}

/** All parts of a collector, made and connected, not started. The way of the data, from top to bottom. */
export class Topology {
  readonly arena: Arena
  readonly pool: SlabPool
  readonly ledger: Ledger
  readonly deadLetters: DeadLetterQueue
  /** Null in memory mode. */
  readonly journal: DiskLog | null
  readonly quotas: QuotaStore
  readonly workers: WorkerPool
  readonly scaling: WorkerScaling
  readonly tables: TableSpace
  readonly scheduler: Scheduler
  /** Those of the configuration, then the one for replays. */
  readonly sources: readonly SourceLine[]
  readonly replay: DlqSource
  readonly sinks: readonly SinkLine[]
  readonly drainRate: DrainRate
  readonly #config: ResolvedConfig
  /** What workers are told while they run. */
  readonly control = Control.create()
  /** Of all threads. */
  readonly gcPauses = GcPauses.create()

  constructor(options: TopologyOptions) {
    const { config, clock, events } = options
    const { slabBytes, arenaBytes } = config.memory
    this.#config = config
    this.arena = Arena.create(arenaBytes, slabBytes)
    this.pool = new SlabPool(this.arena.slabCount)
    this.ledger = makeLedger(config)
    this.drainRate = new DrainRate(clock)
    this.pool.onFree(() => this.drainRate.slabFreed())
    this.deadLetters = new DeadLetterQueue({
      directory: join(config.dataDir, 'dlq'),
      maxBytes: config.dlq.maxBytes,
      clock,
      counts: this.ledger.dlq,
      events,
      makeCountsDurable: async () => this.journal === null || (await this.journal.flushState()),
      ...(options.deadLetterIo === undefined ? undefined : { io: options.deadLetterIo }),
    })
    this.quotas = new QuotaStore({ path: join(config.dataDir, 'limits.json'), clock, events })
    const outputs = this.pool.addOwner('worker outputs', config.workers.max, SHARE_OF_OUTPUTS)
    const tables = this.pool.addOwner('tables', config.workers.max, SHARE_OF_TABLES)
    const sources = [...config.sources, dlqSourceConfig(config.sources, config.journal)]
    const sourceOwners = sources.map(({ name, type }) =>
      type === 'dlq'
        ? this.pool.addOwner(name, 0, SHARE_OF_REPLAY)
        : this.pool.addOwner(`sources.${name}`, RESERVE_SLABS_PER_SOURCE, SHARE_OF_SOURCE),
    )
    const decodedOwners = sources.map((source) =>
      isDecoded(source)
        ? this.pool.addOwner(`sources.${source.name} decoded`, RESERVE_SLABS_PER_DECODER, SHARE_OF_SOURCE)
        : null,
    )
    const sinkOwners = config.sinks.map(({ name }) =>
      this.pool.addOwner(`sinks.${name}`, RESERVE_SLABS_PER_SINK, SHARE_OF_SINK),
    )
    this.tables = new TableSpace(this.arena, this.pool, tables)
    const rings = sources.map(() => ExtentRing.create(RING_ENTRIES))
    const onDisk = config.journal.mode === 'disk' ? makeDiskLog(options, this) : null
    this.journal = onDisk?.log ?? null
    const log =
      this.journal ?? new MemoryLog(clock, { words: this.arena.words, epoch: randomBytes(8).toString('hex') })
    const context = makeWorkerContext(config, sources, this.arena, rings, this.control, this.gcPauses)
    this.workers = new WorkerPool({
      workers: config.workers,
      context,
      oldSpaceMiB: WORKER_OLD_SPACE_BYTES / MIB,
      youngSpaceMiB: WORKER_YOUNG_SPACE_BYTES / MIB,
      ...(options.workerFile === undefined ? undefined : { filename: options.workerFile }),
    })
    // Readers join before the first frame: sinks before sources.
    this.sinks = config.sinks.map((sink, index) =>
      this.#sinkLine(options, log, sink, index, sinkOwners[index]!),
    )
    this.replay = makeReplaySource(options, this)
    this.sources = sources.map((source, index) =>
      this.#sourceLine(
        options,
        log,
        source,
        index,
        sourceOwners[index]!,
        decodedOwners[index]!,
        rings[index]!,
        context.filters.length > 0,
      ),
    )
    this.scheduler = new Scheduler({
      lines: this.sources,
      workers: this.workers,
      arena: this.arena,
      pool: this.pool,
      owner: outputs,
      deadLetters: this.deadLetters,
      clock,
      events,
      holdsBack: () => onDisk?.live.crowded ?? false,
    })
    this.scaling = new WorkerScaling({
      workers: this.workers,
      ...config.workers,
      lines: this.sources,
      ringEntries: RING_ENTRIES,
      clock,
      events,
      wake: () => this.scheduler.wake(),
    })
  }

  #sourceLine(
    options: TopologyOptions,
    log: Log,
    config: AnySourceConfig,
    source: number,
    owner: SlabOwner,
    decodedOwner: SlabOwner | null,
    ring: ExtentRing,
    filtered: boolean,
  ): SourceLine {
    const { clock, events, random } = options
    const { arena, pool, tables } = this
    const { name } = config
    const wake = () => this.scheduler.wake()
    const counts = this.ledger.sources[source]!
    const decoded = decodedOwner === null ? null : new DecodeSpace(arena, pool, decodedOwner)
    const extents = new ExtentQueue({
      source,
      arena,
      pool,
      ring,
      tables,
      decoded,
      log,
      counts,
      clock,
      fastSeverity: options.config.journal.fastSeverity,
      filtered,
      ack: config.ack,
      keepsTallies: this.journal !== null,
      wake,
      ...(config.type === 'dlq' ? { onCommitted: (frame) => this.replay.committed(frame) } : undefined),
      onFramed: (bytes, records) => intake.framed(bytes, records),
      onScanner: (_undecided, checked, failed) => {
        if (checked > 0) events.scannerCrossChecked(name, checked, failed)
      },
    })
    const intake: Intake = new Intake({
      arena,
      pool,
      owner,
      blocks: new BlockPool(unfinishedMax(config), UNFINISHED_BLOCK_BYTES),
      extents,
      clock,
      maxRecordBytes: config.maxRecordBytes,
      lingerMs: config.lingerMs,
      wake,
      onBackpressure: (paused) => {
        if (!paused) events.sourceResumed(name)
        else events.sourcePaused(name, this.#pauseReason(intake))
      },
    })
    const context = {
      intake,
      clock,
      random,
      events,
      retryAfterSeconds: () => this.drainRate.retryAfterSeconds(intake.slabsToResume, random),
      accepting: () => intake.accepting,
      refusal: () => this.refusal(),
    }
    const door = config.type === 'dlq' ? this.replay : createSource(config, context)
    const { recordTimeoutMs } = config
    return { name, source, config, owner, decoded, ring, extents, intake, door, recordTimeoutMs }
  }

  /** Slabs by what they wait for: a slab that is filled and worked on at once counts as filling. */
  slabsByState(): Record<'free' | 'filling' | 'working' | 'held', number> {
    const filling = new Set(this.sources.flatMap(({ intake }) => intake.slabs()))
    const working = new Set(this.sources.flatMap(({ extents }) => extents.slabs()))
    for (const slab of filling) working.delete(slab)
    const free = this.pool.freeCount
    const held = this.arena.slabCount - free - filling.size - working.size
    return { free, filling: filling.size, working: working.size, held }
  }

  /** Why sources take nothing; '' while they do. */
  refusal(): string {
    if (!this.deadLetters.healthy) return 'the disk of the dead letters fails or is full'
    if (!this.scheduler.workersAvailable) return 'worker threads cannot start'
    if (this.journal?.healthy === false) return 'the disk of the journal fails or is full'
    if (this.journalFull) return 'the journal is full'
    return ''
  }

  /** What is taken in could no longer be kept within `journal.max_bytes`. Ends when a segment has gone. */
  journalFull = false

  /** Fill of the journal, 0 to 1: what is in it, and all that is on the way to it. */
  get journalFill(): number {
    if (this.journal === null) return 0
    let bytes = this.journal.bytes + segmentBytesMax(this.#config)
    for (const { intake } of this.sources) bytes += intake.uncommittedBytes
    return bytes / this.#config.journal.maxBytes
  }

  #pauseReason(intake: Intake) {
    if (!this.deadLetters.healthy) return 'dead_letters_failing'
    if (this.journal?.healthy === false) return 'journal_failing'
    if (this.journalFull) return 'journal_full'
    if (!this.scheduler.workersAvailable) return 'workers_unavailable'
    return intake.overShare ? 'over_share' : 'arena_full'
  }

  #sinkLine(
    options: TopologyOptions,
    log: Log,
    config: SinkConfig,
    index: number,
    owner: SlabOwner,
  ): SinkLine {
    const { config: root, clock, random, events } = options
    const inputs = this.ledger.sinks[index]!.inputs
    const sink = createSink(config, { clock, version })
    const dispatcher = new Dispatcher({
      name: config.name,
      sink,
      log,
      inputs,
      filterIndex: filterIndex(root.sinks, config),
      config: {
        ...payloadForm(config),
        batch: config.batch,
        ...(config.rateLimit === undefined ? undefined : { rateLimit: config.rateLimit }),
        retry: config.retry,
        breaker: config.breaker,
        order: config.order,
        request: config.request,
        inFlightBytesMax: sinkShareBytes(root),
        maxRecordBytes: dlqSourceConfig(root.sources, root.journal).maxRecordBytes,
      },
      counts: this.ledger.sinks[index]!,
      pool: this.pool,
      owner,
      arena: this.arena,
      encoder: this.workers,
      grouper: this.workers,
      deadLetters: this.deadLetters,
      clock,
      random,
      events,
      ...this.#quotaOf(config),
    })
    return { config, sink, dispatcher }
  }

  #quotaOf({ name, rateLimit }: SinkConfig): { quota?: Quota } {
    const { bytesPerDay } = rateLimit
    if (bytesPerDay === Infinity) return {}
    return { quota: this.quotas.quota(name, bytesPerDay, Math.max(1, keysMax(rateLimit))) }
  }
}

function makeLedger(config: ResolvedConfig): Ledger {
  const names = [...config.sources.map(({ name }) => name), DLQ_SOURCE]
  return new Ledger(
    names.map((name) => new SourceCounts(name)),
    // A replay may be meant for any sink.
    config.sinks.map(
      ({ name, inputs }) =>
        new SinkCounts(
          name,
          [...inputs, DLQ_SOURCE].map((input) => names.indexOf(input)),
        ),
    ),
  )
}

/** Streams of a source that can have an unfinished record at once. */
function unfinishedMax(config: AnySourceConfig): number {
  if (config.type === 'dlq') return 1
  if (config.type === 'http') return config.maxRequests
  return Math.max(1, connectionsMax(config))
}
