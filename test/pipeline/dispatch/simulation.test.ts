/**
 * The dispatcher under simulated time against a destination that fails in every way it may, with frames, settings and
 * faults drawn from a seed. A failing run prints its seed; run it alone with SPILLWAY_SEED=<seed>.
 */
import t from 'tap'
import { Run } from './simulated-run.ts'

const SEEDS = 200
const alone = process.env['SPILLWAY_SEED']
const seeds = alone === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(alone)]

t.test('every event is delivered or dead-lettered once, or is left in the log', async (t) => {
  let sent = 0
  let dead = 0
  let deferrals = 0
  for (const seed of seeds) {
    const run = new Run(seed)
    try {
      // oxlint-disable-next-line no-await-in-loop
      await run.play()
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`)
      t.comment(run.settings, run.rig.dispatcher.status())
      return
    }
    sent += run.rig.sink.requests.length
    dead += run.rig.letters.lines.length
    deferrals += run.deferrals
  }
  t.ok(sent > seeds.length * 10, `${sent} requests`)
  t.ok(dead > 0, `${dead} dead letters`)
  t.ok(deferrals > 0, `${deferrals} deferred frames`)
})
