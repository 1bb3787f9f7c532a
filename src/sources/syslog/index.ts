import type { Source, SourceContext } from '../../pipeline/source.ts'
import { TcpDoor } from '../../pipeline/tcp/door.ts'
import type { TcpFraming } from '../../pipeline/tcp/connection.ts'
import type { SyslogSourceConfig } from './config.ts'
import { UdpDoor } from './udp.ts'

/** How each connection is told apart into messages (RFC 6587), by the configuration's words. */
const framings: Readonly<Record<SyslogSourceConfig['framing'], TcpFraming>> = {
  auto: 'syslog-auto',
  newline: 'syslog-newline',
  octet_counting: 'syslog-octets',
  nul: 'syslog-nul',
}

/** Syslog over connections or datagrams; the workers decode it. */
export function createSyslogSource(config: SyslogSourceConfig, context: SourceContext): Source {
  if (config.transport === 'udp') return new UdpDoor(config, context)
  return new TcpDoor(config, context, framings[config.framing])
}
