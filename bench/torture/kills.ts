/* oxlint-disable no-await-in-loop -- one death after another */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import { Scene } from './scene.ts'
import type { Report } from './scene.ts'

/** So long at most a collector lives, once it has taken something. */
const LIFE_MS = 900
/** Of all kills, so many come while it starts, before it takes anything. */
const DURING_START = 0.3
const FIRST_START_MS = 600
/** What a kill takes at most, start and audit and all, for the size of the witness. */
const ROUND_S = 2
const LAST_LIFE_MS = 500

/** `kill -9` at random moments under load, also while it starts and recovers; started again at once, and audited between. */
export async function runKills(plan: Plan, progress: (text: string) => void): Promise<Report> {
  const { eventsPerSecond, sinks } = plan
  const events = eventsPerSecond * (plan.kills + 1) * ROUND_S
  return await Scene.play(plan, { events, eventsPerSecond, sinks }, async (scene) => {
    let startMs = FIRST_START_MS
    let startMsMax = 0
    let duringStart = 0
    let kills = 0
    scene.beMoody()
    while (kills < plan.kills && scene.faults.length === 0) {
      if (scene.random() < DURING_START) {
        duringStart++
        scene.victim.start().catch(() => {})
        await sleep(scene.random() * startMs)
      } else {
        startMs = (await scene.live()) ?? startMs
        startMsMax = Math.max(startMsMax, startMs)
        await sleep(scene.random() * LIFE_MS)
      }
      await scene.kill()
      await scene.audit(`after kill ${++kills}`)
      progress(`kill ${kills} of ${plan.kills}`)
    }
    if (scene.faults.length === 0) await lastLife(scene)
    return { kills, 'of these while it started': duringStart, 'slowest start, ms': Math.round(startMsMax) }
  })
}

/** It may live on until all has come, and is stopped as it should be. */
async function lastLife(scene: Scene): Promise<void> {
  if ((await scene.live()) === null) return
  await sleep(LAST_LIFE_MS)
  scene.beFine()
  await scene.finish()
}
