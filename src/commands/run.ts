import { Collector } from '../app/collector.ts'
import { loadConfig } from '../app/config/load.ts'
import { SpillwayError } from '../base/errors.ts'
import { createLogger } from '../telemetry/logger.ts'

/**
 * `spillway run`: a collector until SIGTERM or SIGINT, then a clean stop; a second signal ends it at once. Resolves to the
 * exit code: 0 when everything was delivered, 1 when something was left over or couldn't be used, 2 for a configuration
 * that is none.
 */
export async function runCommand(options: { config?: string | undefined }): Promise<0 | 1 | 2> {
  const logger = createLogger({ level: process.env.LOG_LEVEL })
  // Heard from the beginning, so that a signal during the start is a clean stop too.
  const first = nextSignal()
  let collector: Collector
  try {
    const { config } = loadConfig(options.config)
    collector = new Collector(config, { logger })
    await collector.start()
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  const signal = await first
  const second = nextSignal()
  logger.info({ event: 'stopping', signal }, 'no new events are taken, what is held is delivered')
  const ended = collector.stop().then(({ undelivered, held }) => (undelivered + held > 0 ? 1 : 0))
  const broken = second.then((again) => {
    const held = collector.ledger.heldEvents()
    logger.error({ event: 'stop_broken_off', signal: again, held }, 'ended at once: what is held is lost')
    return 1 as const
  })
  return await Promise.race([ended, broken])
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
