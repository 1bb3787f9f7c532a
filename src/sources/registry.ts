/** All sources, by the `type` of their configuration. */
import type { Source, SourceContext } from '../pipeline/source.ts'
import type { HttpSourceConfig } from './http/config.ts'
import { HttpSource } from './http/index.ts'
import type { TcpSourceConfig } from './tcp/config.ts'
import { TcpSource } from './tcp/index.ts'

interface SourceConfigs {
  readonly http: HttpSourceConfig
  readonly tcp: TcpSourceConfig
}

const sources: {
  readonly [Type in keyof SourceConfigs]: (config: SourceConfigs[Type], context: SourceContext) => Source
} = {
  http: (config, context) => new HttpSource(config, context),
  tcp: (config, context) => new TcpSource(config, context),
}

export function createSource<Type extends keyof SourceConfigs>(
  config: SourceConfigs[Type] & { readonly type: Type },
  context: SourceContext,
): Source {
  return sources[config.type](config, context)
}
