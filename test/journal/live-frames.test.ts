import t from 'tap'
import type { Frame } from '../../src/journal/frame.ts'
import { LiveFrames } from '../../src/journal/live-frames.ts'
import { SimulatedClock } from '../pipeline/dispatch/simulated-clock.ts'

const SLAB_BYTES = 65_536

/** A frame that fills so much of a slab. */
function frame(slab: number, share = 1): Frame {
  const part: Partial<Frame> = {
    slab,
    bytesFrom: 0,
    bytesTo: share * SLAB_BYTES,
    holders: 1,
    readBack: false,
  }
  return part as Frame
}

t.test('a sink that is nearly as fast as its sources is waited for', async (t) => {
  const clock = new SimulatedClock()
  const live = new LiveFrames({ slabsMax: 8, slabBytes: SLAB_BYTES }, clock)
  const holds = live.newHolds()
  const frames = Array.from({ length: 6 }, (_, slab) => frame(slab))
  for (const each of frames.slice(0, 3)) holds.hold(each)
  t.notOk(live.crowded)
  holds.hold(frames[3]!)
  t.ok(live.crowded, 'half of what it may hold')
  await clock.pass(90)
  holds.hold(frames[4]!)
  for (const each of frames.slice(0, 2)) holds.letGo(each)
  t.ok(live.crowded, 'until a quarter is left')
  holds.letGo(frames[2]!)
  t.notOk(live.crowded)
  for (const each of frames.slice(0, 2)) holds.hold(each)
  t.ok(live.crowded, 'and again')
})

t.test('a slow sink is waited for once', async (t) => {
  const clock = new SimulatedClock()
  const live = new LiveFrames({ slabsMax: 8, slabBytes: SLAB_BYTES }, clock)
  const slow = live.newHolds()
  const other = live.newHolds()
  const frames = Array.from({ length: 8 }, (_, slab) => frame(slab))
  for (const each of frames) slow.hold(each)
  t.ok(live.crowded)
  await clock.pass(100)
  t.notOk(live.crowded)
  slow.letGo(frames[0]!)
  slow.hold(frames[0]!)
  t.notOk(live.crowded, 'as long as it is behind')
  for (const each of frames) other.hold(each)
  t.ok(live.crowded, 'each sink for itself')
})

t.test('a trickle, and a small arena, are nobody to wait for', (t) => {
  const clock = new SimulatedClock()
  const trickle = new LiveFrames({ slabsMax: 8, slabBytes: SLAB_BYTES }, clock)
  const holds = trickle.newHolds()
  for (let slab = 0; slab < 8; slab++) holds.hold(frame(slab, 1 / 64))
  t.notOk(trickle.crowded, 'many sources with a little each')
  const small = new LiveFrames({ slabsMax: 3, slabBytes: SLAB_BYTES }, clock)
  const few = small.newHolds()
  for (let slab = 0; slab < 3; slab++) few.hold(frame(slab))
  t.notOk(small.crowded)
  t.end()
})
