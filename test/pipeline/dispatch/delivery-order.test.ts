import t from 'tap'
import { DeliveryOrder } from '../../../src/pipeline/dispatch/delivery-order.ts'
import type { Part } from '../../../src/pipeline/dispatch/batch.ts'

/** Records [first, first + count) of a frame. */
function part(sequence: number, first: number, count: number, more: object = {}, deferredTo = sequence) {
  const frame = { sourceName: 'push', originSequence: sequence, position: { sequence: deferredTo } }
  return { of: { frame }, first, count, pick: null, events: count, ...more } as unknown as Part
}

t.test('what comes behind a later event of its source is out of order', async (t) => {
  const order = new DeliveryOrder()
  t.equal(order.delivered(part(1, 0, 10)), 0)
  t.equal(order.delivered(part(1, 10, 10)), 0)
  t.equal(order.delivered(part(3, 0, 10)), 0)
  t.equal(order.delivered(part(2, 0, 7)), 7)
  t.equal(order.delivered(part(2, 7, 3)), 3)
  t.equal(order.delivered(part(3, 10, 1)), 0)
  t.equal(order.delivered(part(4, 0, 5, { events: 0 })), 0, 'nothing of it is meant')
  t.equal(order.delivered(part(3, 11, 1)), 0)
})

t.test('each source has its own order', async (t) => {
  const order = new DeliveryOrder()
  order.delivered(part(9, 0, 1))
  const other = part(3, 0, 2)
  const frame = { ...other.of.frame, sourceName: 'net' }
  t.equal(order.delivered({ ...other, of: { ...other.of, frame } }), 0)
})

t.test('a picked part begins with what is picked', async (t) => {
  const order = new DeliveryOrder()
  t.equal(order.delivered(part(1, 0, 10, { pick: Uint16Array.of(0, 4), events: 2 })), 0)
  t.equal(order.delivered(part(1, 0, 10, { pick: Uint16Array.of(5, 9), events: 2 })), 0)
  t.equal(order.delivered(part(1, 0, 10, { pick: Uint16Array.of(1, 2, 3), events: 3 })), 3)
})

t.test('what was deferred has the place where it first stood', async (t) => {
  const order = new DeliveryOrder()
  order.delivered(part(5, 0, 10))
  t.equal(order.delivered(part(4, 0, 2, {}, 8)), 2)
  t.equal(order.delivered(part(6, 0, 2, {}, 9)), 0)
  t.equal(order.delivered(part(6, 5, 2)), 0)
})
