import type { SourceContext } from '../../pipeline/source.ts'
import { TcpDoor } from '../../pipeline/tcp/door.ts'
import type { TcpSourceConfig } from './config.ts'

/** NDJSON over TCP: lines in, nothing back. */
export class TcpSource extends TcpDoor {
  constructor(config: TcpSourceConfig, context: SourceContext) {
    super(config, context, 'lines')
  }
}
