import t from 'tap'
import { runBeside } from '../../bench/torture/dead-sink.ts'
import { runFullDisk } from '../../bench/torture/full-disk.ts'
import { TORTURE_MS_MAX, quiet, shortPlan } from './fixtures/short-plan.ts'

t.setTimeout(TORTURE_MS_MAX)

t.test('a sink that was dead gets all that it missed', async (t) => {
  const { perSecond, report } = await runBeside(shortPlan(t), 2)
  t.strictSame(report.faults, [])
  t.ok(perSecond > 0, `the other one got ${Math.round(perSecond)} events a second meanwhile`)
})

t.test('on a full disk it says so, and goes on by itself when there is room', async (t) => {
  const report = await runFullDisk(shortPlan(t), quiet)
  if (report === null) t.pass('skipped: no file system can be mounted here')
  else t.strictSame(report.faults, [])
})
