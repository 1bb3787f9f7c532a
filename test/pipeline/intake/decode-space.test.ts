import t from 'tap'
import { Arena } from '../../../src/memory/arena.ts'
import { regionBytes } from '../../../src/memory/frame-region.ts'
import { SlabPool } from '../../../src/memory/slab-pool.ts'
import { DecodeSpace } from '../../../src/pipeline/intake/decode-space.ts'
import { IntakeRig, turnOfLoop } from './fixtures/intake-rig.ts'
import { HEADER } from './fixtures/made-messages.ts'

const SLAB = 128 * 1024
const small = { runs: 1, inputBytes: 300, meanRecordBytes: 300, oldest: true, whole: false }

function makeSpace(slabs: number) {
  const pool = new SlabPool(slabs)
  const owner = pool.addOwner('decoded', 1, 1)
  return { pool, owner, space: new DecodeSpace(Arena.create(slabs * SLAB, SLAB), pool, owner) }
}

t.test('a trickle of small extents fills one slab, frame by frame', async (t) => {
  const { pool, space } = makeSpace(3)
  let before = space.take(small)!
  t.equal(before.fresh, true)
  t.ok(before.from > 0, 'an offset that the ring can tell from none')
  for (let i = 0; i < 40; i++) {
    space.give(before, 600, 300)
    const area = space.take(small)!
    t.same([area.slab, area.from, area.fresh], [before.slab, before.from + 600, false])
    t.ok(area.to + regionBytes(1, area.capacity) <= before.to, 'regions stand below each other')
    before = area
  }
  space.give(before, 0, 300)
  t.equal(pool.freeCount, 2)
  space.stop()
  t.equal(pool.freeCount, 3)
})

t.test('what no frame needs is as it was', async (t) => {
  const { space } = makeSpace(2)
  const first = space.take(small)!
  space.give(first, 0, 0)
  t.same(space.take(small), first)
})

t.test('each task has a slab to itself; one of those at rest is kept', async (t) => {
  const { pool, space } = makeSpace(4)
  const areas = [space.take(small)!, space.take(small)!, space.take(small)!]
  t.equal(new Set(areas.map(({ slab }) => slab)).size, 3)
  for (const area of areas) space.give(area, 600, 300)
  t.equal(pool.freeCount, 3)
})

t.test('a later extent leaves the last slab to the oldest', async (t) => {
  const { space } = makeSpace(1)
  t.equal(space.take({ ...small, oldest: false }), null)
  t.not(space.take(small), null)
})

t.test(
  'for the oldest, what is open is given up for a whole slab, once its frames are settled',
  async (t) => {
    const { pool, space } = makeSpace(1)
    const first = space.take(small)!
    pool.retain(first.slab)
    space.give(first, 600, 300)
    let told = 0
    space.onRoom(() => told++)
    t.equal(space.take({ ...small, whole: true }), null, 'a frame holds it')
    pool.release(first.slab)
    t.equal(told, 1)
    t.equal(space.take({ ...small, whole: true })!.fresh, true)
  },
)

t.test('how much is read at once follows how much events grow', async (t) => {
  const { space } = makeSpace(3)
  const before = space.inputBytesMax(300)
  t.ok(before > SLAB / 4 && before < SLAB / 2, 'twice the bytes, until it is known')
  for (let i = 0; i < 20; i++) space.give(space.take(small)!, 3000, 300)
  t.ok(space.inputBytesMax(300) < before / 4)
})

t.test('the oldest extent gets the space that there is, whatever was tried again before it', async (t) => {
  let first = 0
  const rig = new IntakeRig({
    slabBytes: 128 * 1024,
    slabs: 13,
    ringEntries: 64,
    workerCount: 1,
    decoded: true,
    random: () => first,
  })
  const stream = rig.intake.openStream({ peer: 'peer', framing: 'syslog-newline', onDrain() {} })
  const line = Buffer.from(`${HEADER}${'x'.repeat(1000)}\n`)
  const fill = (enough: () => boolean) => {
    while (!enough() && !stream.waiting && !rig.intake.full) stream.write(line)
  }
  fill(() => rig.tasks === 2)
  t.equal(rig.tasks, 2)
  // Three in a row that did not begin: workers can't start, for a while.
  for (first of [0.9, 0]) {
    rig.crash(false)
    await turnOfLoop()
  }
  t.equal(rig.tasks, 0)
  // What was given back meanwhile is filled by the source.
  fill(() => false)
  const { uncommittedBytes } = rig.intake
  stream.end(true)
  rig.clock.pass(1000)
  await rig.finish()
  t.ok(uncommittedBytes > 4 * 128 * 1024, `${uncommittedBytes} bytes waited`)
  t.equal(rig.intake.uncommittedBytes, 0)
  t.equal(rig.counts.accepted, rig.counts.received)
  t.equal(rig.stop(), 0)
})
