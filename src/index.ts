/**
 * Spillway inside another program: make a collector, start it, hand it events, stop it.
 *
 * @example
 *   import { createCollector } from 'spillway'
 *
 *   const collector = createCollector({
 *     sources: { app: { type: 'embedded' } },
 *     sinks: { siem: { type: 'http', url: 'https://siem.example/api/v1/logs' } },
 *   })
 *   await collector.start()
 *   while (!collector.enqueue('app', event)) await collector.whenRoom('app')
 *   const { delivered, undelivered } = await collector.stop()
 *
 * What goes wrong is a `SpillwayError`; match on its `code`, a key of `errorTable`.
 */
export { createCollector } from './app/embedded-collector.ts'
export type { CreateOptions, EmbeddedCollector } from './app/embedded-collector.ts'
export type { StopReport } from './app/collector.ts'
export type { CollectorStats, SinkStats, SourceStats } from './app/stats.ts'
export { loadConfig } from './app/config/load.ts'
export type { LoadedConfig } from './app/config/load.ts'
export type { CollectorConfig, SchemaSettings, SinkSettings, SourceSettings } from './app/config/written.ts'
export { errorTable, SpillwayError } from './base/errors.ts'
export type { ErrorCode } from './base/errors.ts'
export { createLogger } from './telemetry/logger.ts'
export type { Logger } from './telemetry/logger.ts'
