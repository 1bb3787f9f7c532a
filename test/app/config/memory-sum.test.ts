import t from 'tap'
import { loadConfig } from '../../../src/app/config/load.ts'
import { formatMemorySum, memorySum } from '../../../src/app/config/memory-sum.ts'
import { reserves, slabCountMin, workersMax } from '../../../src/app/config/reserves.ts'
import { MIB } from '../../../src/base/units.ts'
import { host, parse, withSink } from './fixtures/configs.ts'

t.test('the sum is that of its items', async (t) => {
  const { config } = loadConfig(undefined, host)
  const { items, totalBytes } = memorySum(config, { workers: 3 })
  t.equal(
    items.reduce((sum, { bytes }) => sum + bytes, 0),
    totalBytes,
  )
  t.same(
    items.map(({ what }) => what),
    [
      'memory.arena_bytes',
      'sources.push: bodies, max_requests 1000 x 128KiB',
      'sources.push: unfinished events, max_requests 1000 x 4KiB',
      'sources.push: ring of extents',
      'sources.lines: read buffer',
      'sources.lines: read, waiting for room',
      'sources.lines: unfinished events, max_connections 5000 x 4KiB',
      'sources.lines: ring of extents',
      'inflaters, 64 x 300KiB',
      'workers, 3 x 116MiB',
      'main thread heap',
    ],
  )
})

const totalOf = (text: string, workers = 1): number => memorySum(parse(text).config, { workers }).totalBytes

t.test('each key that costs memory counts', async (t) => {
  const base = totalOf(withSink(''))
  t.equal(totalOf(withSink('request: { concurrency: 5 }')) - base, 64 * 1024)
  t.equal(totalOf(`memory: { arena_bytes: 65MiB }\n${withSink('')}`) - base, MIB)
  t.equal(totalOf(withSink('').replace('0 }', '0, max_connections: 5001 }')) - base, 2 * 4096)
  t.equal(totalOf(withSink(''), 2) - base, 116 * MIB)
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
  const parts = { sources: [1, 2, 3], sinks: [1] }
  t.equal(reserves(parts, 2), 12)
  t.equal(slabCountMin(parts, 2), 16)
  t.equal(workersMax(parts, 16), 2)
  t.equal(workersMax(parts, 15), 1)
  t.equal(workersMax(parts, 13), 0)
})
