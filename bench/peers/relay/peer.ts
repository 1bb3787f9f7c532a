import type { Peer } from '../peer.ts'

export const relay: Peer = {
  name: 'relay',
  program: 'node',
  probe: ['--version'],
  args: ['bench/peers/relay/relay.ts', '{way}', '{port}', '{url}'],
  ways: { tcp: null, http: null, syslog: null },
  checks: 'nothing: it looks for the last newline',
  durability: 'in memory; over HTTP it answers before it delivers',
  eventsShare: 1,
  limits: ['What is refused is lost: it has no retries.', 'RFC 5424 comes out as it came in, not as JSON.'],
  documents: [],
  tried: 'as it stands here',
}
