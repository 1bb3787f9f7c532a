/** The torture of bench/torture.ts, made short: what it says of a journal on disk, and that it can say otherwise. */
import t from 'tap'
import type { Plan } from '../../bench/torture/plan.ts'
import { runBitFlips } from '../../bench/torture/bit-flips.ts'
import { runBeside } from '../../bench/torture/dead-sink.ts'
import { runFullDisk } from '../../bench/torture/full-disk.ts'
import { runKills } from '../../bench/torture/kills.ts'
import { temporaryDirectory } from '../helpers/collector.ts'

const plan = (changes: Partial<Plan>): Plan => ({
  scenario: 'kills',
  seed: 20_261,
  kills: 6,
  eventsPerSecond: 4000,
  seconds: 2,
  sinks: 2,
  mode: 'disk',
  parent: temporaryDirectory(t),
  ...changes,
})

const quiet = () => {}

t.setTimeout(120_000)

t.test('killed again and again, it loses nothing that it acknowledged', async (t) => {
  const { figures, faults } = await runKills(plan({}), quiet)
  t.strictSame(faults, [])
  t.ok(Number(figures['acknowledged']) > 0, `${figures['acknowledged']} events were acknowledged`)
  t.equal(figures['first: LOST'], 0)
})

t.test('in memory it loses events, and the witness notices', async (t) => {
  const { figures, faults } = await runKills(plan({ mode: 'memory', kills: 4 }), quiet)
  t.ok(Number(figures['first: LOST']) > 0, `${figures['first: LOST']} events were lost`)
  t.match(
    faults.filter((fault) => /acknowledged events are lost/.test(fault)),
    [/^first/],
  )
})

t.test('a sink that was dead gets all that it missed', async (t) => {
  const { perSecond, report } = await runBeside(plan({}), 2)
  t.strictSame(report.faults, [])
  t.ok(perSecond > 0, `the other one got ${Math.round(perSecond)} events a second meanwhile`)
})

t.test('over damaged segments it always starts, and tells what it lost', async (t) => {
  const { figures, faults } = await runBitFlips(plan({ kills: 5 }), quiet)
  t.strictSame(faults, [])
  t.ok(Number(figures['damaged']) > 0)
})

t.test('on a full disk it says so, and goes on by itself when there is room', async (t) => {
  const report = await runFullDisk(plan({}), quiet)
  if (report === null) t.pass('skipped: no file system can be mounted here')
  else t.strictSame(report.faults, [])
})
