import type { Peer } from '../peer.ts'

export const rsyslogd: Peer = {
  name: 'rsyslogd',
  program: 'rsyslogd',
  probe: ['-v'],
  args: ['-n', '-f', '{config}', '-i', '{directory}/pid'],
  ways: { tcp: 'tcp.conf', syslog: 'syslog.conf' },
  checks: 'TCP: JSON with four fields and the range of severity; RFC 5424: the header, rewritten as JSON',
  durability: 'in memory: a queue of 200,000',
  bulk: true,
  eventsShare: 0.25,
  limits: [
    'Delivers to the bulk interface of Elasticsearch: an output for plain HTTP is not in Debian.',
    'HTTP in (imhttp) is not in Debian.',
    'While the destination refuses, what is refused goes into an error file and is not resent.',
  ],
  documents: [
    'https://www.rsyslog.com/doc/configuration/modules/imptcp.html',
    'https://www.rsyslog.com/doc/configuration/modules/omelasticsearch.html',
    'https://www.rsyslog.com/doc/configuration/modules/mmjsonparse.html',
  ],
  tried: '8.2302, of Debian 12',
}
