import fc from 'fast-check'
import t from 'tap'
import { Fifo } from '../../../../src/pipeline/dispatch/keys/fifo.ts'
import { WakeTimes } from '../../../../src/pipeline/dispatch/keys/wake-times.ts'

t.test('who sleeps wakes up when its moment has come, the earliest first', async (t) => {
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'wake', 'delete'),
    atMs: fc.nat(50),
    which: fc.nat(),
  })
  const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const times = new WakeTimes<{ wakeAtMs: number; heapPlace: number }>()
    const model: { wakeAtMs: number; heapPlace: number }[] = []
    for (const { what, atMs, which } of steps) {
      if (what === 'add') {
        const item = { wakeAtMs: 0, heapPlace: -1 }
        times.add(item, atMs)
        model.push(item)
      } else if (what === 'delete' && model.length > 0) {
        times.delete(model.splice(which % model.length, 1)[0]!)
      } else if (what === 'wake') {
        const woken = times.wake(atMs)
        const earliest = Math.min(Infinity, ...model.map(({ wakeAtMs }) => wakeAtMs))
        if ((woken === null) !== earliest > atMs) return false
        if (woken === null) continue
        if (woken.wakeAtMs !== earliest || woken.heapPlace !== -1) return false
        model.splice(model.indexOf(woken), 1)
      }
      if (times.size !== model.length) return false
      if (times.nextMs !== Math.min(Infinity, ...model.map(({ wakeAtMs }) => wakeAtMs))) return false
    }
    return model.every((item) => times.items.includes(item))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('first in, first out', async (t) => {
  const property = fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 400 }), (steps) => {
    const fifo = new Fifo<number>()
    const model: number[] = []
    for (const [number, step] of steps.entries()) {
      if (step > 1) {
        fifo.push(number)
        model.push(number)
      } else if (fifo.shift() !== model.shift()) return false
      if (fifo.length !== model.length || fifo.first !== model[0]) return false
    }
    const left = fifo.toArray()
    return left.length === model.length && left.every((number, index) => number === model[index])
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
  const long = new Fifo<number>()
  for (let number = 0; number < 1000; number++) long.push(number)
  t.ok(Array.from({ length: 1000 }, (_, number) => long.shift() === number).every(Boolean))
  t.equal(long.shift(), undefined)
  t.equal(long.length, 0)
})
