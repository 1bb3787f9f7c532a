import t from 'tap'
import { backoffMs } from '../../../src/pipeline/dispatch/backoff.ts'

const retry = { initialMs: 1000, maxMs: 30_000 }

t.test('doubles up to the longest, with full jitter', async (t) => {
  const longest = [1, 2, 3, 4, 5, 6, 2000].map((failures) => backoffMs(retry, failures, () => 1))
  t.strictSame(longest, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  t.equal(
    backoffMs(retry, 3, () => 0.25),
    1000,
  )
  t.equal(
    backoffMs(retry, 3, () => 0),
    0,
  )
})
