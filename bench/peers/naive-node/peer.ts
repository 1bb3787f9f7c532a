import type { Peer } from '../peer.ts'

export const naiveNode: Peer = {
  name: 'naive-node',
  program: 'node',
  probe: ['--version'],
  args: ['bench/peers/naive-node/server.ts', '{way}', '{port}', '{url}'],
  ways: { tcp: null, http: null, syslog: null },
  checks: 'all that the schema `soc` asks for, dates by a regular expression',
  durability: 'in memory; over HTTP it answers before it delivers',
  eventsShare: 0.5,
  limits: [
    'One thread.',
    'A batch that fails three times is lost.',
    'Malformed events are dropped and counted.',
  ],
  documents: [],
  tried: 'as it stands here',
}
