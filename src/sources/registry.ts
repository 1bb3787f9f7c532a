import type { Source, SourceContext } from '../pipeline/source.ts'
import type { HttpSourceConfig } from './http/config.ts'
import { HttpSource } from './http/index.ts'
import type { TcpSourceConfig } from './tcp/config.ts'
import { TcpSource } from './tcp/index.ts'

/** Every type of source, a line each. */
export function createSource(config: HttpSourceConfig | TcpSourceConfig, context: SourceContext): Source {
  switch (config.type) {
    case 'http':
      return new HttpSource(config, context)
    case 'tcp':
      return new TcpSource(config, context)
  }
}
