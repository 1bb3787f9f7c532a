/** The top level of the configuration, and the types of what the program gets. */
import {
  bytesKey,
  choiceKey,
  componentsKey,
  countKey,
  countOrWordKey,
  durationKey,
  flagKey,
  group,
  laterKey,
  listOf,
  listenOrNoneKey,
  mapOf,
  optional,
  orGroup,
  pathKey,
  percentKey,
  textKey,
} from '../../base/config-keys.ts'
import type { Resolved } from '../../base/config-keys.ts'
import type { SchemaSpec } from '../../schema/spec.ts'
import type { SinkConfig } from '../../sinks/registry.ts'
import type { SourceConfig } from '../../sources/registry.ts'

const WORKERS_MAX = 256
/** No kernel is built for more CPUs. */
const CPU_MAX = 8191

const pointerKey = (description: string) =>
  textKey({ pattern: '^(?:/(?:[^~/]|~[01])*)+$', expected: 'a JSON pointer, such as /severity', description })

/** `schemas.<name>` */
export const schemaKeys = group('A JSON Schema of your own', {
  file: pathKey({ description: 'JSON Schema document, JSON or YAML, up to 1 MiB' }),
  severity: optional(pointerKey('JSON pointer to the severity')),
  severity_map: optional(
    mapOf(countKey({ min: 0, max: 10, description: 'Severity' }), {
      description: 'Severity (0 to 10) of each text that stands there',
      maxKeys: 256,
      keyPattern: '^[\\s\\S]{1,256}$',
      keyExpected: 'a text of up to 256 characters',
    }),
  ),
  timestamp: optional(pointerKey('JSON pointer to the time of the event')),
})

export const rootKeys = group('Top level', {
  data_dir: pathKey({ default: './data', description: 'Journal and dead letters; locked by one process' }),
  workers: orGroup(
    countOrWordKey('auto', {
      default: 'auto',
      min: 1,
      max: WORKERS_MAX,
      description:
        'Worker threads; auto: available cores - 1, at least 1, at most what the arena has room for; a map: as many as the load asks for',
    }),
    group('Bounds of the number of worker threads', {
      min: countKey({ min: 1, max: WORKERS_MAX, description: 'Threads that are always there' }),
      max: countKey({ min: 1, max: WORKERS_MAX, description: 'Threads while sources outrun the workers' }),
    }),
  ),
  memory: group('The arena that all events live in', {
    slab_bytes: bytesKey({ default: '1MiB', min: '128KiB', max: '16MiB', description: 'Size of one slab' }),
    arena_bytes: bytesKey({
      default: '64MiB',
      min: '1MiB',
      max: '2047MiB',
      description: 'Size of the arena',
    }),
  }),
  cpu_pinning: orGroup(
    choiceKey(['off', 'auto'], {
      default: 'off',
      description:
        'CPUs that threads are bound to, on Linux; auto: chosen by cores, hyper-threads and NUMA nodes; a map: as you say',
    }),
    group('CPUs by their numbers', {
      main: countKey({
        min: 0,
        max: CPU_MAX,
        description: 'CPU of the thread that reads, commits and sends',
      }),
      workers: listOf(countKey({ min: 0, max: CPU_MAX, description: 'A CPU' }), {
        description: 'CPUs of the worker threads; where there are more threads, they take turns',
        minItems: 1,
        maxItems: WORKERS_MAX,
      }),
    }),
  ),
  journal: group('Where accepted events wait', {
    mode: choiceKey(['disk', 'memory'], {
      default: 'disk',
      description: 'disk: in data_dir; memory: in the arena alone, lost when the process is killed',
    }),
    max_bytes: bytesKey({ default: '10GiB', min: '64MiB', max: '1024GiB', description: 'Size on disk' }),
    when_full: choiceKey(['block', 'shed'], {
      default: 'block',
      description:
        'block: sources are not read, push clients get 503; shed: what `shed` says is dropped before that',
    }),
    shed: optional(
      listOf(
        group('', {
          above: percentKey({ min: '1%', max: '99%', description: 'Fill of the journal' }),
          severity_below: countKey({
            min: 1,
            max: 10,
            description: 'Events of a lower severity are dropped, and counted by source and severity',
          }),
        }),
        {
          description: 'With `when_full: shed`: steps, each above the one before',
          minItems: 1,
          maxItems: 10,
        },
      ),
    ),
    fast_severity: countKey({
      default: 8,
      min: 1,
      max: 10,
      description: 'Events from this severity on are sent first when a sink lags',
    }),
  }),
  dlq: group('Dead letters', {
    max_bytes: bytesKey({ default: '1GiB', min: '1MiB', max: '1024GiB', description: 'Size on disk' }),
    when_full: choiceKey(['drop_oldest'], {
      default: 'drop_oldest',
      description: 'Whole oldest files go, counted',
    }),
  }),
  schemas: componentsKey('Schemas of your own, by name'),
  sources: componentsKey('Where events come from, by name'),
  sinks: componentsKey('Where events go, by name'),
  shutdown_timeout: durationKey({
    default: '30s',
    min: '0ms',
    max: '1h',
    description: 'How long a stop may take; in memory mode, and in a library, to deliver what is held',
  }),
  admin: group('Health, metrics and status; read only', {
    listen: listenOrNoneKey({ default: '127.0.0.1:9600', description: 'Address and port; none: it is off' }),
    insecure: flagKey({ default: false, description: 'Accept an address that is not on loopback' }),
    auth: laterKey('What clients must present'),
    tls: laterKey('TLS of the listener'),
  }),
})

/** The top level as it is written, without components. */
export type ResolvedRoot = Resolved<typeof rootKeys>

/** The configuration that a run goes by: complete, checked, deeply frozen. */
export type ResolvedConfig = Omit<ResolvedRoot, 'workers'> & {
  /** Worker threads, at least and at most, with `auto` worked out: the same number twice, unless it is a range. */
  readonly workers: { readonly min: number; readonly max: number }
  /** The built-in schemas and the user's own, by name. */
  readonly schemas: Readonly<Record<string, SchemaSpec>>
  /** In the order of the file; `schema` is a key of `schemas`. */
  readonly sources: readonly SourceConfig[]
  /** In the order of the file; `inputs` are names of sources. */
  readonly sinks: readonly SinkConfig[]
}
