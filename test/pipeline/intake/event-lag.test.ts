import t from 'tap'
import type { Frame } from '../../../src/journal/frame.ts'
import { recordWord } from '../../../src/memory/frame-region.ts'
import { EventLag } from '../../../src/pipeline/intake/event-lag.ts'
import { ManualClock } from '../../dlq/fixtures/manual-clock.ts'
import { IntakeRig } from './fixtures/intake-rig.ts'

const RECEIVED_AT_MS = Date.UTC(2026, 10, 22)
const DAY_MS = 86_400_000

function makeRig() {
  const clock = new ManualClock()
  const lag = new EventLag(clock)
  const words = new Int32Array(1 << 18)
  /** `agesMs`: how long before they were received events happened, NaN: nobody knows. As a worker would note them. */
  const commit = (agesMs: readonly number[], receivedAtMs = RECEIVED_AT_MS) => {
    const times = agesMs.map((ageMs) => receivedAtMs - (Number.isNaN(ageMs) ? 0 : ageMs))
    const firstTimeMs = Math.min(...times)
    const frame = { region: 64, runs: 2, records: times.length, firstTimeMs, receivedAtMs } as Frame
    times.forEach((time, record) => {
      words[recordWord(64, 2, record) + 2] = Math.min(time - firstTimeMs, 0xffffffff)
    })
    lag.committed(frame, agesMs.filter((ageMs) => Number.isNaN(ageMs)).length, words)
  }
  return { clock, lag, commit }
}

t.test('lag is received less event time, skew what an event lies behind the newest before it', async (t) => {
  const { lag, commit } = makeRig()
  commit([5000, 4000, 4500, 4000, 3000])
  commit([3800, 2000], RECEIVED_AT_MS + 100)
  const { lastMinute, sinceStart, untimed, ahead } = lag.status()
  t.match(lastMinute, { events: 7, lagMs: { max: 5000 }, skewMs: { p50: 0, max: 700 } })
  t.ok(lastMinute.lagMs.p50 >= 4000 && lastMinute.lagMs.p50 <= 4500)
  t.strictSame(sinceStart, lastMinute)
  t.strictSame({ untimed, ahead }, { untimed: 0, ahead: 0 })
})

t.test('events without a time are counted apart, also beside those that came at once', async (t) => {
  const { lag, commit } = makeRig()
  commit([10, Number.NaN, 0, Number.NaN])
  t.match(lag.status(), { lastMinute: { events: 2, lagMs: { max: 10 }, skewMs: { max: 0 } }, untimed: 2 })
  commit([Number.NaN])
  commit([9])
  t.match(lag.status(), { lastMinute: { events: 3, skewMs: { max: 9 } }, untimed: 3 })
})

t.test('a clock that is ahead does not make all others late', async (t) => {
  const { lag, commit } = makeRig()
  commit([100, -3_600_000, 100, -900])
  t.match(lag.status(), { lastMinute: { events: 3, lagMs: { max: 100 }, skewMs: { max: 0 } }, ahead: 1 })
  commit([-5000, -6000])
  commit([0])
  t.match(lag.status(), { lastMinute: { events: 4, skewMs: { max: 900 } }, ahead: 3 })
})

t.test('what is very late', async (t) => {
  const { lag, commit } = makeRig()
  commit([30 * DAY_MS, 0])
  t.match(lag.status().lastMinute, { events: 2, lagMs: { p50: 0, max: 30 * DAY_MS } }, 'beyond 31 bits')
  commit([30 * DAY_MS])
  t.match(lag.status().lastMinute, { skewMs: { max: 30 * DAY_MS } })
  commit([60 * DAY_MS, 0])
  const { lastMinute, untimed } = lag.status()
  t.equal(untimed, 1, 'so far behind the first of its frame a time is not noted')
  t.equal(lastMinute.lagMs.max, 0xffffffff, 'more counts as that')
  commit([0])
  t.equal(lag.status().lastMinute.skewMs.max, 0xffffffff)
})

t.test('the last minute forgets, the whole does not', async (t) => {
  const { clock, lag, commit } = makeRig()
  commit([8000])
  clock.advance(30_000)
  commit([100], RECEIVED_AT_MS + 30_000)
  clock.advance(30_000)
  t.match(lag.status().lastMinute, { events: 2, lagMs: { max: 8000 } })
  clock.advance(15_000)
  t.match(lag.status().lastMinute, { events: 1, lagMs: { p50: 100, p99: 100, max: 100 } })
  clock.advance(3_600_000)
  t.match(lag.status().lastMinute, { events: 0, lagMs: { p50: 0, p99: 0, max: 0 } })
  commit([50], RECEIVED_AT_MS + 3_700_000)
  t.match(lag.status(), { lastMinute: { events: 1 }, sinceStart: { events: 3, lagMs: { max: 8000 } } })
})

t.test('of full frames quantiles are of a sample, counts and maxima of all', async (t) => {
  const { lag, commit } = makeRig()
  const agesMs = Array.from({ length: 8000 }, (_, record) => 9000 - record)
  agesMs[4001] = 20_000
  commit(agesMs)
  const { events, lagMs, skewMs } = lag.status().lastMinute
  t.equal(events, 8000)
  t.ok(lagMs.p50 > 4900 && lagMs.p50 < 5700)
  t.strictSame([lagMs.max, skewMs.max], [20_000, 20_000 - 5000])
})

t.test('workers tell times, and how many events have none', async (t) => {
  const rig = new IntakeRig({ slabBytes: 128 * 1024, slabs: 12, decoded: true })
  const stream = rig.intake.openStream({
    peer: '10.0.0.9:1',
    framing: 'syslog-newline',
    onDrain: () => {},
    onDone: () => {},
  })
  const at = (agoMs: number) => new Date(rig.clock.wallClock() - agoMs).toISOString()
  stream.write(Buffer.from(`<13>1 ${at(4000)} h a - - - x\n<13>no time\n<13>1 ${at(9000)} h a - - - x\n`))
  stream.end(true)
  await rig.finish()
  const { lastMinute, untimed, ahead } = rig.extents.eventLag.status()
  t.equal(rig.counts.accepted, 3)
  t.strictSame([lastMinute.events, untimed, ahead], [2, 1, 0])
  t.strictSame([lastMinute.lagMs.max, lastMinute.skewMs.max], [9000, 5000])
})
