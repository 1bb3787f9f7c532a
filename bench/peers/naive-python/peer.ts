import type { Peer } from '../peer.ts'

export const naivePython: Peer = {
  name: 'naive-python',
  program: 'python3',
  probe: ['-c', 'import sys, aiohttp, pydantic; print(sys.version.split()[0], "pydantic", pydantic.VERSION)'],
  args: ['bench/peers/naive-python/server.py', '{way}', '{port}', '{url}'],
  ways: { tcp: null, http: null },
  checks: 'all that the schema `soc` asks for, by pydantic',
  durability: 'in memory; over HTTP it answers before it delivers',
  eventsShare: 0.25,
  limits: [
    'One thread.',
    'A batch that fails three times is lost.',
    'Malformed events are dropped and counted.',
  ],
  documents: ['https://docs.pydantic.dev/latest/concepts/performance/'],
  tried: 'as it stands here: Python 3.11, aiohttp 3.14, pydantic 2.14, with uvloop',
}
