import { reasonOf } from '../../base/errors.ts'
import { kernelThreadId } from '../../base/kernel-thread.ts'
import type { WorkerPool } from '../../pipeline/worker-pool.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { ResolvedConfig } from '../config/root.ts'
import { formatCpuList } from './cpu-list.ts'
import { readCpuPlaces } from './cpu-places.ts'
import { readHostCpus } from './host-cpus.ts'
import { autoPlan, explicitPlan } from './plan.ts'
import type { PinningPlan } from './plan.ts'
import { kernelThreadCpus } from './thread-cpus.ts'
import type { ThreadCpus } from './thread-cpus.ts'

export interface CpuPinningOptions {
  readonly pinning: ResolvedConfig['cpuPinning']
  readonly workersMax: number
  readonly workers: Pick<WorkerPool, 'onThread'>
  readonly logger: Logger
  /** Other threads, for tests. */
  readonly threadCpus?: ThreadCpus
  /** Where /proc and /sys are. */
  readonly root?: string
}

/** A thread and the CPUs that it may use, as the kernel says at this moment; `cpus` is a list such as `0-3,8`. */
export interface ThreadStatus {
  readonly tid: number
  readonly cpus: string
}

/** As `/status` shows it. */
export interface PinningStatus {
  readonly mode: 'off' | 'auto' | 'explicit'
  readonly reason: string
  /** Null where the system doesn't tell. */
  readonly main: ThreadStatus | null
  readonly workers: readonly ThreadStatus[]
  /** Threads of V8 and of libuv, which do what the others hand them, with all CPUs that any of them may use. */
  readonly others: { readonly threads: number; readonly cpus: string } | null
}

/**
 * Binds the main thread and the workers to their CPUs: those that are there at the start, and each that starts later, in
 * place of one that died or because the load asks for it.
 */
export class CpuPinning {
  readonly #options: CpuPinningOptions
  readonly #threadCpus: ThreadCpus
  readonly #main = kernelThreadId()
  #plan: PinningPlan = { main: null, workers: [], reason: 'nothing is bound' }
  /** CPUs that the main thread had before; null while it is not bound. */
  #before: readonly number[] | null = null
  /** Kernel ids of the workers, by their place in the plan; null: the place is free. */
  readonly #workers: (number | null)[] = []

  constructor(options: CpuPinningOptions) {
    this.#options = options
    this.#threadCpus = options.threadCpus ?? kernelThreadCpus
    options.workers.onThread((thread, gone) => this.#workerStarted(thread, gone))
  }

  /** Resolves when the threads that there are have been bound. Throws SPW_ERR_PINNING_FAILED where the configuration names CPUs. */
  async start(): Promise<void> {
    const { pinning, logger } = this.#options
    if (pinning === 'off') return
    this.#plan = this.#makePlan(pinning)
    try {
      await this.#bindMain()
    } catch (error) {
      if (pinning !== 'auto') throw error
      this.#plan = { main: null, workers: [], reason: `nothing is bound: ${reasonOf(error)}` }
      this.#warn(error)
      return
    }
    const { main, workers, reason } = this.#plan
    logger.info({ event: 'cpu_pinning', mode: this.#mode, main, workers: formatCpuList(workers) }, reason)
    await Promise.all(this.#workers.map((thread, place) => this.#bindWorker(thread, place)))
  }

  async #bindMain(): Promise<void> {
    const { main } = this.#plan
    if (main === null || this.#main === null) return
    const before = this.#threadCpus.cpusOf(this.#main)
    await this.#threadCpus.bind(this.#main, [main])
    this.#before = before
  }

  /** The main thread gets back what it had: it may be that of a program which goes on. May be called twice and before `start`. */
  async stop(): Promise<void> {
    const before = this.#before
    this.#before = null
    if (before !== null && this.#main !== null)
      await this.#threadCpus.bind(this.#main, before).catch((error: unknown) => this.#warn(error))
  }

  status(): PinningStatus {
    const workers = this.#workers.filter((thread) => thread !== null)
    const known = new Set([this.#main, ...workers])
    const others = this.#threadCpus.threads().filter((thread) => !known.has(thread))
    const cpus = others.flatMap((thread) => this.#threadCpus.cpusOf(thread) ?? [])
    return {
      mode: this.#mode,
      reason: this.#plan.reason,
      main: this.#statusOf(this.#main),
      workers: workers.flatMap((thread) => this.#statusOf(thread) ?? []),
      others: others.length === 0 ? null : { threads: others.length, cpus: formatCpuList(cpus) },
    }
  }

  #statusOf(thread: number | null): ThreadStatus | null {
    const cpus = thread === null ? null : this.#threadCpus.cpusOf(thread)
    return thread === null || cpus === null ? null : { tid: thread, cpus: formatCpuList(cpus) }
  }

  get #mode(): PinningStatus['mode'] {
    const { pinning } = this.#options
    return typeof pinning === 'string' ? pinning : 'explicit'
  }

  #makePlan(pinning: Exclude<ResolvedConfig['cpuPinning'], 'off'>): PinningPlan {
    const { workersMax, root } = this.#options
    if (pinning !== 'auto') return explicitPlan(pinning, workersMax)
    const host = readHostCpus(root)
    // The configuration was refused then.
    if (host === null) return this.#plan
    return autoPlan(host, readCpuPlaces(host.allowed, root), workersMax)
  }

  /** It gets the first place that is free: the CPUs of a pool that breathes are the best ones, not the last. */
  #workerStarted(thread: number, gone: Promise<void>): void {
    const free = this.#workers.indexOf(null)
    const place = free === -1 ? this.#workers.length : free
    this.#workers[place] = thread
    void gone.then(() => (this.#workers[place] = null))
    void this.#bindWorker(thread, place)
  }

  async #bindWorker(thread: number | null, place: number): Promise<void> {
    if (thread === null || this.#before === null) return
    const { workers } = this.#plan
    try {
      await this.#threadCpus.bind(thread, [workers[place % workers.length]!])
      await this.#releaseInherited()
    } catch (error) {
      // It may have ended meanwhile.
      if (this.#workers[place] === thread) this.#warn(error)
    }
  }

  /**
   * A thread begins on the CPUs of the one that starts it. V8 starts its threads before any code of ours runs and libuv
   * starts its own at the first disk access, before the main thread is bound; whatever came later, and is no worker, must
   * not share the main thread's CPU.
   */
  async #releaseInherited(): Promise<void> {
    const before = this.#before
    if (before === null) return
    const onMain = formatCpuList([this.#plan.main!])
    const inherited = this.#threadCpus.threads().filter((thread) => {
      const cpus = this.#threadCpus.cpusOf(thread)
      return (
        thread !== this.#main &&
        !this.#workers.includes(thread) &&
        cpus !== null &&
        formatCpuList(cpus) === onMain
      )
    })
    await Promise.all(inherited.map((thread) => this.#threadCpus.bind(thread, before)))
  }

  #warn(error: unknown): void {
    const message = 'threads run on any CPU: they could not be bound'
    this.#options.logger.warn({ event: 'cpu_pinning_failed', reason: reasonOf(error) }, message)
  }
}
