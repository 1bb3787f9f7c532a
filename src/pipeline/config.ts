/** Configuration that all sources, or all sinks, have in common. */
import {
  bytesKey,
  bytesOrNoneKey,
  choiceKey,
  countKey,
  countOrWordKey,
  durationKey,
  durationOrNoneKey,
  flagKey,
  group,
  laterKey,
  listOf,
  listenKey,
  mapOf,
  optional,
  orGroup,
  orderedKey,
  rateOrNoneKey,
  scalarKey,
  textKey,
  textOrNoneKey,
} from '../base/config-keys.ts'
import type { Resolved } from '../base/config-keys.ts'
import { ADAPTIVE_CONCURRENCY_MAX } from './limits.ts'

/** Names of sources, sinks and schemas. */
export const NAME_PATTERN = '^[a-z][a-z0-9_-]{0,62}$'
/** A top-level key, or a JSON pointer. */
const FIELD_PATTERN = '^(?:[^/].*|(?:/(?:[^~/]|~[01])*)+)$'
const FIELD_EXPECTED = 'a top-level key or a JSON pointer'
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

const FIELD_SAYS =
  'A top-level key or a JSON pointer; events without it, or with no text, number or flag there, share one limit'

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
  bytes_per_day: bytesOrNoneKey({
    min: '1B',
    max: '102400GiB',
    default: 'none',
    description: 'Bytes per day, of UTC',
  }),
  algorithm: choiceKey(['token_bucket', 'leaky_bucket'], {
    default: 'token_bucket',
    description: 'token_bucket: what was not used may go at once, up to burst; leaky_bucket: evenly spaced',
  }),
  per: orGroup(
    choiceKey(['sink', 'source'], {
      default: 'sink',
      description:
        'What has these limits: the sink, each of its sources, or each value of a field; a batch then holds events of one only, and none waits for another',
    }),
    group('A field of the events, such as a tenant', {
      field: textKey({ pattern: FIELD_PATTERN, expected: FIELD_EXPECTED, description: FIELD_SAYS }),
      max_keys: countKey({
        default: 10_000,
        min: 1,
        max: 100_000,
        description: 'Values with limits of their own; further ones share one',
      }),
    }),
  ),
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

const breakerBounds = {
  failures: countKey({
    default: 5,
    min: 1,
    max: 1000,
    description: 'Rounds in a row without a success after which nothing is sent but probes',
  }),
  cooldown: durationKey({
    default: '1s',
    min: '1ms',
    max: '1h',
    description: 'From there to the first probe, doubled with each that fails',
  }),
  max_cooldown: durationKey({
    default: '60s',
    min: '1ms',
    max: '24h',
    description: 'Longest time between probes',
  }),
}

const BREAKER = 'When a destination that fails is left alone'
const breakerKeys = group(BREAKER, breakerBounds)

/** `breaker` of a sink whose destination is an HTTP server. */
export const httpBreakerKeys = group(BREAKER, {
  ...breakerBounds,
  probe: optional(
    group('A request that tells whether it works again; without it, one small batch does', {
      method: choiceKey(['GET', 'HEAD', 'OPTIONS', 'POST'], {
        default: 'GET',
        description: 'Method of the probe; a POST has an empty body',
      }),
      path: textKey({
        pattern: '^/[\\x21\\x22\\x24-\\x7e]*$',
        maxLength: 2048,
        expected: 'a path of printable ASCII that begins with /, such as /health',
        description: "Path, on the host of the sink's url; any 2xx says that it works",
      }),
    }),
  ),
})

const requestTimeoutKey = durationKey({
  default: '15s',
  min: '10ms',
  max: '1h',
  description: 'When a request without an answer has failed',
})

/** `request` of a sink with a fixed concurrency. Its bound depends on the sink: a file is written one batch after another. */
export const requestKeys = (options: { concurrency: number; concurrencyMax: number }) => ({
  timeout: requestTimeoutKey,
  concurrency: countKey({
    default: options.concurrency,
    min: 1,
    max: options.concurrencyMax,
    description: 'Requests in flight at once',
  }),
})

/** `request` of a sink whose destination decides how many requests at once are good for it. */
export const adaptiveRequestKeys = {
  timeout: requestTimeoutKey,
  concurrency: countOrWordKey('adaptive', {
    default: 'adaptive',
    min: 1,
    max: 256,
    description: `Requests in flight at once; adaptive: 1 to ${ADAPTIVE_CONCURRENCY_MAX}, by how fast they are answered, within the sink's share of the arena`,
  }),
}

/** `compression` of a sink whose requests may be compressed. */
export const requestCompressionKey = choiceKey(['none', 'gzip', 'zstd', 'auto'], {
  default: 'none',
  description: 'Compression of the bodies; auto: gzip while near the rate limit, else none',
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
      keyPattern: FIELD_PATTERN,
      keyExpected: FIELD_EXPECTED,
    }),
  ),
  batch: group('When a batch is full', {
    max_bytes: bytesKey({ default: '512KiB', min: '1KiB', max: '16MiB', description: 'Size of its events' }),
    max_events: countKey({ default: 10_000, min: 1, max: 1_000_000, description: 'Number of its events' }),
    max_age: durationKey({ default: '2s', min: '0ms', max: '1h', description: 'Age of its first event' }),
  }),
  rate_limit: rateLimitKeys,
  retry: retryKeys,
  breaker: breakerKeys,
  order: choiceKey(['none', 'per_source'], {
    default: 'none',
    description:
      'per_source: events of a source go in the order they came in, at the cost of speed: one batch of a source at a time, one round trip after another, and severe events overtake no others',
  }),
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
  event_id_field: textOrNoneKey({
    pattern: '^[^"\\\\\\x00-\\x1f]{1,128}$',
    expected: 'a key of up to 128 characters, without quotes, backslashes and control characters',
    description: 'Top-level key that each event gets its id as',
  }),
}

/** A component in the resolved configuration: its keys and the name that the user gave it. */
export type Named<Keys> = { readonly name: string } & Resolved<Keys>

const commonSource = group('', sourceKeys)
const commonSink = group('', {
  ...sinkKeys,
  breaker: httpBreakerKeys,
  request: group('', adaptiveRequestKeys),
})

/** What the pipeline reads of a source, whatever its type. */
export type CommonSourceConfig = Named<typeof commonSource>
/** What the pipeline reads of a sink, whatever its type. */
export type CommonSinkConfig = Named<typeof commonSink>
export type WhereConfig = NonNullable<CommonSinkConfig['where']>
export type BatchConfig = CommonSinkConfig['batch']
export type RateLimitConfig = CommonSinkConfig['rateLimit']
export type RetryConfig = CommonSinkConfig['retry']
export type BreakerConfig = CommonSinkConfig['breaker']
export type RequestConfig = CommonSinkConfig['request']

/** Requests that a sink may have in flight at once. */
export function concurrencyMax({ concurrency }: Pick<RequestConfig, 'concurrency'>): number {
  return concurrency === 'adaptive' ? ADAPTIVE_CONCURRENCY_MAX : concurrency
}
