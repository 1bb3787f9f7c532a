import t from 'tap'
import { DeferredTimes } from '../../src/journal/deferred-times.ts'
import { BULK, FAST } from '../../src/journal/log.ts'
import type { TakenPart } from '../../src/journal/log.ts'

function part(receivedAtMs: number, bulk: number, fast: number): TakenPart {
  return { of: { frame: { receivedAtMs } }, events: bulk + fast, fast } as TakenPart
}

t.test('the oldest that stands at a place or behind it, by lane', async (t) => {
  const times = new DeferredTimes()
  times.add(10, part(500, 1, 0))
  times.add(11, part(300, 1, 1))
  times.add(12, part(400, 1, 0))
  t.same([times.oldestFrom(BULK, 9), times.oldestFrom(BULK, 11)], [300, 300])
  t.same([times.oldestFrom(BULK, 12), times.oldestFrom(BULK, 13)], [400, Infinity])
  t.same([times.oldestFrom(FAST, 11), times.oldestFrom(FAST, 12)], [300, Infinity])
})

t.test('with very many, none is told younger than it is', async (t) => {
  const times = new DeferredTimes()
  for (let sequence = 1; sequence <= 10_000; sequence++) times.add(sequence, part(sequence, 1, 0))
  for (let from = 1; from <= 10_000; from += 13) {
    if (times.oldestFrom(BULK, from) > from) t.fail(`from ${from}`)
  }
  t.equal(times.oldestFrom(BULK, 10_001), Infinity)
})
