import { isUint8Array } from 'node:util/types'
import { spwError } from '../base/errors.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Collector } from './collector.ts'
import type { StopReport } from './collector.ts'
import { checkConfig } from './config/load.ts'
import type { LoadedConfig } from './config/load.ts'
import type { CollectorConfig } from './config/written.ts'
import { statsOf } from './stats.ts'
import type { CollectorStats } from './stats.ts'

export interface CreateOptions {
  /**
   * Where the collector tells what happens: a logger, such as one of pino or `createLogger`, or a level of JSON lines on
   * standard error. The default is `silent`; what is lost or refused is counted in `stats()` all the same.
   */
  readonly logger?: Logger | 'silent' | 'error' | 'warn' | 'info' | 'debug' | undefined
}

/**
 * A collector inside this program: from `createCollector`. It goes on, and keeps the process alive, from `start` to
 * `stop`; it hears no signals and ends no process. There may be several, each with a `data_dir` of its own.
 */
export interface EmbeddedCollector {
  /**
   * Resolves when every source takes events. May be called again, with the same result; not after `stop`.
   *
   * @throws SpillwayError what can't be used (an address, a directory), everything stopped again;
   *   SPW_ERR_COLLECTOR_STOPPED after `stop`.
   */
  start(): Promise<void>

  /**
   * Takes no more, and delivers what is held within `shutdown_timeout`; the rest is kept in the journal for the next
   * start, or, with `journal: { mode: 'memory' }`, becomes dead letters. What was enqueued before is in the report or was
   * delivered earlier. May be called twice, and without `start`: the memory and the worker
   * threads are there from `createCollector` on.
   */
  stop(): Promise<StopReport>

  /**
   * Hands events to a source, of any type, beside what comes through its door. An object is one event, written as JSON; a
   * text or bytes (UTF-8) are NDJSON, one event a line, or for a `syslog` source one message a line; the last line need
   * not end in a line feed. Bytes are copied: the caller may use them again. Never waits.
   *
   * @returns true: all of it is in memory, and will be validated, counted and delivered as whatever the source takes.
   *   false: none of it was taken, because the source is full (or the disk of the dead letters fails, or the collector
   *   wasn't started or is stopping); see `whenRoom`.
   * @throws SpillwayError SPW_ERR_SOURCE_UNKNOWN; SPW_ERR_ENQUEUE_TOO_LONG for more bytes at once than half of
   *   `memory.slab_bytes` (512 KiB by default).
   * @throws TypeError what has no JSON: an object with a circle, a bigint, undefined, a function.
   */
  enqueue(source: string, events: object | string | Uint8Array): boolean

  /**
   * Resolves when `enqueue` may take something again: try again then, since others may be quicker. Waits for `start`, too.
   *
   * @throws SpillwayError SPW_ERR_COLLECTOR_STOPPED once it will never take anything again; SPW_ERR_SOURCE_UNKNOWN.
   */
  whenRoom(source: string): Promise<void>

  /** Counts of every source and sink, of one moment. An event is counted when it was validated, some milliseconds later. */
  stats(): CollectorStats

  /**
   * Where a source listens, as `127.0.0.1:8081`, once it was started; '' where it doesn't.
   *
   * @throws SpillwayError SPW_ERR_SOURCE_UNKNOWN
   */
  address(source: string): string
}

/**
 * Makes a collector, not yet started, of a configuration: an object of the same shape as the YAML file, or what
 * `loadConfig` returns. An object has the defaults of the file, with two differences: `admin` is off unless given, and
 * relative paths start at the working directory.
 *
 * @example
 *   const collector = createCollector({
 *     sources: { app: { type: 'embedded' } },
 *     sinks: { siem: { type: 'http', url: 'https://siem.example/api/v1/logs' } },
 *   })
 *   await collector.start()
 *   if (!collector.enqueue('app', event)) await collector.whenRoom('app')
 *
 * @throws SpillwayError SPW_ERR_CONFIG_INVALID with all that is wrong in its message and in `details.problems`.
 */
export function createCollector(
  config: CollectorConfig | LoadedConfig,
  options: CreateOptions = {},
): EmbeddedCollector {
  const { logger = 'silent' } = options
  const loaded = isLoaded(config) ? config : checkConfig(withoutAdmin(config))
  const collector = new Collector(loaded.config, {
    logger: typeof logger === 'string' ? createLogger({ level: logger }) : logger,
  })
  return new Embedded(collector)
}

function isLoaded(config: CollectorConfig | LoadedConfig): config is LoadedConfig {
  return 'shown' in config
}

/** Unless it is given. */
function withoutAdmin(config: CollectorConfig): CollectorConfig {
  return config.admin === undefined ? { ...config, admin: { listen: 'none' } } : config
}

class Embedded implements EmbeddedCollector {
  readonly #collector: Collector
  #started: Promise<void> | null = null
  #stopped: Promise<StopReport> | null = null

  constructor(collector: Collector) {
    this.#collector = collector
  }

  start(): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(spwError('SPW_ERR_COLLECTOR_STOPPED', {}))
    this.#started ??= this.#collector.start()
    return this.#started
  }

  /** A start under way comes to its end first. */
  stop(): Promise<StopReport> {
    const started = this.#started ?? Promise.resolve()
    const stop = () => this.#collector.drain()
    this.#stopped ??= started.then(stop, stop)
    return this.#stopped
  }

  enqueue(source: string, events: object | string | Uint8Array): boolean {
    return this.#collector.inlet(source).enqueue(bytesOf(events))
  }

  async whenRoom(source: string): Promise<void> {
    await this.#collector.inlet(source).whenRoom()
  }

  stats(): CollectorStats {
    const { ledger, topology } = this.#collector
    const uncommittedBytes = new Map(
      topology.sources.map(({ name, intake }) => [name, intake.uncommittedBytes]),
    )
    return statsOf(ledger, (source) => uncommittedBytes.get(source) ?? 0)
  }

  address(source: string): string {
    return this.#collector.address(source)
  }
}

function bytesOf(events: object | string | Uint8Array): Uint8Array {
  if (isUint8Array(events)) return events
  if (typeof events === 'string') return Buffer.from(events.endsWith('\n') ? events : `${events}\n`)
  // The compiler doesn't know, but what is no object at run time may have no JSON.
  const json: string | undefined = JSON.stringify(events)
  if (json === undefined) throw new TypeError('enqueue takes an object, a text or bytes')
  return Buffer.from(`${json}\n`)
}
