import t from 'tap'
import { runBitFlips } from '../../bench/torture/bit-flips.ts'
import { TORTURE_MS_MAX, quiet, shortPlan } from './fixtures/short-plan.ts'

t.setTimeout(TORTURE_MS_MAX)

t.test('over damaged segments it always starts, and tells what it lost', async (t) => {
  const { figures, faults } = await runBitFlips(shortPlan(t), quiet)
  t.strictSame(faults, [])
  t.ok(Number(figures['damaged']) > 0)
})
