import { destination, levels, pino, stdTimeFunctions } from 'pino'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import { MIB } from '../base/units.ts'

/** What the rest of the code logs with. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** Lines that nobody reads fill a buffer of this size, then they are dropped: a stuck terminal must not take memory. */
const UNREAD_BYTES_MAX = MIB

const STDERR = 2
const FLUSH_MS_MAX = 1000

/**
 * A logger of JSON lines, by default to standard error: standard output belongs to the `stdout` sink. `level` is a level
 * of pino (`trace` to `fatal`, or `silent`); an unknown one is answered with a line at WARN, and `info`.
 */
export function createLogger(
  options: { level?: string | undefined; stream?: DestinationStream } = {},
): Logger {
  const asked = options.level ?? 'info'
  const known = asked === 'silent' || Object.hasOwn(levels.values, asked)
  const stream = options.stream ?? standardError()
  const logger = pino(
    {
      level: known ? asked : 'info',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  if (!known) logger.warn({ event: 'log_level_unknown', level_asked: asked }, 'unknown log level: using info')
  return logger
}

type StandardError = ReturnType<typeof destination>

let opened: StandardError | null = null

function standardError(): StandardError {
  opened ??= destination({ dest: STDERR, sync: false, minLength: 0, maxLength: UNREAD_BYTES_MAX })
  return opened
}

/**
 * Before the process exits: what was logged is written, if somebody reads it within `timeoutMs`. After that nothing is
 * tried: at exit the destination would write on and on to a reader that is gone or stands still.
 */
export async function flushLogs(timeoutMs = FLUSH_MS_MAX): Promise<void> {
  const stream = opened
  if (stream === null) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    stream.once('error', done)
    stream.flush(done)
  })
  stream.flushSync = () => {}
}
