import fc from 'fast-check'
import t from 'tap'
import { KIB, MIB } from '../../../../src/base/units.ts'
import type { DailyQuota } from '../../../../src/pipeline/dispatch/limits/daily-quota.ts'
import { QuotaStore } from '../../../../src/pipeline/dispatch/limits/quota-store.ts'
import { SimulatedDisk } from '../../../helpers/simulated-disk.ts'
import { SimulatedClock } from '../simulated-clock.ts'

const PATH = '/data/limits.json'
const DAY_MS = 86_400_000
const DAY = 20_779
const NOON_MS = DAY * DAY_MS + DAY_MS / 2

class WallClock extends SimulatedClock {
  wallMs = NOON_MS

  override wallClock(): number {
    return this.wallMs
  }

  async passBoth(durationMs: number): Promise<void> {
    this.wallMs += durationMs
    await this.pass(durationMs)
  }
}

/** Life after life of a collector, on one disk. */
class Bench {
  readonly clock = new WallClock()
  readonly failures: string[] = []
  disk: SimulatedDisk
  store!: QuotaStore

  constructor(random: () => number = () => 0.5) {
    this.disk = new SimulatedDisk({ random, directories: ['/data'] })
  }

  async open(): Promise<void> {
    const { clock, disk } = this
    const events = { limitsStoreFailing: (reason: string) => this.failures.push(reason) }
    this.store = new QuotaStore({ path: PATH, io: disk, clock, events })
    await this.store.open()
  }

  async crash(): Promise<void> {
    this.disk = this.disk.crash()
    await this.open()
  }

  written(): unknown {
    return JSON.parse(this.disk.content(PATH).toString())
  }
}

/** Sends as soon as it may; false when not within a second. */
async function send(bench: Bench, quota: DailyQuota, key: string, bytes: number): Promise<boolean> {
  for (let waitedMs = 0; ;) {
    const waitMs = quota.waitMs(key, bytes)
    if (waitMs === 0) {
      quota.take(key, bytes)
      return true
    }
    if ((waitedMs += waitMs) > 1000) return false
    // oxlint-disable-next-line no-await-in-loop
    await bench.clock.passBoth(waitMs)
  }
}

t.test('nothing is sent that was not reserved on disk before', async (t) => {
  const bench = new Bench()
  await bench.open()
  const quota = bench.store.quota('siem', 100 * MIB, 1)
  t.ok(quota.waitMs('', 1000) > 0)
  await bench.clock.pass(0)
  t.match(bench.written(), { day: DAY, sinks: { siem: { '': 1000 + 400 * KIB } } }, 'Q / 256')
  t.equal(quota.waitMs('', 1000), 0)
})

t.test('used up until the next midnight of UTC', async (t) => {
  const bench = new Bench()
  await bench.open()
  const quota = bench.store.quota('siem', 1000, 1)
  t.ok(await send(bench, quota, '', 600))
  t.equal(quota.usedUp, 0)
  t.notOk(await send(bench, quota, '', 600))
  t.ok(await send(bench, quota, '', 400), 'what is left of the day may go')
  const leftMs = NOON_MS + DAY_MS / 2 - bench.clock.wallMs
  t.equal(quota.waitMs('', 1), leftMs)
  t.equal(quota.waitMs('', 0), leftMs, 'also when only asked')
  t.equal(quota.usedUp, 1)
  t.equal(quota.untilTomorrowMs, leftMs)
  bench.clock.wallMs += leftMs - 1
  t.equal(quota.waitMs('', 1), 1)
  bench.clock.wallMs += 1
  t.equal(quota.usedUp, 0)
  t.ok(await send(bench, quota, '', 1000))
})

t.test('a clean stop loses nothing, a crash what was reserved', async (t) => {
  const bench = new Bench()
  await bench.open()
  t.ok(await send(bench, bench.store.quota('siem', 10 * MIB, 1), '', 1000))
  await bench.store.stop()
  await bench.store.stop()
  t.equal(bench.store.quota('siem', 10 * MIB, 1).waitMs('', 1), Infinity, 'nothing goes afterwards')
  t.match(bench.written(), { sinks: { siem: { '': 1000 } } })
  await bench.crash()
  t.ok(await send(bench, bench.store.quota('siem', 10 * MIB, 1), '', 1000))
  await bench.crash()
  const quota = bench.store.quota('siem', 10 * MIB, 1)
  t.notOk(await send(bench, quota, '', 10 * MIB - 2000 - 200 * KIB))
  t.ok(await send(bench, quota, '', 10 * MIB - 2000 - 257 * KIB))
})

t.test('a sink that is gone for a while does not begin its day anew', async (t) => {
  const bench = new Bench()
  await bench.open()
  t.ok(await send(bench, bench.store.quota('siem', 1000, 1), '', 900))
  await bench.store.stop()
  await bench.open()
  t.ok(await send(bench, bench.store.quota('other', 1000, 1), '', 900))
  await bench.store.stop()
  await bench.open()
  t.notOk(await send(bench, bench.store.quota('siem', 1000, 1), '', 200))
})

t.test('quotas may be made before the file is read', async (t) => {
  const bench = new Bench()
  await bench.open()
  t.ok(await send(bench, bench.store.quota('siem', 1000, 1), '', 900))
  await bench.store.stop()
  const { clock, disk: io } = bench
  const store = new QuotaStore({ path: PATH, io, clock })
  const quota = store.quota('siem', 1000, 1)
  await store.open()
  t.notOk(await send(bench, quota, '', 200))
  t.ok(await send(bench, quota, '', 100))
  await store.stop()
  await new QuotaStore({ path: PATH, io, clock }).stop()
})

t.test('a day never begins twice', async (t) => {
  const bench = new Bench()
  await bench.open()
  const quota = bench.store.quota('siem', 1000, 1)
  t.ok(await send(bench, quota, '', 900))
  bench.clock.wallMs += DAY_MS
  t.ok(await send(bench, quota, '', 900))
  bench.clock.wallMs -= DAY_MS
  t.notOk(await send(bench, quota, '', 900), 'the later day goes on')
  t.ok(quota.waitMs('', 900) > DAY_MS)
  await bench.store.stop()
  await bench.open()
  const again = bench.store.quota('siem', 1000, 1)
  t.notOk(await send(bench, again, '', 900), 'over a restart too')
  bench.clock.wallMs += 2 * DAY_MS
  t.ok(await send(bench, again, '', 900))
})

t.test('keys have days of their own, so many of them', async (t) => {
  const bench = new Bench()
  await bench.open()
  const quota = bench.store.quota('siem', 1000, 2)
  for (const key of ['__proto__', 'b', 'c']) t.ok(await send(bench, quota, key, 700), key)
  t.notOk(await send(bench, quota, 'd', 700), 'further ones share one')
  t.notOk(await send(bench, quota, '__proto__', 700))
  t.ok(await send(bench, quota, 'b', 300))
  await bench.store.stop()
  await bench.open()
  const again = bench.store.quota('siem', 1000, 2)
  t.notOk(await send(bench, again, '__proto__', 400))
  t.ok(await send(bench, again, 'd', 300))
  t.notOk(await send(bench, again, 'e', 300))
})

t.test('while the file cannot be written, only what is reserved goes', async (t) => {
  const bench = new Bench()
  await bench.open()
  const quota = bench.store.quota('siem', 10 * MIB, 1)
  t.ok(await send(bench, quota, '', 1000))
  bench.disk.fault = (operation) => (operation === 'datasync' ? 'EIO' : undefined)
  t.ok(await send(bench, quota, '', 200 * KIB))
  t.notOk(await send(bench, quota, '', 200 * KIB))
  t.match(bench.failures, [/EIO/])
  bench.disk.fault = () => undefined
  await bench.clock.passBoth(1000)
  t.ok(await send(bench, quota, '', 200 * KIB))
  bench.disk.fault = () => 'EIO'
  await bench.store.stop()
})

t.test('a file that cannot be read ends the start', async (t) => {
  const bench = new Bench()
  for (const text of [
    '{',
    '{"version":2,"day":1,"sinks":{}}',
    '{"version":1,"day":1,"sinks":{"a":{"":"x"}}}',
  ]) {
    bench.disk.put(PATH, Buffer.from(text))
    await t.rejects(bench.open(), { code: 'SPW_ERR_LIMITS_UNUSABLE' }, text)
  }
  bench.disk.fault = () => 'EACCES'
  await t.rejects(bench.open(), { code: 'SPW_ERR_LIMITS_UNUSABLE', message: /EACCES/ })
})

t.test('whatever is cut off when: at most the quota in every day', async (t) => {
  const step = fc.record({
    what: fc.constantFrom('send', 'send', 'send', 'send', 'crash', 'stop', 'pass', 'fail', 'clock'),
    bytes: fc.integer({ min: 1, max: 400 * KIB }),
    key: fc.constantFrom('', 'a'),
    ticks: fc.nat(12),
    passMs: fc.oneof(fc.nat(2000), fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS })),
  })
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
    async (steps, chances) => {
      const bench = new Bench(() => chances.next().value as number)
      const sent = new Map<string, number>()
      let latestDay = 0
      await bench.open()
      let quota = bench.store.quota('siem', MIB, 2)
      for (const { what, bytes, key, ticks, passMs } of steps) {
        if (what === 'send') {
          const isFree = quota.waitMs(key, bytes) === 0
          latestDay = Math.max(latestDay, Math.floor(bench.clock.wallMs / DAY_MS))
          if (isFree) {
            quota.take(key, bytes)
            const of = `${key} ${latestDay}`
            sent.set(of, (sent.get(of) ?? 0) + bytes)
            if (sent.get(of)! > MIB) return false
          }
        }
        // oxlint-disable no-await-in-loop
        if (what === 'pass') await bench.clock.pass(Math.abs(passMs) % 2000)
        if (what === 'clock') bench.clock.wallMs = Math.max(NOON_MS, bench.clock.wallMs + passMs)
        if (what === 'fail')
          bench.disk.fault = (operation) => (operation === 'datasync' && ticks > 5 ? 'EIO' : undefined)
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
        if (what !== 'crash' && what !== 'stop') continue
        bench.disk.fault = () => undefined
        if (what === 'stop') await bench.store.stop()
        await bench.crash()
        quota = bench.store.quota('siem', MIB, 2)
        // oxlint-enable no-await-in-loop
      }
      return true
    },
  )
  await fc.assert(property, { numRuns: 150 })
  t.pass('held')
})
