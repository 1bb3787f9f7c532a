import t from 'tap'
import { parseConfig } from '../../../src/app/config/load.ts'
import { parseBuckets, since, withinMs } from '../../../src/commands/demo/latency.ts'
import { NumberSet } from '../../../src/commands/demo/number-set.ts'
import { demoConfig, demoScenario } from '../../../src/commands/demo/plan.ts'
import { eventsDueBy, malformedShareAt, moodAt, spikeAt } from '../../../src/commands/demo/scenario.ts'
import { MIB } from '../../../src/base/units.ts'
import { temporaryDirectory } from '../../helpers/collector.ts'

t.test('what is due is the rate, summed up', async (t) => {
  for (const length of ['10s', '30s', '2m']) {
    const scenario = demoScenario({ duration: length })
    const { eventsPerSecond, spike, durationMs } = scenario
    let summed = 0
    let farthest = 0
    for (let atMs = 0; atMs < durationMs; atMs += 5) {
      summed += (spikeAt(scenario, atMs) ? eventsPerSecond * spike : eventsPerSecond) * 0.005
      farthest = Math.max(farthest, Math.abs(eventsDueBy(scenario, atMs + 5) - summed))
    }
    t.ok(farthest <= eventsPerSecond * spike * 0.01, `${length}: ${farthest} events apart`)
    t.equal(eventsDueBy(scenario, durationMs * 2), eventsDueBy(scenario, durationMs), 'no more after the end')
  }
})

t.test('the SIEM throttles, is slow, and is fine in the end', async (t) => {
  const scenario = demoScenario({})
  const moods = Array.from({ length: 320 }, (_, tenth) => moodAt(scenario, tenth * 100))
  t.same([...new Set(moods.map(({ kind }) => kind))], ['fine', 'throttling', 'slow'])
  t.equal(moods.at(-1)!.kind, 'fine')
  t.ok(
    moods.some((mood, tenth) => mood.kind === 'throttling' && spikeAt(scenario, tenth * 100)),
    'in the spike too',
  )
  t.equal(malformedShareAt(scenario, 0), 0)
  t.equal(malformedShareAt(scenario, 10_000), 0.03)
})

t.test('a long demonstration tells the story over and over', async (t) => {
  t.match(demoScenario({ duration: '45s' }), { durationMs: 45_000, cycleMs: 45_000 })
  t.match(demoScenario({ duration: '2m' }), { durationMs: 120_000, cycleMs: 40_000 })
})

t.test('options that are none', async (t) => {
  const cases: readonly (readonly [Parameters<typeof demoScenario>[0], string])[] = [
    [{ duration: '5' }, '--duration: 5 is no time from 1s to 10m, such as 30s'],
    [{ duration: '11m' }, '--duration: 11m is no time from 1s to 10m, such as 30s'],
    [{ rate: '0' }, '--rate: 0 is no whole number such as 500 or 5k'],
    [{ spike: 'huge' }, '--spike: huge is no factor from 1, such as 10x'],
    [{ spike: '0.5' }, '--spike: 0.5 is no factor from 1, such as 10x'],
    [{ spike: '1000x' }, '--spike: 1000 times 5000 is more than 300000 events a second'],
  ]
  for (const [options, message] of cases) {
    t.throws(() => demoScenario(options), { code: 'SPW_ERR_OPTION_INVALID', exitCode: 2, message })
  }
})

t.test('the configuration is one, with an arena that a spike fills', async (t) => {
  const directory = temporaryDirectory(t)
  const host = { env: {}, cwd: directory, cores: 2 }
  const arenaBytes = (options: Parameters<typeof demoScenario>[0]) =>
    parseConfig(demoConfig(demoScenario(options), 'http://127.0.0.1:1/'), 'demo', directory, host).config
      .memory.arenaBytes
  t.equal(arenaBytes({}), 16 * MIB)
  t.equal(arenaBytes({ duration: '1s', rate: '1', spike: '1' }), 4 * MIB)
  t.equal(arenaBytes({ duration: '10m', rate: '3k', spike: '100x' }), 64 * MIB)
})

t.test('numbers are counted once', async (t) => {
  const numbers = new NumberSet()
  t.ok([0, 7, 8, 1_000_000, 9000].every((number) => numbers.add(number)))
  t.notOk(numbers.add(8))
  t.notOk(numbers.add(1_000_000))
  t.equal(numbers.count, 5)
})

const HISTOGRAM = (counts: readonly number[]) =>
  ['0.1', '0.5', '+Inf'].map((le, index) => `x_bucket{sink="siem",le="${le}"} ${counts[index]}`).join('\n')

t.test('latency is told by the bucket that it lies in', async (t) => {
  const buckets = parseBuckets(`# HELP x\n${HISTOGRAM([50, 98, 100])}\nx_sum{sink="siem"} 7\n`)
  t.equal(withinMs(buckets, 0.5), 100)
  t.equal(withinMs(buckets, 0.98), 500)
  t.equal(withinMs(buckets, 0.99), Infinity)
  const later = parseBuckets(HISTOGRAM([50, 198, 200]))
  t.equal(withinMs(since(later, buckets), 0.99), 500)
  t.ok(Number.isNaN(withinMs(since(later, later), 0.5)))
  t.ok(Number.isNaN(withinMs(parseBuckets(''), 0.5)))
  const bothLanes = parseBuckets(`${HISTOGRAM([60, 60, 60])}\n${HISTOGRAM([0, 40, 40])}`)
  t.equal(withinMs(bothLanes, 0.5), 100)
  t.equal(withinMs(bothLanes, 0.99), 500, 'over all lanes')
})
