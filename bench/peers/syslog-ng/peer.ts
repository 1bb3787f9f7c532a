import type { Peer } from '../peer.ts'

export const syslogNg: Peer = {
  name: 'syslog-ng',
  program: 'syslog-ng',
  probe: ['--version'],
  args: [
    '-F',
    '-f',
    '{config}',
    '-R',
    '{directory}/persist',
    '-c',
    '{directory}/control',
    '-p',
    '{directory}/pid',
  ],
  ways: { tcp: 'tcp.conf', syslog: 'syslog.conf' },
  checks: 'TCP: JSON with four fields and the range of severity; RFC 5424: the header, rewritten as JSON',
  durability: 'in memory: a queue bounded by flow control',
  eventsShare: 0.25,
  limits: [
    'Taken from TCP only as fast as delivered (`flow-control`), so nothing is lost but what a crash takes.',
    'It has no HTTP in; its disk buffer is of its commercial edition when reliable.',
  ],
  documents: [
    'https://syslog-ng.github.io/admin-guide/070_Destinations/080_http/000_http_options',
    'https://syslog-ng.github.io/admin-guide/060_Sources/140_network/000_network_source_options',
  ],
  tried: '3.38, of Debian 12',
}
