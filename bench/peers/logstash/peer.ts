import type { Peer } from '../peer.ts'

export const logstash: Peer = {
  name: 'logstash',
  program: 'logstash',
  probe: ['--version'],
  args: ['-f', '{config}', '--path.data', '{directory}', '--log.level', 'error', '-w', '2', '-b', '1000'],
  ways: { tcp: 'tcp.conf', http: 'http.conf', syslog: 'syslog.conf' },
  checks: 'that four fields are there, the range of severity, the date by parsing; RFC 5424: the header',
  durability: 'in memory (`queue.type: memory`, its default)',
  eventsShare: 0.25,
  limits: [
    'It is warm only after some ten thousand events: the JVM compiles.',
    'With the queue in memory what it holds is lost with the process; HTTP is answered once it is queued.',
  ],
  documents: [
    'https://www.elastic.co/docs/reference/logstash/plugins/plugins-inputs-tcp',
    'https://www.elastic.co/docs/reference/logstash/plugins/plugins-inputs-http',
    'https://www.elastic.co/docs/reference/logstash/plugins/plugins-outputs-http',
    'https://www.elastic.co/docs/reference/logstash/tuning-logstash',
  ],
  tried: null,
}
