/** Configuration of `type: syslog`: RFC 5424 and RFC 3164, over TCP or UDP. */
import { bytesKey, choiceKey, group, textKey } from '../../base/config-keys.ts'
import { timezoneProblem } from '../../decode/syslog/decoder.ts'
import { listenerKeys, sourceKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkExposure, checkRecordBytes } from '../../pipeline/config-checks.ts'

const TIMEZONE_EXPECTED = 'local, UTC, an offset such as +02:00, or a name such as Europe/Berlin'

/** What is decoded has the depth that the decoder gives it. */
const { max_depth: _maxDepth, ...keysOfMessages } = sourceKeys

export const syslogSourceKeys = group('Syslog: RFC 5424 and RFC 3164', {
  type: choiceKey(['syslog'], { description: 'Syslog, decoded into events of the schema soc' }),
  ...listenerKeys,
  transport: choiceKey(['tcp', 'udp'], {
    default: 'tcp',
    later: ['tls'],
    description: 'tcp (RFC 6587) or udp (RFC 5426); two sources, one of each, can have the same port',
  }),
  framing: choiceKey(['auto', 'newline', 'octet_counting', 'nul'], {
    default: 'auto',
    description: 'How messages are told apart over tcp; auto: octet counting or newlines, by connection',
  }),
  timezone: textKey({
    default: 'local',
    expected: TIMEZONE_EXPECTED,
    description: 'Of times that name none (RFC 3164)',
  }),
  receive_buffer: bytesKey({
    default: '4MiB',
    min: '4KiB',
    max: '1GiB',
    description:
      'Where datagrams wait in the kernel, as far as it grants so much (sysctl net.core.rmem_max); of tcp the kernel decides by itself',
  }),
  ...keysOfMessages,
  schema: choiceKey(['soc'], { default: 'soc', description: 'What messages are decoded to' }),
})

export type SyslogSourceConfig = Named<typeof syslogSourceKeys>

export function checkSyslogSource(config: SyslogSourceConfig, context: CheckContext, report: Report): void {
  checkRecordBytes(config, context, report)
  checkExposure(config, 'insecure: true', report)
  if (timezoneProblem(config.timezone) !== undefined) report(['timezone'], TIMEZONE_EXPECTED)
  if (config.transport === 'udp' && config.framing !== 'auto') {
    report(['framing'], 'no framing beside transport: udp, where each datagram is one message')
  }
}
