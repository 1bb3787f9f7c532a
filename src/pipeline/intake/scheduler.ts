import type { Clock, Timer } from '../../base/clock.ts'
import { reasonOf } from '../../base/errors.ts'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { Arena } from '../../memory/arena.ts'
import { STATE } from '../../memory/extent-ring.ts'
import type { ExtentRing } from '../../memory/extent-ring.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import { finishSeal } from '../../scan/seal.ts'
import type { RecordError } from '../../scan/worker-context.ts'
import { TASKS_PER_WORKER } from '../worker-pool.ts'
import type { WorkerPool } from '../worker-pool.ts'
import type { ExtentQueue } from './extent-queue.ts'
import type { Intake } from './intake.ts'

/** A source as the scheduler sees it. */
export interface IngestLine {
  readonly name: string
  readonly source: number
  readonly intake: Intake
  readonly extents: ExtentQueue
  readonly ring: ExtentRing
  readonly recordTimeoutMs: number
}

interface Task {
  readonly line: IngestLine
  readonly entry: number
  readonly output: number
  readonly controller: AbortController
  slowCount: number
  slowSinceMs: number
}

export interface SchedulerEvents {
  workerDied(reason: string): void
  recordKilledWorker(source: string): void
  workersUnavailable(reason: string): void
  workersRecovered(): void
  recordsRejected(source: string, count: number): void
}

const WATCH_INTERVAL_MS = 50
/** Tasks that failed before they began, in a row, after which workers count as unable to start. */
const STARTS_FAILED_MAX = 3
const RESTART_PAUSE_MS = 1000

/**
 * Gives extents to workers: as many at once as the workers can have, each with an output slab for its dead letters in
 * hand, sources in turn. While all workers are busy nothing is cut, so extents grow with the load.
 */
export class Scheduler {
  readonly #lines: readonly IngestLine[]
  readonly #workers: WorkerPool
  readonly #arena: Arena
  readonly #pool: SlabPool
  readonly #owner: SlabOwner
  readonly #deadLetters: DeadLetters
  readonly #clock: Clock
  readonly #events: SchedulerEvents
  readonly #tasks = new Set<Task>()
  /** Output slabs in hand. */
  readonly #outputs: number[] = []
  #turn = 0
  #waking = false
  #stopped = false
  #startsFailed = 0
  #pausedUntilMs = 0
  #watch: Timer | null = null

  constructor(options: {
    lines: readonly IngestLine[]
    workers: WorkerPool
    arena: Arena
    pool: SlabPool
    owner: SlabOwner
    deadLetters: DeadLetters
    clock: Clock
    events: SchedulerEvents
  }) {
    this.#lines = options.lines
    this.#workers = options.workers
    this.#arena = options.arena
    this.#pool = options.pool
    this.#owner = options.owner
    this.#deadLetters = options.deadLetters
    this.#clock = options.clock
    this.#events = options.events
    options.pool.onFree(() => this.wake())
  }

  /** False while workers can't start at all. */
  get workersAvailable(): boolean {
    return this.#startsFailed < STARTS_FAILED_MAX
  }

  get tasksInFlight(): number {
    return this.#tasks.size
  }

  /** There may be work. */
  wake(): void {
    if (this.#waking || this.#stopped) return
    this.#waking = true
    while (this.#tasks.size < this.#workers.workerCount * TASKS_PER_WORKER && this.#dispatchOne());
    this.#waking = false
  }

  #dispatchOne(): boolean {
    if (this.#pausedUntilMs > this.#clock.now()) return false
    const workerIdle = this.#tasks.size < this.#workers.workerCount
    const line = this.#nextLine(workerIdle)
    if (line === null) return false
    const output = this.#outputs.pop() ?? this.#pool.acquire(this.#owner)
    if (output === -1) return false
    if (!line.extents.hasReady) line.intake.offerWork(workerIdle)
    const entry = line.extents.takeReady()
    if (entry === -1) {
      this.#putBack(output)
      // Others may have work where it lacks space; else its ring is full.
      return line.extents.waitsForSpace
    }
    void this.#run(line, entry, output)
    return true
  }

  /** The sources in turn: the next one that has work. */
  #nextLine(workerIdle: boolean): IngestLine | null {
    for (let i = 0; i < this.#lines.length; i++) {
      const line = this.#lines[(this.#turn + i) % this.#lines.length]!
      if (!line.extents.hasReady && !line.intake.hasWork(workerIdle)) continue
      this.#turn = (this.#turn + i + 1) % this.#lines.length
      return line
    }
    return null
  }

  #putBack(output: number): void {
    if (this.#outputs.length < this.#owner.reserved && !this.#stopped) this.#outputs.push(output)
    else this.#pool.release(output)
  }

  async #run(line: IngestLine, entry: number, output: number): Promise<void> {
    const outputStart = this.#arena.slabStart(output)
    line.extents.setOutput(entry, outputStart, outputStart + this.#arena.slabBytes)
    const task = { line, entry, output, controller: new AbortController(), slowCount: -1, slowSinceMs: 0 }
    this.#tasks.add(task)
    this.#watch ??= this.#clock.setTimeout(() => this.#lookForStalls(), WATCH_INTERVAL_MS)
    let errors: RecordError[] | undefined
    try {
      errors = await this.#workers.ingest(line.source, entry, task.controller)
    } catch (error) {
      await this.#failed(task, reasonOf(error))
      this.wake()
      return
    }
    this.#tasks.delete(task)
    this.#begun()
    this.#done(task, errors)
    this.wake()
  }

  #begun(): void {
    if (!this.workersAvailable) this.#events.workersRecovered()
    this.#startsFailed = 0
  }

  #done(task: Task, errors: RecordError[] | undefined): void {
    const { line, entry, output } = task
    const { bytes, count } = line.extents.deadLetters(entry)
    if (count === 0) {
      this.#putBack(output)
      line.extents.settled(entry, errors)
      return
    }
    this.#events.recordsRejected(line.name, count)
    void this.#store(task, bytes, count, errors)
  }

  /** The extent is settled once its dead letters are on disk. */
  async #store(task: Task, bytes: number, count: number, errors: RecordError[] | undefined): Promise<void> {
    const { line, entry, output } = task
    const start = this.#arena.slabStart(output)
    try {
      await this.#deadLetters.write(line.name, this.#arena.bytes.subarray(start, start + bytes), count)
    } catch {
      // Only when the collector stops with a failing disk: these were never acknowledged.
      this.#putBack(output)
      return
    }
    line.extents.countRejected(entry)
    this.#putBack(output)
    line.extents.settled(entry, errors)
    this.wake()
  }

  async #failed(task: Task, reason: string): Promise<void> {
    const { line, entry, output } = task
    await this.#workers.threadsGone()
    this.#tasks.delete(task)
    if (this.#stopped) return
    // Its answers stood, only its bytes were not all tidied.
    if (line.ring.state(entry) === STATE.SEALING) finishSeal(this.#arena, line.ring, entry)
    const state = line.ring.state(entry)
    if (state === STATE.DONE) {
      // It died on the next one: this one's answer is complete.
      this.#done(task, undefined)
      return
    }
    this.#putBack(output)
    if (state === STATE.READY) {
      this.#startsFailed++
      if (this.#startsFailed >= STARTS_FAILED_MAX) {
        if (this.#startsFailed === STARTS_FAILED_MAX) this.#events.workersUnavailable(reason)
        this.#pausedUntilMs = this.#clock.now() + RESTART_PAUSE_MS
        this.#clock.setTimeout(() => this.wake(), RESTART_PAUSE_MS)
      }
    } else {
      this.#begun()
      this.#events.workerDied(reason)
    }
    if (line.extents.failed(entry) === 'condemned') this.#events.recordKilledWorker(line.name)
  }

  /** Ends workers that stand still on one record for longer than the source allows. */
  #lookForStalls(): void {
    this.#watch = null
    const now = this.#clock.now()
    for (const task of this.#tasks) {
      const { ring, recordTimeoutMs } = task.line
      const count =
        ring.state(task.entry) === STATE.WORKING && ring.slowRecord(task.entry) !== 0
          ? ring.slowCount(task.entry)
          : -1
      if (count === -1 || count !== task.slowCount) {
        task.slowCount = count
        task.slowSinceMs = now
      } else if (now - task.slowSinceMs >= recordTimeoutMs) {
        task.controller.abort()
      }
    }
    if (this.#tasks.size > 0)
      this.#watch = this.#clock.setTimeout(() => this.#lookForStalls(), WATCH_INTERVAL_MS)
  }

  stop(): void {
    this.#stopped = true
    this.#watch?.clear()
    for (const output of this.#outputs) this.#pool.release(output)
    this.#outputs.length = 0
  }
}
