import type { Peer } from '../peer.ts'

export const vector: Peer = {
  name: 'vector',
  program: 'vector',
  probe: ['--version'],
  args: ['--config', '{config}', '--quiet'],
  ways: { tcp: 'tcp.yaml', http: 'http.yaml', syslog: 'syslog.yaml' },
  checks: 'types and the range of severity, dates by parsing; RFC 5424: the header',
  durability:
    'in memory, acknowledged after delivery (`acknowledgements`); its disk buffer syncs every 500 ms',
  eventsShare: 0.5,
  limits: [
    'With `acknowledgements` an HTTP client waits until its events are delivered.',
    'What is malformed is dropped and counted; it can be routed on, but not with the bytes that came.',
  ],
  documents: [
    'https://vector.dev/docs/reference/configuration/sources/socket/',
    'https://vector.dev/docs/reference/configuration/sources/http_server/',
    'https://vector.dev/docs/reference/configuration/sources/syslog/',
    'https://vector.dev/docs/reference/configuration/sinks/http/',
    'https://vector.dev/docs/architecture/end-to-end-acknowledgements/',
  ],
  tried: null,
}
