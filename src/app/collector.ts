import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { systemClock } from '../base/clock.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { reasonOf, spwError } from '../base/errors.ts'
import type { SpillwayError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import type { FileIo } from '../base/file-io.ts'
import type { Ledger } from '../pipeline/ledger.ts'
import { TelemetryEvents } from '../telemetry/events.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ProcessMetrics } from '../telemetry/process-metrics.ts'
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts'
import { AdminServer } from './admin/server.ts'
import type { CollectorState, NotReady, Observed } from './admin/observed.ts'
import { controlHandlers } from './control/handlers.ts'
import { ControlServer } from './control/server.ts'
import { CONTROL_SOCKET } from './control/socket-path.ts'
import { memorySum } from './config/memory-sum.ts'
import type { MemorySum } from './config/memory-sum.ts'
import type { ResolvedConfig } from './config/root.ts'
import { lockDataDir } from './data-lock.ts'
import type { DataLock } from './data-lock.ts'
import { Inlet } from './inlet.ts'
import { JournalWatch } from './journal-watch.ts'
import { journalLeftBehind } from './journal-left-behind.ts'
import { Leftovers } from './leftovers.ts'
import { openFilesMax, openFilesWanted } from './open-files.ts'
import { countFoundLetters, restoreLedger } from './restore-ledger.ts'
import { observedTopology } from './observed-topology.ts'
import { CpuPinning } from './pinning/cpu-pinning.ts'
import { Topology } from './topology.ts'

export interface CollectorOptions {
  readonly logger: Logger
  readonly clock?: Clock
  /** From 0 to 1. */
  readonly random?: () => number
  /** Other worker code, for tests that need workers which die. */
  readonly workerFile?: string
  /** Another disk for the dead letters, for tests of one that fails. */
  readonly deadLetterIo?: FileIo
  /** Another disk for the journal. */
  readonly journalIo?: FileIo
}

/** What a clean stop did with what was still held. */
export interface StopReport {
  readonly delivered: number
  readonly undelivered: number
  /** Not delivered yet, and kept in the journal for the next start. */
  readonly kept: number
  /** Lost: still in memory because the disk of the dead letters failed to the end. */
  readonly held: number
  /** Lost: bytes that were taken, but not validated when the time was over. */
  readonly uncommittedBytes: number
}

const HEALTH_INTERVAL_MS = 100
const cryptoRandom = () => randomInt(2 ** 47) / 2 ** 47

/** One running collector: starts and stops the parts of a topology in the right order. */
export class Collector {
  readonly config: ResolvedConfig
  readonly topology: Topology
  readonly registry = new Registry()
  readonly events: TelemetryEvents
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #log: RateLimitedLog
  readonly #processMetrics: ProcessMetrics
  readonly admin: AdminServer
  #state: CollectorState = 'starting'
  #stopping: Promise<StopReport> | null = null
  /** What is held is delivered before the end. */
  #finishing = false
  /** Aborted half-way through `shutdown_timeout`: what is under way at the doors then is broken off and can still be delivered. */
  readonly #doorsDeadline = new AbortController()
  readonly #deadline = new AbortController()
  #deadlineTimers: readonly Timer[] = []
  readonly #inlets: ReadonlyMap<string, Inlet>
  #health: { clear(): void } | null = null
  readonly #startedAtMs: number
  /** The ceiling that the process keeps to. */
  readonly #memory: MemorySum
  readonly #control: ControlServer
  readonly #journalWatch: JournalWatch
  readonly #leftovers: Leftovers
  readonly #pinning: CpuPinning
  #lock: DataLock | null = null

  constructor(config: ResolvedConfig, options: CollectorOptions) {
    this.config = config
    this.#memory = memorySum(config)
    this.#logger = options.logger
    this.#clock = options.clock ?? systemClock
    this.#startedAtMs = this.#clock.now()
    this.#log = new RateLimitedLog({ logger: options.logger, clock: this.#clock })
    this.events = new TelemetryEvents({ registry: this.registry, log: this.#log, clock: this.#clock })
    this.topology = new Topology({
      config,
      clock: this.#clock,
      random: options.random ?? cryptoRandom,
      events: this.events,
      ...(options.workerFile === undefined ? undefined : { workerFile: options.workerFile }),
      ...(options.deadLetterIo === undefined ? undefined : { deadLetterIo: options.deadLetterIo }),
      ...(options.journalIo === undefined ? undefined : { journalIo: options.journalIo }),
    })
    this.#leftovers = new Leftovers(this.topology, this.#clock)
    this.#pinning = new CpuPinning({
      pinning: config.cpuPinning,
      workersMax: config.workers.max,
      workers: this.topology.workers,
      logger: options.logger,
    })
    this.#journalWatch = new JournalWatch(config.journal, this.topology, this.events)
    this.#control = new ControlServer({
      path: join(config.dataDir, CONTROL_SOCKET),
      handlers: controlHandlers(config, this.topology),
      onError: (error) =>
        this.#logger.error({ event: 'control_failed', error: String(error) }, 'control request failed'),
    })
    this.#inlets = new Map(
      this.topology.sources.flatMap(({ name, intake, config: { type } }) => {
        if (type === 'dlq') return []
        const framing = type === 'syslog' ? 'syslog-newline' : 'lines'
        return [[name, new Inlet({ name, intake, framing })]]
      }),
    )
    this.#processMetrics = new ProcessMetrics(this.registry, this.topology.gcPauses)
    this.admin = new AdminServer({
      listen: config.admin.listen,
      registry: this.registry,
      observed: this.#observed,
      onError: (error) =>
        this.#logger.error({ event: 'admin_failed', error: String(error) }, 'admin request failed'),
    })
  }

  get #observed(): Observed {
    const { topology } = this
    return {
      ...observedTopology(topology),
      version,
      memoryLimitBytes: this.#memory.totalBytes,
      state: () => this.#state,
      uptimeS: () => (this.#clock.now() - this.#startedAtMs) / 1000,
      notReady: () => this.notReady(),
      journal: () => this.#journalWatch.status(),
      replay: () => topology.replay.status,
      cpuPinning: () => this.#pinning.status(),
    }
  }

  get ledger(): Ledger {
    return this.topology.ledger
  }

  /** Where a source listens, once it was started. */
  address(source: string): string {
    const line = this.topology.sources.find(({ name }) => name === source)
    if (line === undefined) throw this.#unknownSource(source)
    return line.door.address
  }

  /** The way into a source for the program around the collector; throws SPW_ERR_SOURCE_UNKNOWN. */
  inlet(source: string): Inlet {
    const inlet = this.#inlets.get(source)
    if (inlet === undefined) throw this.#unknownSource(source)
    return inlet
  }

  #unknownSource(source: string): SpillwayError {
    const known = this.config.sources.map(({ name }) => name).join(', ')
    return spwError('SPW_ERR_SOURCE_UNKNOWN', { source, known })
  }

  /**
   * Resolves when the inputs of all sources have ended, rejects with a SpillwayError when one of them could not be read to
   * its end; never settles where a source goes on for ever.
   */
  inputsEnded(): Promise<void> {
    const forEver = new Promise<void>(() => {})
    return allDone(this.topology.sources.map(({ door }) => door.ended ?? forEver))
  }

  /** Resolves when every source takes work; rejects with a SpillwayError, everything stopped again, when one can't. */
  async start(): Promise<void> {
    const starting = new AbortController()
    const { deadLetters, journal, sinks, sources } = this.topology
    try {
      await makeDirectory(this.config.dataDir)
      this.#lock = await lockDataDir(this.config.dataDir)
      if (journal !== null) {
        await journal.open(() => restoreLedger(this.ledger, journal))
      }
      const { found } = this.ledger.dlq
      await deadLetters.start(() => countFoundLetters(this.ledger, found))
      await this.topology.quotas.open()
      await this.#pinning.start()
      await allDone(sinks.map(({ sink }) => sink.start(starting.signal)))
      for (const { dispatcher } of sinks) dispatcher.start()
      await allDone(sources.map(({ door }) => door.start(starting.signal)))
      await this.admin.start()
      await this.#control.start()
    } catch (error) {
      starting.abort()
      await this.stop()
      throw error
    }
    this.#watchHealth()
    this.#state = 'running'
    for (const inlet of this.#inlets.values()) inlet.open()
    const { items, totalBytes } = this.#memory
    this.#logger.info(
      {
        event: 'started',
        sources: Object.fromEntries(
          sources.filter(({ config }) => config.type !== 'dlq').map(({ name, door }) => [name, door.address]),
        ),
        sinks: sinks.map(({ config }) => config.name),
        admin: this.admin.address,
        workers: this.config.workers,
        memory_limit_bytes: totalBytes,
        memory: Object.fromEntries(items.map(({ what, bytes }) => [what, bytes])),
      },
      'spillway takes events',
    )
    if (journal === null) {
      this.#logger.warn(
        { event: 'memory_mode' },
        'the journal is in memory: events that were accepted and not yet delivered are lost if the process is killed',
      )
      if (await journalLeftBehind(this.config.dataDir)) this.events.journalLeftBehind()
    }
    this.#warnOfFewFiles()
  }

  #warnOfFewFiles(): void {
    const most = openFilesMax()
    const wanted = openFilesWanted(this.config)
    if (most >= wanted) return
    this.#logger.warn(
      { event: 'open_files_few', limit: most, wanted },
      'sources allow more connections than this process may have open: the system closes further ones unseen; raise its limit (ulimit -n) or lower max_connections',
    )
  }

  /** What is told of readiness: a slow or dead sink or a full arena don't count, what the operator must mend does. */
  notReady(): NotReady[] {
    const reasons: NotReady[] = []
    if (this.#state !== 'running') reasons.push({ component: 'collector', reason: `it is ${this.#state}` })
    if (!this.topology.deadLetters.healthy) {
      reasons.push({ component: 'dlq', reason: 'dead letters cannot be written: the disk fails or is full' })
    }
    if (this.topology.journal?.healthy === false) {
      reasons.push({ component: 'journal', reason: 'it cannot be written: the disk fails or is full' })
    }
    if (this.topology.journalFull) {
      reasons.push({ component: 'journal', reason: 'it is full (journal.max_bytes): sinks must catch up' })
    }
    if (!this.topology.scheduler.workersAvailable) {
      reasons.push({ component: 'workers', reason: 'worker threads cannot start' })
    }
    for (const { config, dispatcher } of this.topology.sinks) {
      const reason = dispatcher.waitingForOperator
      if (reason !== null) reasons.push({ component: `sinks.${config.name}`, reason })
    }
    return reasons
  }

  /** While what a client is told can't be made durable, or nothing can be validated, no source takes anything. */
  #watchHealth(): void {
    this.#journalWatch.look()
    const { sources } = this.topology
    const accepting = this.topology.refusal() === ''
    for (const { intake } of sources) intake.setAccepting(accepting)
    this.#health = this.#clock.setTimeout(() => this.#watchHealth(), HEALTH_INTERVAL_MS)
  }

  /**
   * A clean stop: sources take no more, what they took is validated and committed, all within `shutdown_timeout`. What is
   * held then stays in the journal; in memory mode sinks drain in that time, and what is left becomes dead letters. May be
   * called twice.
   */
  stop(): Promise<StopReport> {
    if (this.#stopping !== null) this.#stopFinishing()
    const stopped = this.finish()
    this.#finishing = false
    this.#setDeadlines()
    return stopped
  }

  /** Stops, delivers what is held within `shutdown_timeout`, and keeps the rest, or makes dead letters of it. */
  drain(): Promise<StopReport> {
    const stopped = this.finish()
    this.#setDeadlines()
    return stopped
  }

  #setDeadlines(): void {
    if (this.#deadlineTimers.length === 0 && this.#state !== 'stopped') {
      const { shutdownTimeoutMs } = this.config
      this.#deadlineTimers = [
        this.#clock.setTimeout(() => this.#doorsDeadline.abort(), shutdownTimeoutMs / 2),
        this.#clock.setTimeout(() => this.#deadline.abort(), shutdownTimeoutMs),
      ]
    }
  }

  /** From now on only what is under way is waited for, where the rest is kept. */
  #stopFinishing(): void {
    if (this.#finishing) this.#leftovers.leave(this.#deadline.signal)
  }

  /** Stops, and delivers what is held however long it takes; a `stop` meanwhile sets it a time. */
  finish(): Promise<StopReport> {
    if (this.#stopping === null) {
      this.#finishing = true
      this.#stopping = this.#stop()
    }
    return this.#stopping
  }

  async #stop(): Promise<StopReport> {
    const wasRunning = this.#state === 'running'
    const deliveredBefore = this.ledger.deliveredEvents()
    this.#state = 'draining'
    const { sources, sinks, scheduler, tables, workers, deadLetters, journal } = this.topology
    const { signal: deadline } = this.#deadline
    for (const inlet of this.#inlets.values()) inlet.close()
    await this.#control.stop()
    await Promise.all(sources.map(({ door }) => door.stop(this.#doorsDeadline.signal)))
    if (wasRunning) await this.#leftovers.commit(deadline)
    this.#health?.clear()
    const undelivered = await this.#leftovers.settle(deadline, this.#finishing)
    scheduler.stop()
    this.topology.scaling.stop()
    await this.topology.quotas.stop()
    await deadLetters.stop()
    await journal?.stop(deadline)
    const uncommittedBytes = sources.reduce((sum, { intake }) => sum + intake.uncommittedBytes, 0)
    for (const { intake } of sources) intake.stop()
    tables.close()
    for (const { decoded } of sources) decoded?.stop()
    await Promise.all(sinks.map(({ sink }) => sink.stop()))
    await workers.stop()
    await this.#pinning.stop()
    await this.admin.stop()
    this.#processMetrics.stop()
    const held = this.ledger.heldEvents()
    const report = {
      delivered: this.ledger.deliveredEvents() - deliveredBefore,
      undelivered,
      kept: journal === null ? 0 : held,
      held: journal === null ? held : 0,
      uncommittedBytes,
    }
    if (report.held > 0) this.events.heldLost(report.held)
    if (uncommittedBytes > 0) this.events.uncommittedLost(uncommittedBytes)
    if (wasRunning) this.events.shutdownDone(report.delivered, report.undelivered, report.kept)
    this.#log.flush()
    for (const timer of this.#deadlineTimers) timer.clear()
    await this.#lock?.release()
    this.#state = 'stopped'
    return report
  }
}

/** Resolves when all are done; rejects with the first failure, none of them under way any more. */
async function allDone(attempts: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(attempts)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o750 })
  } catch (error) {
    throw spwError('SPW_ERR_DATA_DIR_UNUSABLE', { path, reason: reasonOf(error) }, { cause: error })
  }
}
