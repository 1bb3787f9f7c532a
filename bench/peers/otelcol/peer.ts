import type { Peer } from '../peer.ts'

export const otelcol: Peer = {
  name: 'otelcol',
  program: 'otelcol',
  probe: ['--version'],
  args: ['--config', '{config}'],
  ways: { tcp: 'tcp.yaml', http: 'http.yaml', syslog: 'syslog.yaml' },
  checks: 'types and the range of severity, by OTTL; dates not; RFC 5424: the header',
  durability: 'in memory: `sending_queue` blocks when full',
  eventsShare: 0.25,
  limits: [
    'Delivers OTLP as JSON: the event is a string in it.',
    'It must be a build with tcplog, syslog and webhookevent receivers and the filter and transform processors (contrib).',
  ],
  documents: [
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/tcplogreceiver',
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/webhookeventreceiver',
    'https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/filterprocessor',
    'https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter',
  ],
  tried: null,
}
