import { Collector } from '../app/collector.ts'
import { loadConfig } from '../app/config/load.ts'
import { SpillwayError } from '../base/errors.ts'
import { createLogger } from '../telemetry/logger.ts'

/** `spillway run`: a collector until SIGTERM or SIGINT; a second signal ends it at once. Resolves to the exit code. */
export async function runCommand(options: { config?: string | undefined }): Promise<number> {
  const logger = createLogger({ level: process.env.LOG_LEVEL })
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
  const signal = await nextSignal()
  logger.info({ event: 'stopping', signal }, 'no new events are taken, what is held is delivered')
  const ended = collector.stop().then(({ undelivered }) => (undelivered > 0 ? 1 : 0))
  return await Promise.race([ended, nextSignal().then(() => 1)])
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
