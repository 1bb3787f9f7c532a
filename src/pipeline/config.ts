/** Configuration that all sources, or all sinks, have in common. */
import {
  bytesKey,
  bytesOrNoneKey,
  choiceKey,
  countKey,
  durationKey,
  durationOrNoneKey,
  flagKey,
  group,
  laterKey,
  listOf,
  listenKey,
  mapOf,
  optional,
  orderedKey,
  rateOrNoneKey,
  scalarKey,
  textKey,
} from '../base/config-keys.ts'
import type { Resolved } from '../base/config-keys.ts'

/** Names of sources, sinks and schemas. */
export const NAME_PATTERN = '^[a-z][a-z0-9_-]{0,62}$'
export const NAME_EXPECTED = 'a name of up to 63 of a-z, 0-9, _ and -, starting with a letter'

/** Says what is wrong with a key of the component being checked; `path` is relative to it, in the user's key names. */
export type Report = (path: readonly (string | number)[], expected: string, found?: string) => void

/** What a component's check may ask about the rest of the configuration and the host. */
export interface CheckContext {
  readonly slabBytes: number
  /** Why a file can't be read; undefined where it can. */
  unreadable(path: string): string | undefined
}

/** Keys of every source. */
export const sourceKeys = {
  schema: textKey({
    default: 'soc',
    expected: 'the name of a schema',
    description: 'What events must look like: soc, log_event, any, or a key of `schemas`',
  }),
  ack: choiceKey(['accepted', 'stored', 'delivered'], {
    derived: '`stored`; in memory mode `accepted`',
    description:
      'When a push client gets its answer: once its events are validated, on disk, or settled by every sink that takes them',
  }),
  ack_timeout: durationKey({
    default: '30s',
    min: '100ms',
    max: '1h',
    description: 'How long `ack: delivered` waits before it answers 503; the events stay in',
  }),
  max_record_bytes: bytesKey({
    default: '512KiB',
    min: '1KiB',
    max: '8MiB',
    description: 'Longest event; at most half of memory.slab_bytes',
  }),
  max_depth: countKey({ default: 256, min: 1, max: 1000, description: 'Deepest nesting of an event' }),
  linger: durationKey({
    default: '5ms',
    min: '0ms',
    max: '10s',
    description: 'How long events wait for company before a worker is given them',
  }),
  record_timeout: durationKey({
    default: '1s',
    min: '100ms',
    max: '1m',
    description: 'How long a worker may stand still on one event',
  }),
  idle_timeout: durationKey({
    default: '60s',
    min: '100ms',
    max: '24h',
    description: 'When an unfinished request or event is given up; a quiet tcp connection is kept',
  }),
}

/** Keys of every source that listens. */
export const listenerKeys = {
  listen: listenKey({ description: 'Address and port to listen on; port 0 is any free one' }),
  insecure: flagKey({
    default: false,
    description: 'Accept a listener that is not on loopback and has neither auth nor TLS',
  }),
  tls: laterKey('TLS of the listener'),
  max_connections: countKey({
    default: 5000,
    min: 1,
    max: 65_536,
    description: 'Connections open at once; further ones are refused',
  }),
}

const operand = (description: string) => optional(orderedKey({ description }))

/** One condition of a `where`: all the operators given must hold. */
const conditionKeys = group('Operators, all of which must hold', {
  eq: optional(scalarKey({ description: 'Equal to' })),
  ne: optional(scalarKey({ description: 'Present and not equal to' })),
  in: optional(
    listOf(scalarKey({ description: 'A value' }), {
      description: 'Equal to one of',
      minItems: 1,
      maxItems: 1000,
    }),
  ),
  gt: operand('Greater than'),
  gte: operand('Greater than or equal to'),
  lt: operand('Less than'),
  lte: operand('Less than or equal to'),
  exists: optional(flagKey({ description: 'Present (true) or absent (false)' })),
})

const rateLimitKeys = group('How much is sent at most; the default is no limit', {
  requests_per_second: rateOrNoneKey({ min: 0.001, max: 1e6, description: 'Requests (batches) per second' }),
  burst: countKey({
    derived: 'one second of requests_per_second, at least 1',
    min: 1,
    max: 1e6,
    description: 'Requests that may go at once after a pause',
  }),
  events_per_second: rateOrNoneKey({ min: 0.001, max: 1e9, description: 'Events per second' }),
  bytes_per_second: bytesOrNoneKey({
    min: '1B',
    max: '100GiB',
    default: 'none',
    description: 'Bytes per second',
  }),
  bytes_per_day: laterKey('Bytes per day'),
  algorithm: laterKey('token_bucket or leaky_bucket'),
  per: laterKey('One limit for the sink, for each source, or for each value of a field'),
})

const retryKeys = group('What happens to a batch after a transient failure', {
  initial: durationKey({
    default: '1s',
    min: '1ms',
    max: '1h',
    description: 'First pause, doubled every time',
  }),
  max: durationKey({ default: '30s', min: '1ms', max: '24h', description: 'Longest pause' }),
  jitter: choiceKey(['full'], { default: 'full', description: 'Each pause is random from 0 to its length' }),
  max_age: durationOrNoneKey({
    default: 'none',
    min: '1s',
    max: '8760h',
    description: 'When an event that could not be delivered becomes a dead letter',
  }),
})

/** `request.concurrency` and its bound depend on the sink: a file is written one batch after another. */
export const requestKeys = (options: { concurrency: number; concurrencyMax: number }) => ({
  timeout: durationKey({
    default: '15s',
    min: '10ms',
    max: '1h',
    description: 'When a request without an answer has failed',
  }),
  concurrency: countKey({
    default: options.concurrency,
    min: 1,
    max: options.concurrencyMax,
    later: ['adaptive'],
    description: 'Requests in flight at once',
  }),
})

/** Keys of every sink. */
export const sinkKeys = {
  inputs: listOf(textKey({ expected: 'the name of a source', description: 'A source' }), {
    derived: 'all sources',
    minItems: 1,
    maxItems: 64,
    description: 'The sources whose events this sink gets',
  }),
  where: optional(
    mapOf(conditionKeys, {
      description:
        'Conditions on top-level keys or JSON pointers, all of which must hold; default: everything',
      maxKeys: 32,
      keyPattern: '^(?:[^/].*|(?:/(?:[^~/]|~[01])*)+)$',
      keyExpected: 'a top-level key or a JSON pointer',
    }),
  ),
  batch: group('When a batch is full', {
    max_bytes: bytesKey({ default: '512KiB', min: '1KiB', max: '16MiB', description: 'Size of its events' }),
    max_events: countKey({ default: 10_000, min: 1, max: 1_000_000, description: 'Number of its events' }),
    max_age: durationKey({ default: '2s', min: '0ms', max: '1h', description: 'Age of its first event' }),
  }),
  rate_limit: rateLimitKeys,
  retry: retryKeys,
  breaker: laterKey('Circuit breaker'),
  from: choiceKey(['now', 'oldest'], {
    default: 'now',
    description: 'Where a sink that the journal does not know yet starts in it',
  }),
  lookahead_bytes: bytesKey({
    default: '256MiB',
    min: '1MiB',
    max: '64GiB',
    description: 'How far beyond its oldest unsettled event a sink may read on',
  }),
  event_id_field: laterKey('Field that the event id is added as'),
}

/** A component in the resolved configuration: its keys and the name that the user gave it. */
export type Named<Keys> = { readonly name: string } & Resolved<Keys>

const commonSource = group('', sourceKeys)
const commonSink = group('', {
  ...sinkKeys,
  request: group('', requestKeys({ concurrency: 1, concurrencyMax: 1 })),
})

/** What the pipeline reads of a source, whatever its type. */
export type CommonSourceConfig = Named<typeof commonSource>
/** What the pipeline reads of a sink, whatever its type. */
export type CommonSinkConfig = Named<typeof commonSink>
export type WhereConfig = NonNullable<CommonSinkConfig['where']>
export type BatchConfig = CommonSinkConfig['batch']
export type RateLimitConfig = CommonSinkConfig['rateLimit']
export type RetryConfig = CommonSinkConfig['retry']
export type RequestConfig = CommonSinkConfig['request']
