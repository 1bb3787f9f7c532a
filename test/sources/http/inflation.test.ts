import { constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { Inflation } from '../../../src/pipeline/inflation/inflation.ts'
import { InflaterPermits, inflaterPermits } from '../../../src/pipeline/inflation/inflater-permits.ts'
import { ZSTD_WINDOW_BYTES_MAX, zstdWindowBytes } from '../../../src/pipeline/inflation/zstd-window.ts'
import { INFLATERS_MAX } from '../../../src/pipeline/limits.ts'
import { NOTHING_LEFT, Rig } from './rig.ts'
import { head, makeEvents, post, RawClient } from './raw-client.ts'
import { until } from '../../helpers/until.ts'

const KIB = 1024
const EVENTS = makeEvents(5000, 300)
const LINES = { 'content-type': 'application/x-ndjson' }
const GZIP = { ...LINES, 'content-encoding': 'gzip' }
const ZSTD = { ...LINES, 'content-encoding': 'zstd' }
const lines = (from: number, to: number) =>
  EVENTS.slice(from, to)
    .map((event) => `${event}\n`)
    .join('')
const chunked = async function* (bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function stopped(t: Test, rig: Rig): Promise<void> {
  await rig.settled()
  t.strictSame(rig.ledger.imbalances(), [], 'the ledger balances')
  t.strictSame(await rig.stop(), NOTHING_LEFT, 'nothing is left')
  await until(() => inflaterPermits.free === INFLATERS_MAX)
}

t.test('gzip and zstd, whole, in members, in pieces', async (t) => {
  const rig = await Rig.start()
  const all = lines(0, 5000)
  const half = [lines(0, 2500), lines(2500, 5000)]
  const gzipped = gzipSync(all)
  const zstd = zstdCompressSync(all)
  const skippable = Buffer.from('502a4d1803000000616263', 'hex')
  const cases: [string, Record<string, string>, Uint8Array | AsyncIterable<Uint8Array>][] = [
    ['gzip', GZIP, gzipped],
    ['x-gzip', { ...GZIP, 'content-encoding': 'X-Gzip' }, gzipped],
    ['gzip in pieces', GZIP, chunked(gzipped, 97)],
    ['gzip members', GZIP, Buffer.concat(half.map((part) => gzipSync(part)))],
    ['gzip members in pieces', GZIP, chunked(Buffer.concat(half.map((part) => gzipSync(part))), 501)],
    ['gzip with an empty member', GZIP, Buffer.concat([gzipSync(''), gzipped])],
    ['zstd', ZSTD, zstd],
    ['zstd in pieces', ZSTD, chunked(zstd, 97)],
    ['zstd frames', ZSTD, Buffer.concat(half.map((part) => zstdCompressSync(part)))],
    ['zstd frames in pieces', ZSTD, chunked(Buffer.concat(half.map((part) => zstdCompressSync(part))), 501)],
    ['zstd, many frames', ZSTD, Buffer.concat(EVENTS.map((event) => zstdCompressSync(`${event}\n`)))],
    ['zstd behind a skippable frame', ZSTD, Buffer.concat([skippable, zstd, skippable])],
  ]
  for (const [form, headers, body] of cases) {
    rig.delivered.length = 0
    const { status, json } = await post(rig.url, body, headers)
    t.strictSame([status, json], [200, { accepted: 5000, rejected: 0, errors: [] }], form)
    await rig.settled()
    t.ok(
      rig.delivered.every((text, index) => text === EVENTS[index]),
      `${form}: unchanged, in order`,
    )
  }
  const array = await post(rig.url, gzipSync(`[${EVENTS.join(',')}]`), {
    ...GZIP,
    'content-type': 'application/json',
  })
  t.match(array, { status: 200, json: { accepted: 5000 } })
  await stopped(t, rig)
})

t.test('what is broken is a 400 with the counts', async (t) => {
  const rig = await Rig.start()
  for (const [coding, compress, headers] of [
    ['gzip', gzipSync, GZIP],
    ['zstd', zstdCompressSync, ZSTD],
  ] as const) {
    const good = compress(lines(0, 5000))
    const flipped = Buffer.from(good)
    flipped[good.length >> 1]! ^= 0xff
    for (const [what, body] of [
      ['cut short', good.subarray(0, -9)],
      ['cut in its head', good.subarray(0, 3)],
      ['not compressed', Buffer.from(lines(0, 10))],
      ['garbage behind', Buffer.concat([good, Buffer.from('garbage')])],
      ['a bit flipped', flipped],
      ['another coding', deflateSync(lines(0, 10))],
    ] as const) {
      const { status, json } = await post(rig.url, body, headers)
      t.equal(status, 400, `${coding}, ${what}`)
      t.match(json, { error: new RegExp(`not whole ${coding}: `), accepted: Number, rejected: Number })
      await rig.settled()
      t.strictSame(rig.ledger.imbalances(), [])
    }
  }
  const behind = await post(rig.url, Buffer.concat([gzipSync(lines(0, 10)), Buffer.from('garbage')]), GZIP)
  t.match(behind, { status: 400 })
  await stopped(t, rig)
})

t.test('bombs', async (t) => {
  const rig = await Rig.start({ config: { maxInflatedBytes: 4 * KIB * KIB } })
  rig.keepText = false
  const bomb = Buffer.from(`{"a":1}\n${'\n'.repeat(64 * KIB * KIB)}`)
  for (const [coding, body, headers] of [
    ['gzip', gzipSync(bomb), GZIP],
    ['zstd', zstdCompressSync(bomb), ZSTD],
    [
      'zstd, endless frames',
      Buffer.concat(Array.from({ length: 512 }, () => zstdCompressSync(bomb.subarray(0, 64 * KIB)))),
      ZSTD,
    ],
  ] as const) {
    const { status, json } = await post(rig.url, body, headers)
    t.match(
      { status, json },
      { status: 413, json: { error: /max_inflated_bytes, 4 ?MiB/, rejected: 0 } },
      coding,
    )
    t.ok(json.accepted >= 1, coding)
    await rig.settled()
  }
  t.ok(process.memoryUsage().rss < 1024 * KIB * KIB)
  await stopped(t, rig)
})

t.test('zstd windows', async (t) => {
  const big = Buffer.from(
    Array.from({ length: 2.5 * KIB * KIB }, (_, i) => 32 + (((i * 2654435761) >>> 25) % 90)),
  )
  for (const windowLog of [10, 17, 21]) {
    const params = { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_contentSizeFlag]: 0 }
    t.equal(zstdWindowBytes(zstdCompressSync(big, { params })), 2 ** windowLog, `2^${windowLog}`)
  }
  for (const size of [0, 1, 255, 256, 300, 65_791, 65_792, 100_000]) {
    const frame = zstdCompressSync(big.subarray(0, size))
    t.equal(zstdWindowBytes(frame), Math.max(KIB, size), `a single segment of ${size}`)
  }
  t.equal(zstdWindowBytes(Buffer.from('28b52f', 'hex')), ZSTD_WINDOW_BYTES_MAX, 'unknown is the largest')
  const rig = await Rig.start()
  const pad = Buffer.alloc(9 * KIB * KIB, 0x0a)
  const frame = (windowLog: number) =>
    zstdCompressSync(Buffer.concat([Buffer.from(lines(0, 100)), pad]), {
      params: { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_contentSizeFlag]: 0 },
    })
  t.match(await post(rig.url, frame(23), ZSTD), { status: 200, json: { accepted: 100 } })
  t.match(await post(rig.url, frame(24), ZSTD), { status: 400, json: { error: /window of more than 8 MiB/ } })
  await stopped(t, rig)
})

t.test('permits: in the order of asking, and no more than there are', async (t) => {
  const permits = new InflaterPermits(4)
  const granted: string[] = []
  const ask = (name: string, count: number) =>
    permits.acquire(count, (given) => granted.push(`${name} ${given}`))
  ask('a', 3)
  ask('b', 2)
  const c = ask('c', 1)
  t.strictSame(granted, ['a 3'], 'c does not pass b')
  permits.release(3)
  t.strictSame(granted, ['a 3', 'b 2', 'c 1'])
  ask('d', 9)
  const e = ask('e', 2)
  const f = ask('f', 1)
  e.cancel()
  c.cancel()
  permits.release(3)
  t.strictSame(granted.slice(3), ['d 4'], 'more than all is all')
  permits.release(4)
  t.strictSame(granted.slice(4), ['f 1'])
  f.cancel()
  t.equal(permits.free, 3)
})

t.test('bodies wait for an inflater, unread, and are not idle', async (t) => {
  const rig = await Rig.start({ config: { idleTimeoutMs: 500 } })
  let granted = 0
  inflaterPermits.acquire(INFLATERS_MAX, (count) => (granted = count))
  t.equal(granted, INFLATERS_MAX)
  const answers = Promise.all([1, 2, 3].map(() => post(rig.url, gzipSync(lines(0, 100)), GZIP)))
  const gone = await RawClient.connect(rig.port)
  gone.send(head(100, GZIP))
  gone.send(gzipSync('{"a":1}\n').subarray(0, 15))
  await until(() => rig.source.requestsInHand === 4)
  gone.destroy()
  await until(() => rig.source.requestsInHand === 3)
  await new Promise((resolve) => setTimeout(resolve, 1200))
  t.equal(rig.ledger.sources[0]!.received, 0)
  inflaterPermits.release(INFLATERS_MAX)
  for (const answer of await answers) t.match(answer, { status: 200, json: { accepted: 100 } })
  await stopped(t, rig)
})

t.test('a paused inflation holds little, and goes on', async (t) => {
  const got: number[] = []
  const seen = { end: false }
  const permits = new InflaterPermits(64)
  const inflation: Inflation = new Inflation(
    'gzip',
    {
      inflated: (chunk) => {
        got.push(chunk.length)
        inflation.pause()
      },
      inflaterWantsMore: () => {},
      inflationEnded: () => (seen.end = true),
      inflationFailed: (reason) => t.fail(reason),
    },
    permits,
  )
  inflation.write(gzipSync(Buffer.alloc(1_000_000)))
  inflation.end()
  await until(() => got.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(got.length, 1)
  for (let before = got.length; !seen.end; before = got.length) {
    inflation.resume()
    await until(() => seen.end || got.length > before)
  }
  t.equal(
    got.reduce((sum, bytes) => sum + bytes),
    1_000_000,
  )
  t.ok(Math.max(...got) <= 64 * KIB)
  await until(() => permits.free === 64)
})
