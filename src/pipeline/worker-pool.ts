import { Piscina } from 'piscina'
import type { EncodeResult, EncodeTask } from '../encode/task.ts'
import type { RecordError, WorkerContext } from '../scan/worker-context.ts'
import type * as Tasks from '../../workers/tasks.ts'
import type { Encoder } from './encoder.ts'

/** Tasks that a worker has at once: while it does one, the next is there already. */
export const TASKS_PER_WORKER = 2

export interface WorkerPoolOptions {
  readonly workerCount: number
  readonly context: WorkerContext
  readonly oldSpaceMiB: number
  readonly youngSpaceMiB: number
  /** Other worker code, for tests that need workers which die. */
  readonly filename?: string
}

/** The Piscina pool, with every option said. Its queue is never used: the scheduler knows how many tasks it may give. */
export class WorkerPool implements Encoder {
  readonly workerCount: number
  readonly #piscina: Piscina
  readonly #running = new Set<AbortController>()
  readonly #leaving = new Set<Promise<void>>()
  readonly #known = new WeakSet<object>()

  constructor(options: WorkerPoolOptions) {
    this.workerCount = options.workerCount
    // In a checkout the workers are .ts files, in the published package .js files.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#piscina = new Piscina({
      filename: options.filename ?? new URL(`../../workers/tasks.${extension}`, import.meta.url).href,
      name: 'ingest',
      minThreads: options.workerCount,
      maxThreads: options.workerCount,
      idleTimeout: Infinity,
      maxQueue: options.workerCount * TASKS_PER_WORKER * 2,
      concurrentTasksPerWorker: TASKS_PER_WORKER,
      atomics: 'async',
      resourceLimits: {
        maxOldGenerationSizeMb: options.oldSpaceMiB,
        maxYoungGenerationSizeMb: options.youngSpaceMiB,
      },
      workerData: options.context,
      argv: [],
      execArgv: [],
      niceIncrement: 0,
      trackUnmanagedFds: true,
      closeTimeout: 5000,
      recordTiming: false,
      workerHistogram: false,
    })
    // A worker that dies with tasks rejects them. One that dies as it starts leaves its tasks in the pool's queue, for
    // no one: they are taken back.
    this.#piscina.on('error', (error: Error) => {
      if (this.#piscina.threads.length > 0) return
      for (const controller of this.#running) controller.abort(error)
    })
    this.#piscina.on('workerCreate', () => this.#watchThreads())
    this.#watchThreads()
  }

  /** Rejects when the worker died with the task, or `controller` was aborted: that ends the worker. */
  ingest(source: number, entry: number, controller: AbortController): Promise<RecordError[] | undefined> {
    return this.#run('ingest', { source, entry }, controller)
  }

  encode(task: EncodeTask): Promise<EncodeResult> {
    return this.#run('encode', task, new AbortController())
  }

  async #run<Name extends keyof typeof Tasks>(
    name: Name,
    task: Parameters<(typeof Tasks)[Name]>[0],
    controller: AbortController,
  ): Promise<ReturnType<(typeof Tasks)[Name]>> {
    this.#running.add(controller)
    try {
      return await this.#piscina.run(task, { name, signal: controller.signal })
    } finally {
      this.#running.delete(controller)
    }
  }

  /** Resolves when the threads that the pool has given up are gone: until then they may write to their slabs. */
  async threadsGone(): Promise<void> {
    await Promise.all(this.#leaving)
  }

  async stop(): Promise<void> {
    await this.#piscina.destroy()
    await this.threadsGone()
  }

  #watchThreads(): void {
    for (const thread of this.#piscina.threads) {
      if (this.#known.has(thread)) continue
      this.#known.add(thread)
      const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
      const alive = () => this.#piscina.threads.includes(thread)
      const leaving: Promise<void> = gone.then(() => void this.#leaving.delete(leaving))
      this.#watched.push({ alive, leaving })
    }
  }

  #watched: { alive: () => boolean; leaving: Promise<void> }[] = []

  /** After a task failed: which threads are on their way out. */
  noteFailure(): void {
    this.#watchThreads()
    this.#watched = this.#watched.filter(({ alive, leaving }) => {
      if (alive()) return true
      this.#leaving.add(leaving)
      return false
    })
  }
}
