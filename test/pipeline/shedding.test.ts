import fc from 'fast-check'
import t from 'tap'
import { Shedding } from '../../src/pipeline/shedding.ts'

const steps = [
  { above: 0.8, severityBelow: 3 },
  { above: 0.9, severityBelow: 6 },
]

t.test('each step begins where it says, and ends a little below', async (t) => {
  const shedding = new Shedding(steps)
  const course: [fill: number, below: number][] = [
    [0, 0],
    [0.799, 0],
    [0.8, 3],
    [0.79, 3],
    [0.781, 3],
    [0.779, 0],
    [0.79, 0],
    [0.95, 6],
    [0.89, 6],
    [0.87, 3],
    [0.9, 6],
    [1.2, 6],
    [0.1, 0],
  ]
  for (const [fill, below] of course) t.equal(shedding.severityBelow(fill), below, `fill ${fill}`)
})

t.test('without steps nothing is shed', async (t) => {
  t.equal(new Shedding([]).severityBelow(1), 0)
})

const atLeast = (fill: number): number => steps.findLast(({ above }) => fill >= above)?.severityBelow ?? 0

t.test('whatever the fill does: never less than the steps say, never more than just below them', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1.1, noNaN: true }), { maxLength: 100 }), (fills) => {
      const shedding = new Shedding(steps)
      return fills.every((fill) => {
        const below = shedding.severityBelow(fill)
        return below >= atLeast(fill) && below <= atLeast(fill + 0.021)
      })
    }),
  )
})
