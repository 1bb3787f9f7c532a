import t from 'tap'
import { Arena } from '../../../src/memory/arena.ts'
import {
  EXTENT_RUNS_MAX,
  FRAME_RECORDS_MAX,
  RUN_BEGIN,
  RUN_KIND,
  frameBytes,
  regionBytes,
} from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import { EXTENTS_PER_SLAB_MAX, Lane } from '../../../src/pipeline/intake/lane.ts'
import { TableSpace } from '../../../src/pipeline/intake/table-space.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { IntakeRig } from './fixtures/intake-rig.ts'

const SLAB = 128 * 1024
const MEANS = [3, 10, 300, 4000, 1e6]

const stream = () => {
  const { intake } = new IntakeRig({ slabBytes: SLAB, slabs: 8 })
  return intake.openStream({ peer: 'p', framing: 'lines', onDrain() {} })
}

t.test('regions lie above the bytes, whatever the mean record length does meanwhile', async (t) => {
  const from = stream()
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed)
    const mean = () => MEANS[Math.floor(random() * MEANS.length)]!
    const lane = new Lane(Arena.create(SLAB, SLAB), 0)
    let lowest = lane.end
    let offered = 0
    for (let room = lane.room(mean(), 1); room > 0; room = lane.room(mean(), 1)) {
      offered = lane.offered = lane.fill + room
      if (lane.pendingBytes > 0 && random() < 0.5) cut()
      // The kernel writes to what it was offered before the cut.
      if (lane.runs.length === 0) lane.beginRun(from, RUN_KIND.LINES, lane.complete)
      lane.fill += 1 + Math.floor(random() * room)
      if (random() < 0.7) lane.complete = lane.fill
      if (lane.pendingBytes > 0 && random() < 0.3) cut()
    }
    // The unfinished line ends here.
    lane.fill++
    lane.complete = lane.fill
    cut()
    t.ok(lowest >= offered, `seed ${seed}`)

    function cut(): void {
      const { region, capacity } = lane.takeRegion(mean(), Math.max(1, lane.runs.length))
      if (capacity < 1) t.fail(`seed ${seed}: room for no record`)
      if (region + regionBytes(lane.runs.length, capacity) > lowest) t.fail(`seed ${seed}: regions overlap`)
      lowest = region
      lane.cutFrom = lane.complete
      lane.runs = []
    }
  }
})

t.test('no record stands at offset 0, which in the ring says none', async (t) => {
  t.ok(new Lane(Arena.create(SLAB, SLAB), 0).fill > 0)
})

t.test('an unfinished record of half a slab always leaves room for the next read', async (t) => {
  for (const mean of MEANS) {
    const lane = new Lane(Arena.create(SLAB, SLAB), 0)
    lane.fill += SLAB / 2
    t.ok(lane.room(mean, 1) >= 16 * 1024, `mean ${mean}`)
  }
})

t.test('bounds: runs of an extent, extents of a slab', async (t) => {
  const lane = new Lane(Arena.create(1 << 20, 1 << 20), 0)
  const streams = [stream(), stream()]
  for (let i = 0; i < EXTENT_RUNS_MAX; i++) lane.beginRun(streams[i % 2]!, RUN_KIND.LINES, i)
  t.equal(lane.room(300, 1), 0)
  t.ok(lane.room(300, 0) > 0)
  const other = new Lane(Arena.create(1 << 20, 1 << 20), 0)
  for (let i = 0; i < EXTENTS_PER_SLAB_MAX; i++) {
    t.ok(other.room(300, 1) > 0 || t.fail(`extent ${i}`))
    other.takeRegion(300, 0)
  }
  t.equal(other.room(300, 1), 0)
})

t.test('neighbouring lines of a stream are one run; the first line of a stream begins one', async (t) => {
  const lane = new Lane(Arena.create(SLAB, SLAB), 0)
  const [a, b] = [stream(), stream()]
  const first = lane.beginRun(a, RUN_KIND.LINES | RUN_BEGIN)
  t.equal(lane.beginRun(a, RUN_KIND.LINES), first)
  lane.beginRun(b, RUN_KIND.LINES)
  lane.beginRun(a, RUN_KIND.LINES)
  lane.beginRun(a, RUN_KIND.BROKEN)
  lane.beginRun(a, RUN_KIND.DOCUMENTS)
  lane.beginRun(a, RUN_KIND.DOCUMENTS)
  t.equal(lane.runs.length, 6)
})

t.test('tables of the reserve: never beyond a slab, a slab at a time, free when all let go', async (t) => {
  const arena = Arena.create(4 * SLAB, SLAB)
  const pool = new SlabPool(4)
  const tables = new TableSpace(arena, pool, pool.addOwner('tables', 2, 0))
  const taken = []
  for (let space = tables.take(224, 4000); space !== null; space = tables.take(224, 4000)) {
    t.ok(space.capacity >= 2000 && space.capacity <= FRAME_RECORDS_MAX)
    t.ok(space.region >= arena.slabStart(space.slab))
    t.ok(space.region + 224 + 16 * space.capacity <= arena.slabStart(space.slab + 1))
    taken.push(space)
  }
  t.equal(pool.freeCount, 2, 'no more than its reserve')
  let room = 0
  tables.onRoom(() => room++)
  for (const { slab } of taken) pool.release(slab)
  t.ok(room > 0)
  // As an extent can be: its bytes had a region above them in their slab.
  for (const runs of [1, EXTENT_RUNS_MAX]) {
    for (const bytes of [SLAB / 8, SLAB - 8 - regionBytes(runs, 1)]) {
      const largest = tables.take(regionBytes(runs, 0), bytes)!
      t.ok(largest.region + regionBytes(runs, largest.capacity) <= arena.slabStart(largest.slab + 1))
      t.ok(frameBytes(runs, largest.capacity, bytes) <= SLAB, 'and its frame fits into a slab')
      pool.release(largest.slab)
    }
  }
  tables.close()
  t.equal(pool.freeCount, 4)
})
