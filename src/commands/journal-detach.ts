import { Registry } from 'prom-client'
import { loadConfig } from '../app/config/load.ts'
import { callControl } from '../app/control/client.ts'
import { DETACH_METHOD, discardedOf } from '../app/control/journal-detach.ts'
import { detachOffline } from '../app/detach-offline.ts'
import { systemClock } from '../base/clock.ts'
import { SpillwayError, spwError } from '../base/errors.ts'
import { TelemetryEvents } from '../telemetry/events.ts'
import { createLogger, flushLogs } from '../telemetry/logger.ts'
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts'
import type { Output } from './check.ts'

export interface DetachOptions {
  /** Configuration file; absent: the embedded default. */
  readonly config?: string | undefined
  readonly json?: boolean | undefined
}

const standardOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
}

/**
 * `spillway journal detach SINK`: what the journal keeps for a sink that has left the configuration is given up, by the
 * collector that runs, else under the lock. Prints how many events that were. Resolves to the exit code.
 */
export async function journalDetachCommand(
  sink: string,
  options: DetachOptions,
  output: Output = standardOutput,
): Promise<0 | 1 | 2> {
  try {
    const discarded = await detach(sink, options.config)
    if (options.json === true) output.out(`${JSON.stringify({ sink, discarded })}\n`)
    else
      output.out(`${sink}: detached; ${discarded.toLocaleString('en')} events that it held are discarded\n`)
    return 0
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    const { code, message } = error
    if (options.json === true) output.out(`${JSON.stringify({ code, message })}\n`)
    else output.err(`${message}\n`)
    return error.exitCode
  }
}

async function detach(sink: string, configFile: string | undefined): Promise<number> {
  const { config } = loadConfig(configFile)
  const configured = config.sinks.map(({ name }) => name)
  if (configured.includes(sink)) throw spwError('SPW_ERR_SINK_CONFIGURED', { sink })
  const answer = await callControl(config.dataDir, DETACH_METHOD, { sink })
  if (answer !== null) return discardedOf(answer)
  const logger = createLogger({ level: process.env.LOG_LEVEL ?? 'warn' })
  const log = new RateLimitedLog({ logger, clock: systemClock })
  const events = new TelemetryEvents({ registry: new Registry(), log, clock: systemClock })
  try {
    return await detachOffline({ dataDir: config.dataDir, sink, configured, events })
  } finally {
    log.flush()
    await flushLogs()
  }
}
