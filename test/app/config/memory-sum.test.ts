import t from 'tap'
import { loadConfig } from '../../../src/app/config/load.ts'
import { formatMemorySum, memorySum } from '../../../src/app/config/memory-sum.ts'
import { reserves, slabCountMin, workersMax } from '../../../src/app/config/reserves.ts'
import { KIB, MIB } from '../../../src/base/units.ts'
import { host, least, parse, withSink } from './fixtures/configs.ts'

t.test('the sum is that of its items', async (t) => {
  const { config } = loadConfig(undefined, host)
  const { items, totalBytes } = memorySum(config)
  t.equal(
    items.reduce((sum, { bytes }) => sum + bytes, 0),
    totalBytes,
  )
  t.same(
    items.map(({ what }) => what),
    [
      'memory.arena_bytes',
      'sources.push: read buffer',
      'sources.push: request heads, max_connections 5000 x 16KiB',
      'sources.push: bodies, max_requests 1000 x 200KiB',
      'sources.push: unfinished events, max_requests 1000 x 4KiB',
      'sources.push: ring of extents',
      'sources.lines: read buffer',
      'sources.lines: read, waiting for room',
      'sources.lines: unfinished events, max_connections 5000 x 4KiB',
      'sources.lines: ring of extents',
      'sources.net: read buffer',
      'sources.net: read, waiting for room',
      'sources.net: unfinished events, max_connections 5000 x 4KiB',
      'sources.net: ring of extents',
      'sources.net_udp: ring of extents',
      'journal: state, checkpoints, recovery',
      'inflaters, 64 x 300KiB',
      'datagrams, read and not yet freed',
      'workers, 3 x 116MiB',
      'replay of dead letters',
      'main thread heap',
    ],
  )
})

const totalOf = (text: string): number => memorySum(parse(text).config).totalBytes

t.test('each key that costs memory counts', async (t) => {
  const four = withSink('request: { concurrency: 4 }')
  const base = totalOf(four)
  t.equal(totalOf(withSink('request: { concurrency: 5 }')) - base, 64 * KIB + 2 * 512 * KIB)
  t.equal(totalOf(`memory: { arena_bytes: 65MiB }\n${four}`) - base, MIB)
  t.equal(totalOf(four.replace('0 }', '0, max_connections: 5001 }')) - base, 2 * 4096)
  t.equal(totalOf(`workers: 4\n${four}`) - base, 116 * MIB)
  t.equal(totalOf(`workers: { min: 1, max: 4 }\n${four}`) - base, 116 * MIB, 'of workers, the most')

  const plain = four.replace('https:', 'http:')
  t.equal(base - totalOf(plain), 4 * 2 * 512 * KIB, 'TLS has copies of what it sends')
  t.equal(totalOf(plain.replace('/",', '/", batch: { max_bytes: 1000KiB },')), totalOf(plain))

  // 64 slabs, 12 in reserve, and half of the others a sink's.
  const adaptive = totalOf(withSink(''))
  t.equal(adaptive - base, 196 * 64 * KIB + 2 * (26 - 4 / 2) * MIB, 'never more in flight than its share')
  t.equal(totalOf(withSink('batch: { max_bytes: 1000KiB }')), adaptive)
  t.equal(totalOf(withSink('').replace('https:', 'http:')), totalOf(plain) + 196 * 64 * KIB)

  t.equal(
    totalOf(`journal: { mode: disk }\n${four}`),
    totalOf(`journal: { mode: memory }\n${four}`) + 20 * MIB,
  )

  const other = (sink: string) => totalOf(least.replace('type: blackhole', sink)) - totalOf(least)
  t.equal(other('type: stdout'), 512 * KIB)
  t.equal(other('type: stdout, batch: { max_bytes: 1KiB }'), 512 * KIB, 'one event may be longer')
  t.equal(other('type: file, path: a'), 0)
  t.equal(other('type: file, path: a, compression: gzip'), 51 * MIB)
})

t.test('the table ends with the sum', async (t) => {
  const sum = {
    items: [
      { what: 'a', bytes: 100 * MIB },
      { what: 'b', bytes: MIB / 2 },
    ],
    totalBytes: 100.5 * MIB,
  }
  t.equal(formatMemorySum(sum), ['100.0 MiB  a', '  0.5 MiB  b', '---------', '100.5 MiB  in all'].join('\n'))
})

t.test('reserves: two slabs for each source, sink and worker, and four that are shared', async (t) => {
  const tcp = { type: 'tcp' }
  const parts = { sources: [tcp, tcp, tcp], sinks: [1], journal: { mode: 'memory' } } as const
  t.equal(reserves(parts, 2), 12)
  t.equal(slabCountMin(parts, 2), 16)
  t.equal(workersMax(parts, 16), 2)
  t.equal(workersMax(parts, 15), 1)
  t.equal(workersMax(parts, 13), 0)
  t.equal(
    reserves({ ...parts, sources: [tcp, tcp, { type: 'syslog' }] }, 2),
    13,
    'one more for what is decoded',
  )
  t.equal(reserves({ ...parts, journal: { mode: 'disk' } }, 2), 14, 'one for each lane that is read back')
})
