import fc from 'fast-check'
import t from 'tap'
import { coarsen } from '../../src/journal/coarsen.ts'
import type { Interval } from '../../src/journal/state.ts'
import { intervalOf, laneOf, stateOf } from './fixtures/states.ts'

const lanesOf = (bulk: readonly Interval[], fast: readonly Interval[] = []) =>
  stateOf(1, { lanes: [laneOf(bulk), laneOf(fast)] })
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

t.test('the nearest become one first, whatever their lane', async (t) => {
  const bulk = [intervalOf(5, 0, 10), intervalOf(5, 500, 600), intervalOf(9, 0, 10)]
  const fast = [intervalOf(5, 0, 10), intervalOf(5, 12, 20)]
  const [less, least] = [1, 30].map((bytes) => coarsen(lanesOf(bulk, fast), bytes)!.sinks.siem!.lanes)
  t.same(less![0].unsettled, bulk)
  t.same(less![1].unsettled, [intervalOf(5, 0, 20)])
  t.same(least![0].unsettled, [intervalOf(5, 0, 600), bulk[2]])
})

t.test('where all are one and it is still too much, there is no state', async (t) => {
  t.equal(coarsen(lanesOf([intervalOf(5, 0, 10), intervalOf(6, 0, 10)]), 1000), null)
  t.equal(coarsen(lanesOf([]), 1), null)
})

t.test('it saves what it must, and all that was unsettled still is', async () => {
  const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(40_000), fc.integer({ min: 1, max: 500 })), {
    maxLength: 60,
  })
  const intervals = steps.map((list) => {
    const made: Interval[] = []
    let sequence = 1
    for (const [frames, first, count] of list) {
      sequence += frames + 1
      made.push(intervalOf(sequence, first, first + count))
    }
    return made
  })
  fc.assert(
    fc.property(intervals, intervals, fc.nat(4000), (bulk, fast, excessBytes) => {
      const state = lanesOf(bulk, fast)
      const coarse = coarsen(state, excessBytes)
      if (coarse === null) return bytesOf(state) - excessBytes < bytesOf(lanesOf(asOne(bulk), asOne(fast)))
      const { lanes } = coarse.sinks.siem!
      return (
        bytesOf(coarse) <= bytesOf(state) - excessBytes &&
        bulk.every((interval) => covered(interval, lanes[0].unsettled)) &&
        fast.every((interval) => covered(interval, lanes[1].unsettled)) &&
        lanes.every(({ unsettled }) => ascends(unsettled))
      )
    }),
  )
})

/** As coarse as can be. */
function asOne(intervals: readonly Interval[]): Interval[] {
  const [first] = intervals
  return first === undefined ? [] : [{ from: first.from, to: intervals.at(-1)!.to }]
}

function covered({ from, to }: Interval, by: readonly Interval[]): boolean {
  return by.some((wide) => key(wide.from) <= key(from) && key(to) <= key(wide.to))
}

function ascends(intervals: readonly Interval[]): boolean {
  return intervals.every(
    ({ from, to }, index) =>
      key(from) < key(to) && (index === 0 || key(intervals[index - 1]!.to) <= key(from)),
  )
}

const key = ([sequence, record]: Interval['from']) => sequence * 1_000_000 + record
