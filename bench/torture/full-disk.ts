/* oxlint-disable no-await-in-loop -- it waits for others */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import { Scene } from './scene.ts'
import type { Report } from './scene.ts'
import { SmallDisk } from './small-disk.ts'

const DISK_MIB = 160
/** What else lies on the disk, and is taken away. */
const BALLAST_MIB = 110
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
  const scene = await Scene.set(plan, { events: EVENTS, eventsPerSecond: null, sinks: 1, dataDir })
  const figures: Record<string, string | number> = {}
  /** Steps, each of which must come to its end in time. */
  const step = async (what: string, holds: () => boolean | Promise<boolean>) => {
    progress(what)
    if (scene.faults.length > 0) return
    const startMs = performance.now()
    while (!(await holds())) {
      await sleep(POLL_MS)
      if (performance.now() - startMs < PATIENCE_MS && scene.victim.surprises.length === 0) continue
      scene.faults.push(`waited in vain: ${what}`)
      return
    }
    figures[`${what}, s`] = ((performance.now() - startMs) / 1000).toFixed(1)
  }
  const refusing = () => {
    const from = scene.client.refused
    return async () => {
      if (scene.client.refused < from + REFUSALS) return false
      const { ready, reasons } = await scene.victim.readiness()
      if (!ready) figures['not ready because'] = reasons.map(({ reason }) => reason).join('; ')
      return !ready
    }
  }
  const taking = () => {
    const from = scene.witness.told().acknowledged
    return async () => scene.witness.told().acknowledged > from && (await scene.victim.readiness()).ready
  }
  try {
    disk.fill(BALLAST_MIB)
    scene.receiver.become(0, 'dead')
    await scene.begin()
    await step('503 and not ready, the disk is full', refusing())
    await scene.kill()
    await scene.audit('after a kill on a full disk')
    await scene.begin()
    await step('503 and not ready, started on a full disk', refusing())
    disk.free()
    await step('takes events again, the operator made room', taking())
    await step('503 and not ready, full again', refusing())
    scene.beFine()
    await step('takes events again, by delivering', taking())
    await scene.finish()
    return { figures: { ...figures, ...scene.accounts() }, faults: scene.faults }
  } finally {
    await scene.end()
  }
}
