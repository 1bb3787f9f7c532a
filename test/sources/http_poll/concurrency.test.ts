/** Polls at once, as the source fills. */
import t from 'tap'
import { PollConcurrency } from '../../../src/sources/http_poll/concurrency.ts'

function rig(most: number) {
  const fill = { ring: { used: 0, most: 128 }, slabs: { used: 0, most: 20 } }
  const changes: string[] = []
  const concurrency = new PollConcurrency({
    most,
    fill: () => fill,
    onChange: (from, to, cause) => changes.push(`${from} -> ${to}: ${cause}`),
  })
  return { fill, changes, concurrency }
}

t.test('they become fewer with the fill of the slabs or of the ring, whichever is fuller', async (t) => {
  const { fill, changes, concurrency } = rig(9)
  concurrency.beforeOne()
  fill.slabs.used = 10
  concurrency.beforeOne()
  t.equal(concurrency.allowed, 9, 'half full is easy')
  fill.slabs.used = 14
  concurrency.beforeOne()
  fill.ring.used = 100
  concurrency.beforeOne()
  fill.slabs.used = 20
  concurrency.beforeOne()
  concurrency.beforeOne()
  t.equal(concurrency.allowed, 1)
  t.same(changes, [
    '9 -> 5: 14 of 20 slabs taken',
    '5 -> 3: ring depth 100 of 128',
    '3 -> 1: 20 of 20 slabs taken',
  ])
})

t.test('they grow back one by one, and stay as they are in between', async (t) => {
  const { fill, changes, concurrency } = rig(4)
  fill.slabs.used = 20
  concurrency.beforeOne()
  fill.slabs.used = 11
  for (let poll = 0; poll < 5; poll++) {
    concurrency.beforeOne()
    concurrency.afterOne()
  }
  t.equal(concurrency.allowed, 1, 'not yet')
  fill.slabs.used = 3
  for (let poll = 0; poll < 5; poll++) {
    concurrency.beforeOne()
    concurrency.afterOne()
  }
  t.same(changes, [
    '4 -> 1: 20 of 20 slabs taken',
    '1 -> 2: 3 of 20 slabs taken',
    '2 -> 3: 3 of 20 slabs taken',
    '3 -> 4: 3 of 20 slabs taken',
  ])
})

t.test('one is always one', async (t) => {
  const { fill, changes, concurrency } = rig(1)
  for (const used of [0, 20, 0]) {
    fill.slabs.used = used
    concurrency.beforeOne()
    concurrency.afterOne()
  }
  t.equal(concurrency.allowed, 1)
  t.same(changes, [])
})
