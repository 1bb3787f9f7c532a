import type { Peer } from '../peer.ts'

export const fluentBit: Peer = {
  name: 'fluent-bit',
  program: 'fluent-bit',
  probe: ['--version'],
  args: ['-c', '{config}'],
  ways: { tcp: 'tcp.yaml', http: 'http.yaml', syslog: 'syslog.yaml' },
  checks: 'that four keys are there; of RFC 5424 the header',
  durability: 'in memory; HTTP is answered before anything is stored',
  eventsShare: 0.5,
  limits: [
    'Over its `mem_buf_limit` an input pauses; what a TCP client has sent meanwhile may be lost.',
    'One malformed line refuses a whole POST, or is dropped from one that is answered 201.',
    'Events are parsed into MessagePack and written anew: numbers may change their last digits.',
  ],
  documents: [
    'https://docs.fluentbit.io/manual/data-pipeline/inputs/tcp',
    'https://docs.fluentbit.io/manual/data-pipeline/inputs/http',
    'https://docs.fluentbit.io/manual/data-pipeline/inputs/syslog',
    'https://docs.fluentbit.io/manual/data-pipeline/outputs/http',
    'https://docs.fluentbit.io/manual/administration/backpressure',
  ],
  tried: null,
}
