/** All sources, by the `type` of their configuration. */
import type { Source, SourceContext } from '../pipeline/source.ts'
import type { EmbeddedSourceConfig } from './embedded/config.ts'
import { EmbeddedSource } from './embedded/index.ts'
import type { HttpSourceConfig } from './http/config.ts'
import { HttpSource } from './http/index.ts'
import type { HttpPollSourceConfig } from './http_poll/config.ts'
import { HttpPollSource } from './http_poll/index.ts'
import type { StdinSourceConfig } from './stdin/config.ts'
import { StdinSource } from './stdin/index.ts'
import type { SyslogSourceConfig } from './syslog/config.ts'
import { createSyslogSource } from './syslog/index.ts'
import type { TcpSourceConfig } from './tcp/config.ts'
import { TcpSource } from './tcp/index.ts'

export type SourceConfig =
  | HttpSourceConfig
  | TcpSourceConfig
  | SyslogSourceConfig
  | HttpPollSourceConfig
  | StdinSourceConfig
  | EmbeddedSourceConfig
type SourceType = SourceConfig['type']
type ConfigOf<Type extends SourceType> = Extract<SourceConfig, { readonly type: Type }>

const sources: {
  readonly [Type in SourceType]: (config: ConfigOf<Type>, context: SourceContext) => Source
} = {
  http: (config, context) => new HttpSource(config, context),
  tcp: (config, context) => new TcpSource(config, context),
  syslog: (config, context) => createSyslogSource(config, context),
  http_poll: (config, context) => new HttpPollSource(config, context),
  stdin: (config, context) => new StdinSource(config, context),
  embedded: () => new EmbeddedSource(),
}

export function createSource<Type extends SourceType>(
  config: ConfigOf<Type> & { readonly type: Type },
  context: SourceContext,
): Source {
  return sources[config.type](config, context)
}

/** Whether a source's messages are decoded into events, which then need space of their own. */
export function isDecoded(config: { readonly type: string }): config is SyslogSourceConfig {
  return config.type === 'syslog'
}
