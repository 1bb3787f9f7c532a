/**
 * Dispatchers in virtual time before receivers that fail in every way, each decided by a seed. `npm run simulate:delivery`
 * plays more of them; a failing seed is played alone with `-- --seeds 1 --from SEED --trace`.
 */
/* oxlint-disable no-await-in-loop */
import t from 'tap'
import { Life } from './receivers/life.ts'

const SEEDS = 200

t.test('whatever a receiver does, every promise is kept', async (t) => {
  const sums: Record<string, number> = {}
  for (let seed = 1; seed <= SEEDS; seed++) {
    const life = new Life(seed)
    try {
      await life.play()
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`)
      return
    }
    for (const [name, value] of Object.entries(life.totals)) sums[name] = (sums[name] ?? 0) + value
  }
  t.comment(sums)
  for (const what of ['letters', 'deferrals', 'opened', 'held', 'paused', 'split'])
    t.ok(sums[what]! > SEEDS / 10, `${sums[what]} ${what}`)
})
