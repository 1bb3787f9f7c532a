import type { Clock, Timer } from '../../base/clock.ts'
import { reasonOf } from '../../base/errors.ts'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { Arena } from '../../memory/arena.ts'
import { STATE } from '../../memory/extent-ring.ts'
import type { ExtentRing } from '../../memory/extent-ring.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import { finishSeal } from '../../scan/seal.ts'
import type { ExtentErrors } from '../../scan/worker-context.ts'
import { TASKS_PER_WORKER } from '../worker-pool.ts'
import type { WorkerPool } from '../worker-pool.ts'
import type { ExtentQueue } from './extent-queue.ts'
import type { Intake } from './intake.ts'
import type { Taker } from './worth-cutting.ts'

/** A source as the scheduler sees it. */
export interface IngestLine {
  readonly name: string
  readonly source: number
  readonly intake: Intake
  readonly extents: ExtentQueue
  readonly ring: ExtentRing
  readonly recordTimeoutMs: number
}

/** An extent that a worker has, with a slab for its dead letters. */
interface Share {
  readonly line: IngestLine
  readonly entry: number
  readonly output: number
  slowCount: number
  slowSinceMs: number
}

/** What a worker is given at once: an extent and, where that wakes an idle worker, small ones of other sources. */
interface Task {
  readonly shares: readonly Share[]
  readonly controller: AbortController
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
const HELD_BACK_LOOK_MS = 20
/** Extents of one task. */
const SHARES_MAX = 16

/**
 * Gives extents to workers: as many tasks at once as the workers can have, each extent with an output slab for its dead
 * letters in hand, sources in turn. While all workers are busy nothing is cut, so extents grow with the load; when an
 * idle one is woken, what little the other sources have goes along, for of a trickle it is the waking that costs.
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
  readonly #holdsBack: () => boolean
  readonly #tasks = new Set<Task>()
  /** Output slabs in hand. */
  readonly #outputs: number[] = []
  #turn = 0
  #waking = false
  #stopped = false
  #startsFailed = 0
  #pausedUntilMs = 0
  #restart: Timer | null = null
  #watch: Timer | null = null
  #heldBack: Timer | null = null

  /** `holdsBack`: true while the log wants no more, for a moment; what is freed meanwhile wakes it as well. */
  constructor(options: {
    lines: readonly IngestLine[]
    workers: WorkerPool
    arena: Arena
    pool: SlabPool
    owner: SlabOwner
    deadLetters: DeadLetters
    clock: Clock
    events: SchedulerEvents
    holdsBack: () => boolean
  }) {
    this.#lines = options.lines
    this.#workers = options.workers
    this.#arena = options.arena
    this.#pool = options.pool
    this.#owner = options.owner
    this.#deadLetters = options.deadLetters
    this.#clock = options.clock
    this.#events = options.events
    this.#holdsBack = options.holdsBack
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
    if (this.#holdsBack()) {
      this.#heldBack ??= this.#clock.setTimeout(() => {
        this.#heldBack = null
        this.wake()
      }, HELD_BACK_LOOK_MS)
      return
    }
    this.#waking = true
    while (this.#tasks.size < this.#workers.workerCount * TASKS_PER_WORKER && this.#dispatchOne());
    this.#waking = false
  }

  #dispatchOne(): boolean {
    if (this.#pausedUntilMs > this.#clock.now()) return false
    const taker = this.#tasks.size < this.#workers.workerCount ? 'idle' : 'busy'
    const line = this.#nextLine(taker)
    if (line === null) return false
    const output = this.#takeOutput()
    if (output === -1) return false
    const first = this.#shareOf(line, taker, output)
    // Others may have work where it lacks space; else its ring is full.
    if (first === null) return line.extents.waitsForSpace
    void this.#run(taker === 'idle' ? [first, ...this.#along()] : [first])
    return true
  }

  /** The sources in turn: the next one that has work. */
  #nextLine(taker: Taker): IngestLine | null {
    for (let i = 0; i < this.#lines.length; i++) {
      const line = this.#lines[(this.#turn + i) % this.#lines.length]!
      if (!line.extents.hasReady && !line.intake.hasWork(taker)) continue
      this.#turn = (this.#turn + i + 1) % this.#lines.length
      return line
    }
    return null
  }

  /** What is small, of the sources that have nothing larger. */
  #along(): Share[] {
    const shares: Share[] = []
    for (const line of this.#lines) {
      if (line.extents.hasReady || !line.intake.hasWork('along')) continue
      const output = this.#takeOutput()
      const share = output === -1 ? null : this.#shareOf(line, 'along', output)
      if (share !== null) shares.push(share)
      if (output === -1 || shares.length === SHARES_MAX - 1) break
    }
    return shares
  }

  /** The next extent of a source; null when there is none after all: the output slab is put back. */
  #shareOf(line: IngestLine, taker: Taker, output: number): Share | null {
    if (!line.extents.hasReady) line.intake.offerWork(taker)
    const entry = line.extents.takeReady()
    if (entry === -1) {
      this.#putBack(output)
      return null
    }
    const start = this.#arena.slabStart(output)
    line.extents.setOutput(entry, start, start + this.#arena.slabBytes)
    return { line, entry, output, slowCount: -1, slowSinceMs: 0 }
  }

  /** A slab for dead letters, or -1. */
  #takeOutput(): number {
    return this.#outputs.pop() ?? this.#pool.acquire(this.#owner)
  }

  #putBack(output: number): void {
    if (this.#outputs.length < this.#owner.reserved && !this.#stopped) this.#outputs.push(output)
    else this.#pool.release(output)
  }

  async #run(shares: readonly Share[]): Promise<void> {
    const task = { shares, controller: new AbortController() }
    this.#tasks.add(task)
    this.#watch ??= this.#clock.setTimeout(() => this.#lookForStalls(), WATCH_INTERVAL_MS)
    let errors: ExtentErrors[]
    try {
      errors = await this.#workers.ingest(
        shares.map(({ line, entry }) => ({ source: line.source, entry })),
        task.controller,
      )
    } catch (error) {
      await this.#failed(task, reasonOf(error))
      this.wake()
      return
    }
    this.#tasks.delete(task)
    this.#begun()
    shares.forEach((share, index) => this.#done(share, errors[index]))
    this.wake()
  }

  #begun(): void {
    if (!this.workersAvailable) this.#events.workersRecovered()
    this.#startsFailed = 0
  }

  #done(share: Share, errors: ExtentErrors): void {
    const { line, entry, output } = share
    const { bytes, count } = line.extents.deadLetters(entry)
    if (count === 0) {
      this.#putBack(output)
      line.extents.settled(entry, errors)
      return
    }
    this.#events.recordsRejected(line.name, count)
    void this.#store(share, bytes, count, errors)
  }

  /** The extent is settled once its dead letters are on disk. */
  async #store(share: Share, bytes: number, count: number, errors: ExtentErrors): Promise<void> {
    const { line, entry, output } = share
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
    await this.#workers.threadsGone()
    this.#tasks.delete(task)
    if (this.#stopped) return
    const states = task.shares.map(({ line, entry }) => this.#tidied(line, entry))
    if (states.every((state) => state === STATE.READY)) this.#startFailed(reason)
    else this.#begun()
    if (states.some((state) => state !== STATE.READY && state !== STATE.DONE)) this.#events.workerDied(reason)
    task.shares.forEach((share, index) => {
      // It died on a later one: this one's answer is complete.
      if (states[index] === STATE.DONE) this.#done(share, undefined)
      else {
        this.#putBack(share.output)
        const { line, entry } = share
        if (line.extents.failed(entry) === 'condemned') this.#events.recordKilledWorker(line.name)
      }
    })
  }

  /** The state of an entry whose worker is gone. */
  #tidied({ ring }: IngestLine, entry: number): number {
    // Its answers stood, only its bytes were not all tidied.
    if (ring.state(entry) === STATE.SEALING) finishSeal(this.#arena, ring, entry)
    return ring.state(entry)
  }

  #startFailed(reason: string): void {
    this.#startsFailed++
    if (this.#startsFailed < STARTS_FAILED_MAX) return
    if (this.#startsFailed === STARTS_FAILED_MAX) this.#events.workersUnavailable(reason)
    this.#pausedUntilMs = this.#clock.now() + RESTART_PAUSE_MS
    this.#restart?.clear()
    this.#restart = this.#clock.setTimeout(() => this.wake(), RESTART_PAUSE_MS)
  }

  /** Ends workers that stand still on one record for longer than the source allows. */
  #lookForStalls(): void {
    this.#watch = null
    const now = this.#clock.now()
    for (const { shares, controller } of this.#tasks) {
      if (shares.some((share) => standsStill(share, now))) controller.abort()
    }
    if (this.#tasks.size > 0)
      this.#watch = this.#clock.setTimeout(() => this.#lookForStalls(), WATCH_INTERVAL_MS)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of [this.#watch, this.#heldBack, this.#restart]) timer?.clear()
    for (const output of this.#outputs) this.#pool.release(output)
    this.#outputs.length = 0
  }
}

/** True when a worker is on the same record as it was `recordTimeoutMs` ago. */
function standsStill(share: Share, now: number): boolean {
  const { ring, recordTimeoutMs } = share.line
  const { entry } = share
  const slow = ring.state(entry) === STATE.WORKING && ring.slowRecord(entry) !== 0
  const count = slow ? ring.slowCount(entry) : -1
  if (slow && count === share.slowCount) return now - share.slowSinceMs >= recordTimeoutMs
  share.slowCount = count
  share.slowSinceMs = now
  return false
}
