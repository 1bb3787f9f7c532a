/**
 * The journal from the disk to the destinations under faults that a seed decides: one life of a collector after another on
 * one simulated disk, with power cuts, kills, a full, failing or slow disk, destinations in all moods and changes of the
 * configuration in between. A witness (simulation/witness.ts) knows what was promised. More seeds: `npm run simulate`.
 */
import t from 'tap'
import { sabotages } from './simulation/sabotage.ts'
import { World } from './simulation/world.ts'
import type { WorldOptions } from './simulation/world.ts'

const SEEDS = 40
const FLIP_SEEDS = 10
/** A broken promise must be noticed within so many. */
const CONTROL_SEEDS = 60

/** Null when nothing was noticed. */
async function play(seed: number, options: WorldOptions = {}): Promise<unknown> {
  const world = new World(seed, options)
  const note = (error: unknown) => {
    world.uncaught ??= error
  }
  process.on('uncaughtException', note)
  try {
    await world.play()
    return null
  } catch (error) {
    return error
  } finally {
    process.off('uncaughtException', note)
  }
}

async function playAll(t: Tap, seeds: number, options: WorldOptions): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) {
    const error = await play(seed, options)
    if (error === null) continue
    t.fail(`seed ${seed}: ${(error as Error).stack}`)
    t.comment(
      `npm run simulate -- --seeds 1 --from ${seed}${options.flips === true ? ' --flips' : ''} --trace`,
    )
    return
  }
  t.pass(`${seeds} seeds`)
}

type Tap = typeof t

t.test('what is acknowledged is delivered, whatever happens', (t) => playAll(t as Tap, SEEDS, {}))

t.test('what damage takes is counted', (t) => playAll(t as Tap, FLIP_SEEDS, { flips: true }))

for (const [name, sabotage] of Object.entries(sabotages)) {
  t.test(`it is noticed when ${name}`, async (t) => {
    for (let seed = 1; seed <= CONTROL_SEEDS; seed++) {
      const error = await play(seed, { sabotage })
      if (error === null) continue
      t.pass(`seed ${seed}: ${(error as Error).message.split('\n')[0]}`)
      return
    }
    t.fail(`not within ${CONTROL_SEEDS} seeds`)
  })
}
