import type { Clock, Timer } from '../../../src/base/clock.ts'
import type { Frame } from '../../../src/journal/frame.ts'
import { MemoryLog } from '../../../src/journal/memory-log.ts'
import type { FrameReader } from '../../../src/journal/memory-log.ts'
import { Arena } from '../../../src/memory/arena.ts'
import { ExtentRing } from '../../../src/memory/extent-ring.ts'
import { RUN, recordLength, recordOffset, recordWord, runWord } from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import { BlockPool } from '../../../src/pipeline/intake/block-pool.ts'
import { ExtentQueue } from '../../../src/pipeline/intake/extent-queue.ts'
import { Intake } from '../../../src/pipeline/intake/intake.ts'
import { Scheduler } from '../../../src/pipeline/intake/scheduler.ts'
import { TableSpace } from '../../../src/pipeline/intake/table-space.ts'
import { SourceCounts } from '../../../src/pipeline/ledger.ts'
import type { WorkerPool } from '../../../src/pipeline/worker-pool.ts'
import { Ingestor } from '../../../src/scan/ingest.ts'
import type { RecordError } from '../../../src/scan/worker-context.ts'
import { builtinSpecs } from '../../../src/schema/builtin.ts'

/** A clock that rings only when it is told to. */
class ManualClock implements Clock {
  #nowMs = 0
  readonly #alarms = new Map<() => void, number>()

  now(): number {
    return this.#nowMs
  }

  wallClock(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const alarm = () => callback()
    this.#alarms.set(alarm, this.#nowMs + delayMs)
    return { clear: () => void this.#alarms.delete(alarm) }
  }

  pass(durationMs: number): void {
    this.#nowMs += durationMs
    for (const [alarm, atMs] of this.#alarms) {
      if (atMs > this.#nowMs) continue
      this.#alarms.delete(alarm)
      alarm()
    }
  }
}

export interface IntakeRigOptions {
  readonly slabBytes: number
  readonly slabs: number
  readonly ringEntries?: number
  readonly maxRecordBytes?: number
  readonly blocks?: number
  readonly workerCount?: number
  /** Of what is not reserved, how much the source may take. */
  readonly share?: number
  /** From 0 to 1: in what order tasks end, dead letters reach their disk and frames are settled. */
  readonly random?: () => number
}

export interface Letter {
  readonly category: string
  readonly record: string
  readonly truncated?: boolean
  readonly length?: number
}

/**
 * An intake with all that is behind it, in one thread: the workers' part is done by the real Ingestor when `work` says
 * so, in any order; dead letters are on disk and frames settled when the test wants it.
 */
export class IntakeRig {
  readonly arena: Arena
  readonly pool: SlabPool
  readonly intake: Intake
  readonly extents: ExtentQueue
  readonly scheduler: Scheduler
  readonly counts = new SourceCounts('rig')
  readonly clock = new ManualClock()
  readonly ring: ExtentRing
  readonly #tables: TableSpace
  readonly #ingestor: Ingestor
  readonly #reader: FrameReader
  readonly #random: () => number
  #tasks: { entry: number; done: (errors: RecordError[] | undefined) => void }[] = []
  #writes: { lines: string; done: () => void }[] = []
  readonly #taken: Frame[] = []
  /** By peer, in the order of their commits. */
  readonly accepted = new Map<string, string[]>()
  readonly letters = new Map<string, Letter[]>()
  frames = 0
  tasksDone = 0
  pauses = 0

  constructor(options: IntakeRigOptions) {
    this.#random = options.random ?? (() => 0)
    const { slabBytes, maxRecordBytes = slabBytes / 2, workerCount = 2 } = options
    const arena = (this.arena = Arena.create(options.slabs * slabBytes, slabBytes))
    const pool = (this.pool = new SlabPool(options.slabs))
    const outputs = pool.addOwner('outputs', workerCount, 1 / 8)
    const tables = pool.addOwner('tables', workerCount, 1 / 8)
    const owner = pool.addOwner('source', 2, options.share ?? 1)
    const ring = (this.ring = ExtentRing.create(options.ringEntries ?? 16))
    const log = new MemoryLog(this.clock)
    this.#reader = log.addReader(
      () => true,
      () => {},
    )
    this.#tables = new TableSpace(arena, pool, tables)
    const wake = () => this.scheduler.wake()
    this.extents = new ExtentQueue({
      source: 0,
      arena,
      pool,
      ring,
      tables: this.#tables,
      log,
      counts: this.counts,
      clock: this.clock,
      fastSeverity: 8,
      filtered: false,
      wake,
      onCommit: (bytes, records) => this.intake.committed(bytes, records),
      onScanner: () => {},
    })
    this.intake = new Intake({
      arena,
      pool,
      owner,
      blocks: new BlockPool(options.blocks ?? 64, 4096),
      extents: this.extents,
      clock: this.clock,
      maxRecordBytes,
      lingerMs: 5,
      wake,
      onBackpressure: (paused) => {
        if (paused) this.pauses++
      },
    })
    this.#ingestor = new Ingestor(arena, {
      arena: arena.buffer,
      slabBytes,
      filters: [],
      sources: [{ name: 'rig', ring: ring.buffer, schema: builtinSpecs.any, maxRecordBytes, maxDepth: 64 }],
    })
    this.scheduler = new Scheduler({
      lines: [
        { name: 'rig', source: 0, intake: this.intake, extents: this.extents, ring, recordTimeoutMs: 1e9 },
      ],
      workers: this.#fakeWorkers(workerCount),
      arena,
      pool,
      owner: outputs,
      deadLetters: {
        healthy: true,
        write: (_source, lines) =>
          new Promise<void>((resolve) => {
            this.#writes.push({ lines: Buffer.from(lines).toString(), done: resolve })
          }),
      },
      clock: this.clock,
      events: {
        workerDied() {},
        recordKilledWorker() {},
        workersUnavailable() {},
        workersRecovered() {},
        recordsRejected() {},
      },
    })
  }

  #fakeWorkers(workerCount: number): WorkerPool {
    const fake = {
      workerCount,
      ingest: (_source: number, entry: number) =>
        new Promise((resolve) => {
          this.#tasks.push({ entry, done: resolve })
        }),
    }
    return fake as unknown as WorkerPool
  }

  get tasks(): number {
    return this.#tasks.length
  }

  get writes(): number {
    return this.#writes.length
  }

  get framesHeld(): number {
    return this.#taken.length + this.#reader.waiting
  }

  /** One of the tasks given out, not always the oldest, is done. */
  work(): void {
    const task = this.#pick(this.#tasks)
    if (task === undefined) return
    this.tasksDone++
    task.done(this.#ingestor.ingest(0, task.entry))
  }

  /** Some dead letters are on disk. */
  store(): void {
    const write = this.#pick(this.#writes)
    if (write === undefined) return
    for (const line of write.lines.trimEnd().split('\n')) {
      const letter = JSON.parse(line) as Letter & { peer: string; record_base64?: string }
      const { peer, record_base64: base64 } = letter
      listOf(this.letters, peer).push(
        base64 === undefined
          ? letter
          : Object.assign(letter, { record: Buffer.from(base64, 'base64').toString('latin1') }),
      )
    }
    write.done()
  }

  /** Reads what was committed, and settles one frame or another. */
  settle(): void {
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      this.frames++
      this.#read(frame)
      this.#taken.push(frame)
    }
    const frame = this.#pick(this.#taken)
    if (frame !== undefined) this.#reader.settle(frame)
  }

  #pick<T>(list: T[]): T | undefined {
    return list.splice(Math.floor(this.#random() * list.length), 1)[0]
  }

  #read(frame: Frame): void {
    const { words, bytes } = this.arena
    let run = 0
    for (let record = 0; record < frame.records; record++) {
      const word = recordWord(frame.region, frame.runs, record)
      const from = frame.bytesFrom + recordOffset(words[word]!)
      while (run + 1 < frame.runs && words[runWord(frame.region, run + 1) + RUN.FROM]! <= from) run++
      const peerWord = runWord(frame.region, run)
      const peerAt = (peerWord + RUN.PEER) << 2
      const peer = text(bytes, peerAt, peerAt + words[peerWord + RUN.PEER_BYTES]!)
      listOf(this.accepted, peer).push(text(bytes, from, from + recordLength(words[word + 1]!)))
    }
  }

  /** Everything that can go on goes on, until nothing is left to do. */
  async finish(): Promise<void> {
    let idleTurns = 0
    for (let turn = 0; idleTurns < 4; turn++) {
      if (turn > 20_000) throw new Error('it goes on for ever')
      this.clock.pass(10)
      const busy = this.tasks + this.writes + this.framesHeld > 0
      while (this.tasks > 0) this.work()
      while (this.writes > 0) this.store()
      do this.settle()
      while (this.#taken.length > 0)
      await turnOfLoop()
      idleTurns = busy || this.tasks + this.writes + this.framesHeld > 0 ? 0 : idleTurns + 1
    }
  }

  /** Slabs that are still out after everything has let go. */
  stop(): number {
    this.scheduler.stop()
    this.intake.stop()
    this.#tables.close()
    return this.pool.slabCount - this.pool.freeCount
  }
}

export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

export function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key)
  if (list === undefined) map.set(key, (list = []))
  return list
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.slice(from, to)).toString('latin1')
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
