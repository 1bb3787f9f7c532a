import t from 'tap'
import { dueAfterS } from '../../../bench/load/stream.ts'

t.test('events are due at a steady rate, and faster while it surges', async (t) => {
  t.equal(dueAfterS(500, 100), 5)
  const surge = { fromS: 10, toS: 12, times: 5 }
  t.strictSame(
    [0, 1000, 1500, 2000, 2100].map((events) => dueAfterS(events, 100, surge)),
    [0, 10, 11, 12, 13],
  )
})
