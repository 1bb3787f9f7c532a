/**
 * The queue over a disk that fails at random, decided by a seed: whatever was acknowledged is there once or was evicted
 * with a count, and the bound holds at every moment. One seed: SPILLWAY_SEED=n.
 */
import t from 'tap'
import { FaultyDisk } from './fixtures/faulty-disk.ts'
import { idsOn, letters, queueOn, settle } from './fixtures/harness.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

const SOURCES = ['push', 'lines', 'a-1']
const CODES = ['EIO', 'ENOSPC', 'EROFS']
const STEPS = 60

const seeds = process.env['SPILLWAY_SEED']
  ? [Number(process.env['SPILLWAY_SEED'])]
  : Array.from({ length: 60 }, (_, seed) => seed + 1)

interface Run {
  readonly random: () => number
  readonly disk: FaultyDisk
  readonly made: ReturnType<typeof queueOn>
  readonly acknowledged: Set<string>
  written: number
}

function begin(seed: number, options: { maxBytes?: number }): Run {
  const random = seededRandom(seed)
  const disk = new FaultyDisk()
  return {
    random,
    disk,
    made: queueOn(disk, { fileBytesMax: 400, ...options }),
    acknowledged: new Set(),
    written: 0,
  }
}

function setFaults({ disk, random }: Run, probability: number): void {
  disk.writeBytesMax = () => (random() < 0.2 ? 1 + Math.floor(random() * 60) : Infinity)
  disk.fault = () => (random() < probability ? CODES[Math.floor(random() * CODES.length)] : undefined)
}

function writeSome(run: Run): void {
  const count = 1 + Math.floor(run.random() * 3)
  const ids = Array.from({ length: count }, () => String(run.written++))
  const source = SOURCES[Math.floor(run.random() ** 2 * SOURCES.length)]!
  run.made.queue.write(source, letters(ids, Math.floor(run.random() * 80)), count).then(
    () => ids.forEach((id) => run.acknowledged.add(id)),
    () => {},
  )
}

async function step(run: Run): Promise<void> {
  if (run.random() < 0.1) setFaults(run, run.random() < 0.5 ? 0.25 : 0)
  for (let writes = Math.floor(run.random() * 4); writes > 0; writes--) writeSome(run)
  if (run.random() < 0.7) await settle()
  if (run.random() < 0.5) run.made.clock.advance(run.random() * 3000)
}

/** Until the disk works and everything is acknowledged. */
async function heal(run: Run): Promise<void> {
  run.disk.fault = () => undefined
  for (let attempt = 0; attempt < 20; attempt++) {
    await settle()
    run.made.clock.advance(5000)
  }
  await settle()
}

t.test('what is acknowledged is there exactly once', async (t) => {
  for (const seed of seeds) {
    const run = begin(seed, {})
    await run.made.queue.start()
    for (let at = 0; at < STEPS; at++) await step(run)
    await heal(run)
    const { queue, counts, clock } = run.made
    await queue.stop()
    const ids = idsOn(run.disk).toSorted()
    const right =
      run.acknowledged.size === run.written &&
      ids.length === run.written &&
      ids.every((id) => run.acknowledged.has(id)) &&
      counts.queued === run.written &&
      queue.healthy &&
      run.disk.openCount === 0 &&
      clock.timerCount === 0
    t.ok(right, `seed ${seed}`, { counts, written: run.written, acknowledged: run.acknowledged.size, ids })
  }
})

t.test('within a bound, what is not there was evicted', async (t) => {
  const maxBytes = 3000
  for (const seed of seeds) {
    const run = begin(seed, { maxBytes })
    const { queue, counts } = run.made
    await queue.start()
    let bytesMost = 0
    for (let at = 0; at < STEPS; at++) {
      await step(run)
      bytesMost = Math.max(bytesMost, run.disk.usedBytes)
    }
    await heal(run)
    await queue.stop()
    const ids = idsOn(run.disk)
    const right =
      bytesMost <= maxBytes &&
      new Set(ids).size === ids.length &&
      counts.queued === ids.length &&
      counts.queued + counts.evicted === run.written
    t.ok(right, `seed ${seed}`, { counts, written: run.written, ids, bytesMost })
  }
})

t.test('a power cut loses nothing that was acknowledged', async (t) => {
  for (const seed of seeds) {
    const run = begin(seed, {})
    await run.made.queue.start()
    const steps = Math.floor(run.random() * STEPS)
    for (let at = 0; at < steps; at++) await step(run)
    const acknowledged = [...run.acknowledged]
    const after = run.disk.afterPowerCut(run.random)
    const { queue, counts } = queueOn(after)
    await queue.start()
    const ids = new Set(idsOn(after))
    const right = acknowledged.every((id) => ids.has(id)) && counts.found === idsOn(after).length
    t.ok(right, `seed ${seed}`, { acknowledged: acknowledged.length, found: counts.found })
    await queue.stop()
    run.disk.fault = () => undefined
    await run.made.queue.stop()
  }
})
