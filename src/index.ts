/**
 * Spillway inside another program: load a configuration, start a collector, stop it.
 *
 * @example
 *   import { Collector, createLogger, loadConfig } from 'spillway'
 *
 *   const { config } = loadConfig('spillway.yaml')
 *   const collector = new Collector(config, { logger: createLogger({ level: 'warn' }) })
 *   await collector.start()
 *   process.stdout.write(collector.address('lines'))
 *   const { delivered, undelivered } = await collector.stop()
 *
 * What goes wrong is a `SpillwayError`; match on its `code`, a key of `errorTable`.
 */
export { Collector } from './app/collector.ts'
export type { CollectorOptions, StopReport } from './app/collector.ts'
export { loadConfig } from './app/config/load.ts'
export type { LoadedConfig } from './app/config/load.ts'
export { errorTable, SpillwayError } from './base/errors.ts'
export type { ErrorCode } from './base/errors.ts'
export { createLogger } from './telemetry/logger.ts'
export type { Logger } from './telemetry/logger.ts'
