/** All sinks, by the `type` of their configuration. */
import type { PayloadForm } from '../pipeline/dispatch/payload-builder.ts'
import type { Sink, SinkContext } from '../pipeline/sink.ts'
import type { BlackholeSinkConfig } from './blackhole/config.ts'
import { BlackholeSink } from './blackhole/index.ts'
import type { ElasticsearchSinkConfig } from './elasticsearch/config.ts'
import { ElasticsearchSink } from './elasticsearch/index.ts'
import type { FileSinkConfig } from './file/config.ts'
import { FileSink } from './file/index.ts'
import type { HttpSinkConfig } from './http/config.ts'
import { HttpSink } from './http/index.ts'
import type { StdoutSinkConfig } from './stdout/config.ts'
import { StdoutSink } from './stdout/index.ts'

export type SinkConfig =
  HttpSinkConfig | ElasticsearchSinkConfig | FileSinkConfig | StdoutSinkConfig | BlackholeSinkConfig
type SinkType = SinkConfig['type']
type ConfigOf<Type extends SinkType> = Extract<SinkConfig, { readonly type: Type }>

interface SinkEntry<Config> {
  create(config: Config, context: SinkContext): Sink
  /** What its payloads look like. */
  form(config: Config): PayloadForm
}

/** Lines, compressed or not. */
const lines = ({
  compression = 'none',
  eventIdField,
}: {
  readonly compression?: PayloadForm['compression']
  readonly eventIdField: string | null
}): PayloadForm => ({ encoding: 'ndjson', compression, eventIdField })

const sinks: { readonly [Type in SinkType]: SinkEntry<ConfigOf<Type>> } = {
  http: {
    create: (config, context) => new HttpSink(config, context),
    form: ({ encoding, compression, eventIdField }) => ({ encoding, compression, eventIdField }),
  },
  elasticsearch: {
    create: (config, context) => new ElasticsearchSink(config, context),
    form: ({ compression, eventIdField }) => ({ encoding: 'bulk', compression, eventIdField }),
  },
  file: { create: (config, context) => new FileSink(config, context), form: lines },
  stdout: { create: () => new StdoutSink(), form: ({ eventIdField }) => lines({ eventIdField }) },
  blackhole: { create: () => new BlackholeSink(), form: ({ eventIdField }) => lines({ eventIdField }) },
}

export function createSink<Type extends SinkType>(config: ConfigOf<Type>, context: SinkContext): Sink {
  return sinks[config.type].create(config, context)
}

export function payloadForm<Type extends SinkType>(config: ConfigOf<Type>): PayloadForm {
  return sinks[config.type].form(config)
}
