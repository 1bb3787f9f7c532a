import { Piscina } from 'piscina'
import type { ThreadNotice } from '../base/kernel-thread.ts'
import type { EncodeResult, EncodeTask } from '../encode/task.ts'
import type { EventGroup, GroupTask } from '../scan/group.ts'
import type { ExtentErrors, WorkerContext } from '../scan/worker-context.ts'
import type * as Tasks from '../../workers/tasks.ts'
import type { Encoder, Grouper } from './encoder.ts'

/** A thread beyond the least that had no task for so long ends. */
const IDLE_TIMEOUT_MS = 30_000

/** Tasks that a worker has at once: while it does one, the next is there already. */
export const TASKS_PER_WORKER = 2

export interface WorkerPoolOptions {
  /** Threads that are always there, and that there are at most. */
  readonly workers: { readonly min: number; readonly max: number }
  readonly idleTimeoutMs?: number
  readonly context: WorkerContext
  readonly oldSpaceMiB: number
  readonly youngSpaceMiB: number
  /** Other worker code, for tests that need workers which die. */
  readonly filename?: string
}

/** The Piscina pool, with every option said. Its queue is short: neither sources nor sinks give more. */
export class WorkerPool implements Encoder, Grouper {
  /** When a thread that is not needed ends. */
  readonly idleTimeoutMs: number
  readonly #piscina: Piscina
  readonly #running = new Set<AbortController>()
  /** Tasks of sinks that are given ... */
  #ofSinks = 0
  /** ... and those that wait for one of them to be done: no more than sinks have output slabs, and frames to tell apart. */
  readonly #waiting: (() => void)[] = []
  /** Threads that have not ended, and the moment when they will have. */
  readonly #threads = new Map<object, Promise<void>>()
  #onTask = (): void => {}
  #onThread: (kernelThread: number, gone: Promise<void>) => void = () => {}

  constructor(options: WorkerPoolOptions) {
    const { min, max } = options.workers
    this.idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS
    // In a checkout the workers are .ts files, in the published package .js files.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#piscina = new Piscina({
      filename: options.filename ?? new URL(`../../workers/tasks.${extension}`, import.meta.url).href,
      name: 'ingest',
      minThreads: min,
      maxThreads: max,
      idleTimeout: min === max ? Infinity : this.idleTimeoutMs,
      // As many of sources as of sinks. Piscina doesn't count tasks that can be aborted, which are all: they see to it themselves.
      maxQueue: max * TASKS_PER_WORKER * 2,
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
    this.#piscina.on('message', (notice: ThreadNotice) => this.#threadStarted(notice))
    this.#watchThreads()
    this.allow(min)
  }

  /** Threads that there may be now. */
  get workerCount(): number {
    return this.#piscina.maxThreads
  }

  /** Threads that there are, those that are starting among them. */
  get threads(): number {
    return this.#piscina.threads.length
  }

  /** Tasks given and not done. */
  get tasks(): number {
    return this.#running.size + this.#waiting.length
  }

  /**
   * How many threads there may be from now on, from the least to the most. Piscina reads its options anew whenever a task
   * finds no thread free, and starts one while there are fewer than this. If it kept a copy of them, a task that waits
   * would be enough for it to start one, up to the most.
   */
  allow(workerCount: number): void {
    this.#piscina.options.maxThreads = workerCount
    while (this.#waiting.length > 0 && this.#ofSinks < this.#ofSinksMax) {
      this.#ofSinks++
      this.#waiting.shift()!()
    }
  }

  /** `callback` is called whenever a task is given. */
  onTask(callback: () => void): void {
    this.#onTask = callback
  }

  /**
   * `callback` is called for each thread that has started, with the kernel's id of it, and what resolves when it has ended.
   * Where the kernel's ids are not known (other systems than Linux) it never is.
   */
  onThread(callback: (kernelThread: number, gone: Promise<void>) => void): void {
    this.#onThread = callback
  }

  /**
   * Extents for one worker, one after another. Rejects when the worker died with one of them, or `controller` was aborted:
   * that ends the worker.
   */
  ingest(extents: Tasks.IngestTask, controller: AbortController): Promise<ExtentErrors[]> {
    return this.#run('ingest', extents, controller)
  }

  encode(task: EncodeTask): Promise<EncodeResult> {
    return this.#runForSink('encode', task)
  }

  group(task: GroupTask): Promise<EventGroup[]> {
    return this.#runForSink('group', task)
  }

  get #ofSinksMax(): number {
    return this.workerCount * TASKS_PER_WORKER
  }

  /** Sinks have as many tasks at once as the sources may: a source's next does not stand behind all that is to be encoded. */
  async #runForSink<Name extends 'encode' | 'group'>(
    name: Name,
    task: Parameters<(typeof Tasks)[Name]>[0],
  ): Promise<ReturnType<(typeof Tasks)[Name]>> {
    if (this.#ofSinks < this.#ofSinksMax) this.#ofSinks++
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    try {
      return await this.#run(name, task, new AbortController())
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#ofSinks--
      else next()
    }
  }

  async #run<Name extends keyof typeof Tasks>(
    name: Name,
    task: Parameters<(typeof Tasks)[Name]>[0],
    controller: AbortController,
  ): Promise<ReturnType<(typeof Tasks)[Name]>> {
    this.#running.add(controller)
    this.#onTask()
    try {
      return await this.#piscina.run(task, { name, signal: controller.signal })
    } finally {
      this.#running.delete(controller)
    }
  }

  /** Resolves when the threads that the pool has given up are gone: until then they may write to their slabs. */
  async threadsGone(): Promise<void> {
    const alive = new Set<object>(this.#piscina.threads)
    const leaving = [...this.#threads].filter(([thread]) => !alive.has(thread))
    await Promise.all(leaving.map(([, gone]) => gone))
  }

  async stop(): Promise<void> {
    await this.#piscina.destroy()
    await this.threadsGone()
  }

  #threadStarted({ threadId, kernelThread }: ThreadNotice): void {
    this.#watchThreads()
    for (const [thread, gone] of this.#threads) {
      if ('threadId' in thread && thread.threadId === threadId && kernelThread !== null)
        this.#onThread(kernelThread, gone)
    }
  }

  #watchThreads(): void {
    for (const thread of this.#piscina.threads) {
      if (this.#threads.has(thread)) continue
      const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
      this.#threads.set(
        thread,
        gone.then(() => void this.#threads.delete(thread)),
      )
    }
  }
}
