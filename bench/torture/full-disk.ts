/* oxlint-disable no-await-in-loop -- it waits for others */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import { Scene } from './scene.ts'
import type { Report } from './scene.ts'
import { SmallDisk } from './small-disk.ts'

const DISK_MIB = 56
/** What else lies on the disk, and is taken away. */
const BALLAST_MIB = 28
const EVENTS = 2_000_000
const REFUSALS = 20
const POLL_MS = 50
const PATIENCE_MS = 30_000

/** null: nobody here may mount a small file system. */
export async function runFullDisk(plan: Plan, progress: (text: string) => void): Promise<Report | null> {
  const path = mkdtempSync(join(plan.parent, 'spillway-small-disk-'))
  const disk = SmallDisk.mount(path, DISK_MIB)
  try {
    return disk === null ? null : await fill(plan, disk, progress)
  } finally {
    disk?.unmount()
    rmSync(path, { recursive: true, force: true })
  }
}

/**
 * The disk is filled while nothing is delivered, the collector is killed in its plight, gets room from the operator, fills the
 * disk again, and gets room by delivering.
 */
async function fill(plan: Plan, disk: SmallDisk, progress: (text: string) => void): Promise<Report> {
  const dataDir = join(disk.path, 'data')
  // Who waits for the disk is told so soon.
  const source = { idle_timeout: '2s' }
  const options = { events: EVENTS, eventsPerSecond: null, sinks: 1, dataDir, source } as const
  return await Scene.play(plan, options, async (scene) => {
    const steps = new Steps(scene, progress)
    disk.fill(BALLAST_MIB)
    scene.receiver.become(0, 'dead')
    await scene.begin()
    await steps.refusing('503 and not ready, the disk is full')
    await scene.kill()
    await scene.audit('after a kill on a full disk')
    await scene.begin()
    await steps.refusing('503 and not ready, started on a full disk')
    disk.free()
    await steps.taking('takes events again, the operator made room')
    await steps.refusing('503 and not ready, full again')
    scene.beFine()
    await steps.taking('takes events again, by delivering')
    await scene.finish()
    return steps.figures
  })
}

/** What must happen one after another, each in its time. */
class Steps {
  readonly figures: Record<string, string | number> = {}
  readonly #scene: Scene
  readonly #progress: (text: string) => void

  constructor(scene: Scene, progress: (text: string) => void) {
    this.#scene = scene
    this.#progress = progress
  }

  async refusing(what: string): Promise<void> {
    const { client, victim } = this.#scene
    const from = client.refused
    await this.#step(what, async () => {
      if (client.refused < from + REFUSALS) return false
      const { ready, reasons } = await victim.readiness()
      if (!ready) this.figures['not ready because'] = reasons.map(({ reason }) => reason).join('; ')
      return !ready
    })
  }

  async taking(what: string): Promise<void> {
    const { client, victim } = this.#scene
    const from = client.taken
    await this.#step(what, async () => client.taken > from && (await victim.readiness()).ready)
  }

  async #step(what: string, holds: () => Promise<boolean>): Promise<void> {
    this.#progress(what)
    const { faults, victim } = this.#scene
    const startMs = performance.now()
    while (faults.length === 0 && !(await holds())) {
      await sleep(POLL_MS)
      if (performance.now() - startMs > PATIENCE_MS || victim.surprises.length > 0)
        faults.push(`waited in vain: ${what}`)
    }
    this.figures[`${what}, s`] = ((performance.now() - startMs) / 1000).toFixed(1)
  }
}
