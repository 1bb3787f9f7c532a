/* oxlint-disable no-await-in-loop -- one death after another */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { damageSegment } from './damage.ts'
import type { Plan } from './plan.ts'
import { SINKS, Scene, total } from './scene.ts'
import type { Report } from './scene.ts'

const LIFE_MS = 700
const ROUND_S = 2
/** How the audit tells of damage. */
const NAMED = /segment \d+ .*(damaged|unreadable)/

/**
 * Killed, and its journal damaged, round after round, while the second sink is dead, so that much of the journal is still
 * needed. It must always start, and what does not come must be in the ledger as discarded.
 */
export async function runBitFlips(plan: Plan, progress: (text: string) => void): Promise<Report> {
  if (plan.mode === 'memory') throw new Error('--bit-flips: in memory mode there is no journal to damage')
  const { eventsPerSecond } = plan
  const events = eventsPerSecond * (plan.kills + 1) * ROUND_S
  const options = { events, eventsPerSecond, sinks: 2, lossesAreKnown: true } as const
  return await Scene.play(plan, options, async (scene) => {
    const done: string[] = []
    let untold = 0
    let named = 0
    scene.receiver.become(1, 'dead')
    for (let round = 1; round <= plan.kills && scene.faults.length === 0; round++) {
      await scene.live()
      await sleep(scene.random() * LIFE_MS)
      await scene.kill()
      const damage = damageSegment(join(scene.victim.dataDir, 'journal'), scene.random)
      if (damage === null) continue
      untold += damage.untold
      done.push(damage.what)
      const { code, text } = await scene.victim.audit()
      if (code === 1 && NAMED.test(text)) named++
      else if (code !== 0) scene.faults.push(`audit after ${damage.what}: exit code ${code}: ${text}`)
      progress(`round ${round} of ${plan.kills}: ${damage.what}`)
    }
    const discarded = scene.faults.length === 0 ? await lastLife(scene, untold) : [0, 0]
    if (scene.faults.length > 0) scene.faults.push(...done)
    return {
      damaged: done.length,
      'audits that named damage': named,
      'events cut off the end of the log': untold,
      'first: discarded': discarded[0]!,
      'second: discarded': discarded[1]!,
    }
  })
}

/** Everything comes that can; resolves to what each sink's ledger says is discarded. */
async function lastLife(scene: Scene, untold: number): Promise<number[]> {
  if ((await scene.live()) === null) return [0, 0]
  await sleep(LIFE_MS)
  scene.beFine()
  await scene.client.stop()
  await scene.drained(scene.sinks)
  await scene.checkLedger()
  const { ledger } = await scene.victim.status()
  await scene.victim.stop()
  return scene.sinks.map((sink) => {
    const name = SINKS[sink]!
    const discarded = total(ledger.sinks[name]!.discarded)
    const { missing } = scene.witness.receivedBy(sink)
    if (missing > discarded + untold)
      scene.faults.push(
        `${name}: ${missing} events are lost, only ${discarded} are in the ledger as discarded`,
      )
    return discarded
  })
}
