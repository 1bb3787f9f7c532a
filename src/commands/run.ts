import { Collector } from '../app/collector.ts'
import type { StopReport } from '../app/collector.ts'
import { loadConfig } from '../app/config/load.ts'
import type { ResolvedConfig } from '../app/config/root.ts'
import { SpillwayError } from '../base/errors.ts'
import { createLogger, flushLogs } from '../telemetry/logger.ts'
import type { Logger } from '../telemetry/logger.ts'

/**
 * `spillway run`: a collector until SIGTERM or SIGINT, then a clean stop; a second signal ends it at once. Where all sources
 * have inputs that end, such as standard input, it stops by itself behind the end, when everything is delivered. Resolves
 * to the exit code: 0 when everything was delivered, 1 when something was left over or couldn't be used, 2 for a
 * configuration that is none.
 */
export async function runCommand(options: { config?: string | undefined }): Promise<0 | 1 | 2> {
  try {
    return await run(options)
  } finally {
    await flushLogs()
  }
}

async function run(options: { config?: string | undefined }): Promise<0 | 1 | 2> {
  const logger = createLogger({ level: process.env.LOG_LEVEL })
  // Heard from the beginning, so that a signal during the start is a clean stop too.
  const first = nextSignal()
  let collector: Collector
  try {
    const { config } = loadConfig(options.config)
    collector = new Collector(config, { logger })
    await collector.start()
    warnOfEmbedded(config, logger)
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  const ended = collector.inputsEnded().then(
    () => 'ended' as const,
    () => 'broken' as const,
  )
  const input = await Promise.race([first, ended])
  if (input !== 'ended' && input !== 'broken') return await stopAt(input, collector, logger)
  logger.info({ event: 'input_ended' }, 'all input has been read, what is held is delivered')
  const finished = collector.finish().then((report) => (input === 'broken' ? 1 : exitCodeOf(report)))
  return await Promise.race([finished, first.then((signal) => stopAt(signal, collector, logger))])
}

function warnOfEmbedded({ sources }: ResolvedConfig, logger: Logger): void {
  const names = sources.filter(({ type }) => type === 'embedded').map(({ name }) => name)
  if (names.length === 0) return
  const message =
    'sources of type embedded get events from a program that uses the library: here they stay empty'
  logger.warn({ event: 'embedded_sources', sources: names }, message)
}

/** A clean stop within `shutdown_timeout`, which a further signal breaks off. */
async function stopAt(signal: string, collector: Collector, logger: Logger): Promise<0 | 1> {
  const second = nextSignal()
  const keeps = collector.topology.journal !== null
  const what = keeps
    ? 'what is not delivered is kept in the journal'
    : 'what is held is delivered within shutdown_timeout'
  logger.info({ event: 'stopping', signal }, `no new events are taken, ${what}`)
  const broken = second.then((again) => {
    const held = collector.ledger.heldEvents()
    const fate = keeps ? 'what is held is in the journal' : 'what is held is lost'
    logger.error({ event: 'stop_broken_off', signal: again, held }, `ended at once: ${fate}`)
    return 1 as const
  })
  return await Promise.race([collector.stop().then(exitCodeOf), broken])
}

function exitCodeOf({ undelivered, held, uncommittedBytes }: StopReport): 0 | 1 {
  return undelivered + held + uncommittedBytes > 0 ? 1 : 0
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}
