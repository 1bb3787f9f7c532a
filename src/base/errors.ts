/**
 * Errors are data: one table, one class. Users match on `code`, so codes are append-only.
 *
 * An Error loses `code` and `name` in a structured clone, so none crosses a thread: workers answer with numbers.
 */

type ErrorEntry = {
  /** What the user reads; `{name}` is replaced by the parameter of that name. */
  readonly message: string
  /** What the process exits with when this error ends it: 1 something is wrong, 2 usage or configuration. */
  readonly exitCode: 1 | 2
  /** Whether doing the same thing again later can succeed. */
  readonly retryable: boolean
}

export const errorTable = {
  SPW_ERR_CONFIG_UNREADABLE: {
    message: 'cannot read the configuration file {file}: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_CONFIG_INVALID: {
    message: 'the configuration {file} has {count}:\n{report}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_KEYWORD: {
    message: 'schema {schema}: unknown keyword {keyword} at {pointer}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_VALUE: {
    message: 'schema {schema}: {keyword} at {pointer} must be {expected}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_FORMAT: {
    message: 'schema {schema}: unknown format {format} at {pointer}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_PATTERN: {
    message: 'schema {schema}: the pattern {pattern} at {pointer} is none that runs in linear time: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_REF: {
    message: 'schema {schema}: {reference} at {pointer} cannot be followed within this document',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_COMPILE: {
    message: 'schema {schema} cannot be compiled: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SCHEMA_OPTION: {
    message: 'schema {schema}: {option} must be {expected}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_LISTEN_IN_USE: {
    message: '{key}: cannot listen on {address}: another process does already',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_LISTEN_FAILED: {
    message: '{key}: cannot listen on {address}: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_DLQ_UNUSABLE: {
    message: 'the dead-letter queue in {directory} cannot be used: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_DLQ_STOPPED: {
    message: 'the dead-letter queue was stopped before {count} of {source} were on disk',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_SINK_TLS: {
    message: 'sinks.{sink}.tls: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SINK_PATH: {
    message: 'sinks.{sink}.path: cannot use {path}: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_SOURCE_TLS: {
    message: 'sources.{source}.tls: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_DATA_DIR_UNUSABLE: {
    message: 'cannot use the data directory {path}: {reason}; make it writable or set data_dir',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_STDIN_UNREADABLE: {
    message: 'sources.{source}: standard input cannot be read: {reason}',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_SOURCE_UNKNOWN: {
    message: 'there is no source {source}, only {known}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_ENQUEUE_TOO_LONG: {
    message:
      'sources.{source}: {bytes} bytes were enqueued at once, at most {max} fit (half of memory.slab_bytes)',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_COLLECTOR_STOPPED: {
    message: 'the collector was stopped',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_OPTION_INVALID: {
    message: '{option}: {reason}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SEND_CONNECT: {
    message: 'cannot reach {to}: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_SEND_LOST: {
    message: 'the connection to {to} broke: {reason}; what was on its way may be lost',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_SEND_REFUSED: {
    message: '{to} refuses every request: {reason}',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_SEND_FILE: {
    message: 'cannot read {file}: {reason}',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_STATE_UNUSABLE: {
    message: 'the state of the journal {path} cannot be used: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_STATE_VERSION: {
    message:
      'the state of the journal {path} was written in format {version}, this version of Spillway knows {known}: use the one that wrote it',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_STATE_TOO_LARGE: {
    message:
      'the state of the journal is {excessBytes} bytes over the {maxBytes} that are kept for it: detach sinks that have left the configuration',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_DATA_DIR_LOCKED: {
    message:
      'the data directory {path} is in use by {holder}: stop that one, or give this one another data_dir',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_CONTROL_UNUSABLE: {
    message: 'cannot listen for commands on {path}: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_CONTROL_FAILED: {
    message: 'the collector that runs could not be asked through {path}: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_SINK_CONFIGURED: {
    message:
      'the sink {sink} is in the configuration: only what is kept for one that has left it can be given up',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_SINK_UNKNOWN: {
    message: 'no sink {sink} has left the configuration; those that have: {known}',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_DETACH_UNDURABLE: {
    message:
      'the disk does not take it now: what is kept for the sink {sink} is given up once it does, unless the collector ends before; run it again then',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_JOURNAL_UNUSABLE: {
    message: 'the journal in {directory} cannot be used: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_DLQ_MARK: {
    message: 'dead letters in {file} could not be marked as gone: {reason}',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_LIMITS_UNUSABLE: {
    message:
      'what was sent today cannot be read from {path}: {reason}; without that file, every bytes_per_day begins anew today',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_DLQ_FILE_UNKNOWN: {
    message:
      'there is no file {file} of dead letters in {directory}: it was purged, replayed or evicted, or never was',
    exitCode: 2,
    retryable: false,
  },
  SPW_ERR_REPLAY_RUNNING: {
    message: 'dead letters are being replayed already: wait for the end of that, or stop it (Ctrl-C)',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_REPLAY_OFFLINE: {
    message: 'no collector runs on {dataDir}: dead letters are replayed through it, so start it first',
    exitCode: 1,
    retryable: true,
  },
  SPW_ERR_DLQ_EXPORT: {
    message: 'dead letters cannot be written to {to}: {reason}',
    exitCode: 1,
    retryable: false,
  },
  SPW_ERR_PINNING_FAILED: {
    message: 'cpu_pinning: thread {thread} cannot be bound to CPU {cpus}: {reason}',
    exitCode: 2,
    retryable: false,
  },
} as const satisfies Readonly<Record<`SPW_ERR_${string}_${string}`, ErrorEntry>>

export type ErrorCode = keyof typeof errorTable

type Placeholder<Message extends string> = Message extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never

/** One value for each placeholder of the code's message; whatever else is given is kept in `details`. */
export type ErrorParams<Code extends ErrorCode> = Readonly<
  Record<Placeholder<(typeof errorTable)[Code]['message']>, string | number>
> &
  Readonly<Record<string, unknown>>

export class SpillwayError extends Error {
  readonly code: ErrorCode
  readonly exitCode: 1 | 2
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, details: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    const { message, exitCode, retryable } = errorTable[code]
    super(fillIn(message, details), options)
    this.name = 'SpillwayError'
    this.code = code
    this.exitCode = exitCode
    this.retryable = retryable
    this.details = details
  }
}

/**
 * Makes the error of a code; the compiler checks that every placeholder has its parameter.
 *
 * @example throw spwError('SPW_ERR_CONFIG_UNREADABLE', { file, reason: 'no such file' }, { cause })
 */
export function spwError<Code extends ErrorCode>(
  code: Code,
  params: ErrorParams<Code>,
  options?: ErrorOptions,
): SpillwayError {
  return new SpillwayError(code, params, options)
}

/** What to tell a person of whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

function fillIn(message: string, details: Readonly<Record<string, unknown>>): string {
  return message.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(details, name) ? String(details[name]) : whole,
  )
}
