import type { Clock, Timer } from '../base/clock.ts'
import { TASKS_PER_WORKER } from './worker-pool.ts'
import type { WorkerPool } from './worker-pool.ts'

const LOOK_MS = 50
/** Looks in a row at which the workers were behind, until there are more of them: one long extent is no spike. */
const LOOKS_BEHIND = 3
/** How often a pool that is idle is looked at, until it is as small as it gets. */
const IDLE_LOOK_MS = 1000

/** A source, as far as the number of workers depends on it. */
export interface ScalingLine {
  readonly name: string
  readonly extents: {
    /** Cut and not committed. */
    readonly depth: number
    /** Of these, what a worker could be given now. */
    readonly waiting: number
  }
}

export interface ScalingEvents {
  workersScaled(from: number, to: number, cause: string): void
}

export interface WorkerScalingOptions {
  readonly workers: Pick<
    WorkerPool,
    'workerCount' | 'threads' | 'tasks' | 'allow' | 'onTask' | 'idleTimeoutMs'
  >
  readonly min: number
  readonly max: number
  readonly lines: readonly ScalingLine[]
  readonly ringEntries: number
  readonly clock: Clock
  readonly events: Partial<ScalingEvents>
  /** More tasks may be given. */
  readonly wake: () => void
}

/**
 * How many worker threads there may be, from `workers.min` to `workers.max`. More, as soon as extents have waited in the
 * rings for a few looks, or tasks of sinks in the pool, one for each worker or more: one for each that waits, so that a
 * spike gets all it can use in one step. Piscina starts a thread when a task finds none free, and ends one that was idle
 * for long; then there may be fewer. So the number grows within a fraction of a second, shrinks after half a minute, and
 * a steady load, whose threads are never idle for that long, changes nothing.
 */
export class WorkerScaling {
  readonly #options: WorkerScalingOptions
  #looksBehind = 0
  /** Since when there are fewer threads than there may be; Infinity while there are not. */
  #fewerSinceMs = Infinity
  #timer: Timer | null = null
  #stopped = false

  constructor(options: WorkerScalingOptions) {
    this.#options = options
    if (options.min === options.max) return
    options.workers.onTask(() => {
      if (this.#timer === null) this.#watch()
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.clear()
    this.#timer = null
  }

  #watch(): void {
    const { workers, min, clock } = this.#options
    this.#timer = null
    if (this.#stopped || (workers.tasks === 0 && workers.workerCount === min)) return
    const delayMs = workers.tasks === 0 ? IDLE_LOOK_MS : LOOK_MS
    this.#timer = clock.setTimeout(() => this.#look(), delayMs)
  }

  #look(): void {
    const { workers, max, lines } = this.#options
    const extentsWaiting = lines.reduce((sum, { extents }) => sum + extents.waiting, 0)
    // The scheduler gives no more than that: these are a sink's, that has much to encode.
    const tasksWaiting = Math.max(0, workers.tasks - workers.workerCount * TASKS_PER_WORKER)
    const waiting = extentsWaiting + tasksWaiting
    this.#looksBehind = waiting >= workers.workerCount ? this.#looksBehind + 1 : 0
    if (this.#looksBehind >= LOOKS_BEHIND && workers.workerCount < max) {
      const cause = extentsWaiting >= tasksWaiting ? this.#ringDepth() : `${workers.tasks} tasks to do`
      this.#scale(Math.min(max, workers.workerCount + waiting), cause)
    } else if (this.#looksBehind === 0) this.#followThreads()
    this.#watch()
  }

  /** A thread that died is replaced when the next task comes; one that was idle is not. */
  #followThreads(): void {
    const { workers, min, clock } = this.#options
    const now = clock.now()
    if (workers.threads >= workers.workerCount) this.#fewerSinceMs = Infinity
    else if (this.#fewerSinceMs === Infinity) this.#fewerSinceMs = now
    if (now - this.#fewerSinceMs < IDLE_LOOK_MS) return
    this.#scale(Math.max(min, workers.threads), `idle for ${workers.idleTimeoutMs / 1000} s`)
  }

  #scale(to: number, cause: string): void {
    const { workers, events, wake } = this.#options
    const from = workers.workerCount
    this.#looksBehind = 0
    this.#fewerSinceMs = Infinity
    if (to === from) return
    workers.allow(to)
    events.workersScaled?.(from, to, cause)
    wake()
  }

  #ringDepth(): string {
    const { lines, ringEntries } = this.#options
    const deepest = lines.reduce((most, line) => (line.extents.depth > most.extents.depth ? line : most))
    return `ring depth ${deepest.extents.depth} of ${ringEntries} of source ${deepest.name}`
  }
}
