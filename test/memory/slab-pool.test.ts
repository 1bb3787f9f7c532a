import fc from 'fast-check'
import t from 'tap'
import { SlabPool } from '../../src/memory/slab-pool.ts'

t.test('reserves are always there, shares are kept, and every slab comes back', async (t) => {
  const step = fc.record({
    owner: fc.nat(2),
    what: fc.constantFrom('acquire', 'retain', 'release'),
    pick: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const pool = new SlabPool(16)
      const owners = [pool.addOwner('a', 2, 1 / 2), pool.addOwner('b', 1, 1), pool.addOwner('c', 3, 0)]
      const taken: number[] = []
      for (const { owner: index, what, pick } of steps) {
        const owner = owners[index]!
        const slab = taken[pick % Math.max(1, taken.length)]
        if (what === 'acquire') {
          const available = pool.availableFor(owner)
          if (owner.held < owner.reserved && available === 0) return false
          const got = pool.acquire(owner)
          if ((got !== -1) !== available > 0 || taken.includes(got)) return false
          if (got !== -1) taken.push(got)
        } else if (slab !== undefined && what === 'retain') {
          pool.retain(slab)
          taken.push(slab)
        } else if (slab !== undefined) {
          taken.splice(taken.indexOf(slab), 1)
          pool.release(slab)
        }
        const out = new Set(taken).size
        if (pool.freeCount !== 16 - out || owners.reduce((sum, { held }) => sum + held, 0) !== out)
          return false
        if (owners.some(({ held, reserved, sharedMax }) => held > reserved + sharedMax)) return false
      }
      for (const slab of taken) pool.release(slab)
      return pool.freeCount === 16 && owners.every(({ held }) => held === 0)
    }),
  )
  t.pass('in every order')
})

t.test('whose share is used up, and who is told of a free slab', async (t) => {
  const pool = new SlabPool(8)
  const greedy = pool.addOwner('greedy', 1, 1 / 2)
  const other = pool.addOwner('other', 1, 1)
  let freed = 0
  pool.onFree(() => freed++)
  const slabs = [pool.acquire(greedy)]
  while (pool.availableFor(greedy) > 0) slabs.push(pool.acquire(greedy))
  t.equal(slabs.length, 4, 'its reserve and half of six')
  t.equal(pool.acquire(greedy), -1)
  t.equal(pool.overShare(greedy), true, 'others would get room')
  while (pool.availableFor(other) > 0) slabs.push(pool.acquire(other))
  t.equal(pool.freeCount, 0)
  t.equal(pool.overShare(greedy), false, 'the arena is full')
  pool.retain(slabs[0]!)
  pool.release(slabs[0]!)
  t.equal(freed, 0)
  pool.release(slabs[0]!)
  t.equal(freed, 1, 'when the last lets go')
  t.throws(() => pool.release(slabs[0]!), /as often as it was retained/)
  t.throws(() => pool.retain(slabs[0]!), /only a held slab/)
  t.throws(() => pool.addOwner('late', 9, 0), /holds the reserves/)
})
