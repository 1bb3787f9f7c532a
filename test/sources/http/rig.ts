import { Arena } from '../../../src/memory/arena.ts'
import { Control } from '../../../src/memory/control.ts'
import { ExtentRing } from '../../../src/memory/extent-ring.ts'
import { recordLength, recordOffset, recordWord } from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Frame } from '../../../src/journal/frame.ts'
import { MemoryLog } from '../../../src/journal/memory-log.ts'
import type { LogReader } from '../../../src/journal/log.ts'
import { BlockPool } from '../../../src/pipeline/intake/block-pool.ts'
import { ExtentQueue } from '../../../src/pipeline/intake/extent-queue.ts'
import { Intake } from '../../../src/pipeline/intake/intake.ts'
import { Scheduler } from '../../../src/pipeline/intake/scheduler.ts'
import { TableSpace } from '../../../src/pipeline/intake/table-space.ts'
import { BULK, Ledger, SinkCounts, SourceCounts } from '../../../src/pipeline/ledger.ts'
import { WorkerPool } from '../../../src/pipeline/worker-pool.ts'
import type { SourceContext } from '../../../src/pipeline/source.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'
import { HttpSource } from '../../../src/sources/http/index.ts'
import type { HttpSourceConfig } from '../../../src/sources/http/config.ts'
import { quietEvents } from '../../helpers/quiet-events.ts'
import { until } from '../../helpers/until.ts'

const MIB = 1024 * 1024

const defaults: HttpSourceConfig = {
  name: 'push',
  type: 'http',
  schema: 'any',
  ack: 'accepted',
  ackTimeoutMs: 30_000,
  maxRecordBytes: 512 * 1024,
  maxDepth: 256,
  lingerMs: 1,
  recordTimeoutMs: 1000,
  idleTimeoutMs: 60_000,
  listen: { host: '127.0.0.1', port: 0 },
  insecure: false,
  maxConnections: 100,
  maxRequests: 100,
  maxBodyBytes: 64 * MIB,
  maxInflatedBytes: 256 * MIB,
}

export interface RigOptions {
  readonly config?: Partial<HttpSourceConfig>
  readonly slabs?: number
  readonly slabBytes?: number
  /** Of what is not reserved, how much the source may take. */
  readonly share?: number
  /** Without the front: node:http has it all. */
  readonly nodeHttp?: boolean
}

/** The source as it is, and the node:http behind its front alone: what one does, the other must. */
export const SIDES = [
  { side: 'front', nodeHttp: false },
  { side: 'node:http', nodeHttp: true },
] as const

/** An http source before a real intake and real workers; at their end a sink that keeps what it gets, or holds it back. */
export class Rig {
  readonly source: HttpSource
  readonly intake: Intake
  readonly ledger: Ledger
  readonly events: string[] = []
  readonly refused: { status: number; reason: string; peer: string }[] = []
  readonly closed: { reason: string; peer: string }[] = []
  readonly deadLetters: string[] = []
  /** Records as delivered, as text. */
  readonly delivered: string[] = []
  keepText = true
  accepting = true
  refusal = ''
  /** The disk of the dead letters stands still. */
  deadLettersWait = false
  #holding = false
  readonly #reader: LogReader
  readonly #arena: Arena
  readonly #pool: SlabPool
  readonly #sink: SinkCounts
  readonly #workers: WorkerPool
  readonly #scheduler: Scheduler
  readonly #tables: TableSpace

  constructor(options: RigOptions = {}) {
    const config = { ...defaults, ...options.config }
    const slabBytes = options.slabBytes ?? MIB
    const arena = (this.#arena = Arena.create((options.slabs ?? 16) * slabBytes, slabBytes))
    const pool = (this.#pool = new SlabPool(arena.slabCount))
    const outputs = pool.addOwner('outputs', 1, 1 / 8)
    const tablesOwner = pool.addOwner('tables', 1, 1 / 8)
    const owner = pool.addOwner('source', 2, options.share ?? 1)
    const counts = new SourceCounts(config.name)
    this.#sink = new SinkCounts('keep', [0])
    this.ledger = new Ledger([counts], [this.#sink])
    const log = new MemoryLog()
    this.#reader = log.addReader({
      name: 'keep',
      inputs: [0],
      filterIndex: -1,
      onOffered: (bulk) => (this.#sink.offered[BULK]! += bulk),
      onDiscarded: () => {},
      settledCounts: () => ({ delivered: [0, 0], deliveredBytes: 0, deadLettered: {}, discarded: {} }),
      onFrame: () => setImmediate(() => this.#drain()),
      unsettled: () => [],
    })
    this.#sink.held = () => this.#reader.held()
    const ring = ExtentRing.create(128)
    this.#tables = new TableSpace(arena, pool, tablesOwner)
    const extents = new ExtentQueue({
      source: 0,
      arena,
      pool,
      ring,
      tables: this.#tables,
      decoded: null,
      log,
      counts,
      clock: systemClock,
      fastSeverity: 16,
      filtered: false,
      wake: () => this.#scheduler.wake(),
      onFramed: (bytes, records) => this.intake.framed(bytes, records),
      ack: config.ack,
      keepsTallies: false,
      onScanner: () => {},
    })
    this.intake = new Intake({
      arena,
      pool,
      owner,
      blocks: new BlockPool(config.maxRequests, 4096),
      extents,
      clock: systemClock,
      maxRecordBytes: config.maxRecordBytes,
      lingerMs: config.lingerMs,
      wake: () => this.#scheduler.wake(),
      onBackpressure: () => {},
    })
    this.#workers = new WorkerPool({
      workers: { min: 1, max: 1 },
      oldSpaceMiB: 96,
      youngSpaceMiB: 16,
      context: {
        arena: arena.parts,
        filters: [],
        control: Control.create().buffer,
        checksums: false,
        sources: [
          {
            name: config.name,
            ring: ring.buffer,
            schema: builtinSpecs[config.schema as 'any' | 'soc'],
            maxRecordBytes: config.maxRecordBytes,
            maxDepth: config.maxDepth,
          },
        ],
      },
    })
    this.#scheduler = new Scheduler({
      holdsBack: () => false,
      lines: [
        {
          name: config.name,
          source: 0,
          intake: this.intake,
          extents,
          ring,
          recordTimeoutMs: config.recordTimeoutMs,
        },
      ],
      workers: this.#workers,
      arena,
      pool,
      owner: outputs,
      deadLetters: {
        healthy: true,
        write: async (_source, lines, count) => {
          await until(() => !this.deadLettersWait)
          this.deadLetters.push(...Buffer.from(lines).toString().trimEnd().split('\n'))
          this.ledger.dlq.queued += count
        },
      },
      clock: systemClock,
      events: {
        workerDied: (reason) => this.events.push(`workerDied ${reason}`),
        recordKilledWorker: () => this.events.push('recordKilledWorker'),
        workersUnavailable: (reason) => this.events.push(`workersUnavailable ${reason}`),
        workersRecovered: () => this.events.push('workersRecovered'),
        recordsRejected: () => {},
      },
    })
    const context: SourceContext = {
      intake: this.intake,
      clock: systemClock,
      random: () => 0.5,
      events: {
        ...quietEvents,
        connectionRefused: (_source, peer, reason) => this.closed.push({ peer, reason }),
        requestRefused: (_source, peer, status, reason) => this.refused.push({ peer, status, reason }),
      },
      retryAfterSeconds: () => 7,
      accepting: () => this.accepting,
      refusal: () => this.refusal,
    }
    this.source =
      options.nodeHttp === true
        ? new HttpSource(config, context, async () => false)
        : new HttpSource(config, context)
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options)
    await rig.source.start(new AbortController().signal)
    return rig
  }

  /** The worker has started: from now on it is quick. */
  async warm(): Promise<void> {
    while (!(await fetch(this.url, { method: 'POST', body: ' ' })).ok);
  }

  get port(): number {
    return Number(this.source.address.slice(this.source.address.lastIndexOf(':') + 1))
  }

  get url(): string {
    return `http://${this.source.address}/`
  }

  get freeSlabs(): number {
    return this.#pool.freeCount
  }

  /** Frames that the sink has not taken. */
  get waiting(): number {
    return this.#reader.waiting
  }

  /** While it holds, nothing that is committed is settled: the arena fills. */
  hold(holding: boolean): void {
    this.#holding = holding
    if (!holding) this.#drain()
  }

  #drain(): void {
    if (this.#holding) return
    for (let taken = this.#reader.takeBulk(); taken !== null; taken = this.#reader.takeBulk()) {
      this.#take(taken.frame)
      this.#sink.delivered[BULK]! += taken.events
      this.#reader.settle(taken, taken.events)
    }
  }

  #take(frame: Frame): void {
    const { words, bytes } = this.#arena
    for (let record = 0; record < frame.records; record++) {
      const word = recordWord(frame.region, frame.runs, record)
      const from = frame.bytesFrom + recordOffset(words[word]!)
      const length = recordLength(words[word + 1]!)
      if (this.keepText) this.delivered.push(Buffer.from(bytes.slice(from, from + length)).toString())
    }
  }

  /** Waits until all streams are done, all is delivered, and what the ledger must say holds. */
  async settled(): Promise<void> {
    await until(() => this.intake.openStreams === 0 && this.intake.idle && this.#reader.waiting === 0)
  }

  /** Stops it all; what is still held in memory afterwards, in slabs and streams. */
  async stop(): Promise<{ slabs: number; streams: number; inHand: number }> {
    await this.source.stop()
    await this.settled()
    this.#scheduler.stop()
    this.intake.stop()
    this.#tables.close()
    await this.#workers.stop()
    return {
      slabs: this.#arena.slabCount - this.#pool.freeCount,
      streams: this.intake.openStreams,
      inHand: this.source.requestsInHand,
    }
  }
}

export const NOTHING_LEFT = { slabs: 0, streams: 0, inHand: 0 }
