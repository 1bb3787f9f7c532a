import t from 'tap'
import { detach } from '../../src/journal/detach.ts'
import { intervalOf, laneOf, stateOf } from './fixtures/states.ts'

const END = { segment: 9, offset: 0, sequence: 100 }
const sinkOf = (state: Parameters<typeof stateOf>[1]) => stateOf(1, state).sinks.siem!

t.test('what it held counts as discarded, and nothing is needed for it any more', async (t) => {
  const before = sinkOf({
    lanes: [laneOf([intervalOf(5, 0, 10)]), laneOf([])],
    settled: [70, 4],
    delivered: [60, 4],
    deadLettered: { refused: 8 },
    discarded: { corrupt: 2 },
  })
  const { sink, discarded } = detach(before, [100, 5], END)
  t.equal(discarded, 31)
  const lane = { next: END, oldest: END, unsettled: [] }
  t.same(sink, {
    ...before,
    lanes: [lane, lane],
    settled: [100, 5],
    discarded: { corrupt: 2, detached: 31 },
  })
  const delivered = sink.delivered[0] + sink.delivered[1]
  t.equal(
    100 + 5,
    delivered + sink.deadLettered.refused! + sink.discarded.corrupt! + sink.discarded.detached!,
  )
})

t.test('what was given up before is given up once', async (t) => {
  const once = detach(sinkOf({ settled: [3, 0], delivered: [3, 0] }), [10, 0], END)
  const twice = detach(once.sink, [10, 0], END)
  t.same([once.discarded, twice.discarded], [7, 0])
  t.same(twice.sink, once.sink)
  const again = detach(twice.sink, [12, 3], END)
  t.same([again.discarded, again.sink.discarded], [5, { detached: 12 }])
  t.same(detach(sinkOf({}), [0, 0], END).sink.discarded, {})
})
