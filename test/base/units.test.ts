import fc from 'fast-check'
import t from 'tap'
import {
  formatBytes,
  formatDurationMs,
  formatPercent,
  parseBytes,
  parseDurationMs,
  parsePercent,
} from '../../src/base/units.ts'

t.test('sizes', async (t) => {
  const cases: [string | number, number | undefined][] = [
    ['512KiB', 524_288],
    ['512 KiB', 524_288],
    ['1.5GiB', 1_610_612_736],
    ['64MB', 64_000_000],
    ['2KB', 2000],
    ['7B', 7],
    ['4096', 4096],
    [4096, 4096],
    [0, 0],
    ['0.3B', undefined],
    ['512kib', undefined],
    ['512K', undefined],
    ['-1KiB', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['KiB', undefined],
    ['1KiB1', undefined],
    ['999999999999999GiB', undefined],
    [-1, undefined],
    [1.5, undefined],
    [Infinity, undefined],
    [NaN, undefined],
  ]
  for (const [written, bytes] of cases) t.equal(parseBytes(written), bytes, JSON.stringify(written))
})

t.test('times', async (t) => {
  const cases: [string | number, number | undefined][] = [
    ['500ms', 500],
    ['2s', 2000],
    ['1.5s', 1500],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['0ms', 0],
    ['0.5ms', undefined],
    ['2', undefined],
    [2, undefined],
    ['2 days', undefined],
    ['1M', undefined],
  ]
  for (const [written, durationMs] of cases)
    t.equal(parseDurationMs(written), durationMs, JSON.stringify(written))
})

t.test('the shortest exact spelling is chosen', async (t) => {
  t.equal(formatBytes(1_073_741_824), '1GiB')
  t.equal(formatBytes(512_000), '500KiB')
  t.equal(formatBytes(1_000_000), '1MB')
  t.equal(formatBytes(1025), '1025B')
  t.equal(formatBytes(0), '0B')
  t.equal(formatDurationMs(60_000), '1m')
  t.equal(formatDurationMs(61_000), '61s')
  t.equal(formatDurationMs(0), '0ms')
})

t.test('what is formatted reads back as the same', async () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseBytes(formatBytes(bytes)) === bytes))
  fc.assert(fc.property(fc.maxSafeNat(), (timeMs) => parseDurationMs(formatDurationMs(timeMs)) === timeMs))
  const round = fc.tuple(
    fc.integer({ min: 1, max: 4096 }),
    fc.constantFrom(1024, 1024 ** 2, 1024 ** 3, 1e3, 1e6, 1e9),
  )
  fc.assert(fc.property(round, ([count, unit]) => parseBytes(formatBytes(count * unit)) === count * unit))
})

t.test('shares', async (t) => {
  for (const [written, share] of [
    ['80%', 0.8],
    ['92.5%', 0.925],
    ['7 %', 0.07],
    ['100%', 1],
    ['0.001%', 0.00001],
  ] as const) {
    t.equal(parsePercent(written), share, written)
    t.equal(formatPercent(share), written.replace(' ', ''))
  }
  for (const written of ['80', '0.8', '-1%', '1000%', '1.2345%', '%', '80 percent', 80])
    t.equal(parsePercent(written), undefined, String(written))
})
