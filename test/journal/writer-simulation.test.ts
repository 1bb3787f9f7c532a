/**
 * The writer over a disk that fails, fills up, is slow and loses its power, decided by a seed: whatever was called
 * committed is found where it was said to be. One seed: SPILLWAY_SEED=n.
 */
import t from 'tap'
import { WriterRun } from './fixtures/writer-run.ts'

const SEEDS = 120
const alone = process.env['SPILLWAY_SEED']
const seeds = alone === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed + 1) : [Number(alone)]

t.test('what is committed survives everything', async (t) => {
  const sums = { frames: 0, failures: 0, recoveries: 0, crashes: 0, removed: 0 }
  for (const seed of seeds) {
    const run = new WriterRun(seed)
    try {
      await run.play()
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`)
      return
    }
    for (const [name, count] of Object.entries(run.totals)) sums[name as keyof typeof sums] += count
  }
  t.comment(sums)
  for (const [name, count] of Object.entries(sums)) t.ok(count >= seeds.length, `${count} ${name}`)
})
