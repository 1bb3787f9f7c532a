import t from 'tap'
import { DamageKeeper } from '../../src/journal/damage-keeper.ts'
import type { Damage } from '../../src/journal/damage.ts'
import { REPORTED_DAMAGE_MAX } from '../../src/journal/quarantine.ts'

const FIRST = { number: 1, firstSequence: 1, bytes: 1 << 20 }
const SECOND = { number: 2, firstSequence: 100, bytes: 1 << 20 }

t.test('what is met while a segment is copied goes into one report', async (t) => {
  const kept: [number, number][] = []
  let told = 0
  const keeper = new DamageKeeper(
    {
      async keep(segment, damage: readonly Damage[]) {
        kept.push([segment.number, damage.length])
        await Promise.resolve()
        return true
      },
    },
    { journalDamaged: () => told++ },
  )
  await keeper.copied()
  for (let i = 0; i < 5000; i++)
    keeper.note(i % 2 === 0 ? FIRST : SECOND, {
      segment: 1 + (i % 2),
      offset: 400 * i,
      bytes: 400,
      reason: 'body',
    })
  await keeper.copied()
  t.equal(told, 5000)
  t.same(kept, [
    [1, 1],
    [2, REPORTED_DAMAGE_MAX],
    [1, REPORTED_DAMAGE_MAX],
  ])
  keeper.note(FIRST, { segment: 1, offset: 0, bytes: 8, reason: 'header' })
  await keeper.copied()
  t.same(kept.at(-1), [1, 1], 'and later more')
})
