/** What the torture of bench/torture.ts says of a journal on disk, and that it can say otherwise. */
import t from 'tap'
import { runKills } from '../../bench/torture/kills.ts'
import { TORTURE_MS_MAX, quiet, shortPlan } from './fixtures/short-plan.ts'

t.setTimeout(TORTURE_MS_MAX)

t.test('killed again and again, it loses nothing that it acknowledged', async (t) => {
  const { figures, faults } = await runKills(shortPlan(t), quiet)
  t.strictSame(faults, [])
  t.ok(Number(figures['acknowledged']) > 0, `${figures['acknowledged']} events were acknowledged`)
  t.equal(figures['first: LOST'], 0)
})

t.test('in memory it loses events, and the witness notices', async (t) => {
  const { figures, faults } = await runKills(shortPlan(t, { mode: 'memory' }), quiet)
  t.ok(Number(figures['first: LOST']) > 0, `${figures['first: LOST']} events were lost`)
  t.ok(faults.some((fault) => fault.startsWith('first: ') && fault.endsWith('acknowledged events are lost')))
})
