import t from 'tap'
import { SIT_OUT_MS_MAX, SittingOut } from '../../../src/pipeline/dispatch/sitting-out.ts'

t.test('the rest of a round trip, and twice as long each time', async (t) => {
  const sittingOut = new SittingOut()
  t.equal(sittingOut.failed(1000, 20, 1002), 1020)
  t.equal(sittingOut.failed(1001, 20, 1003), 1021, 'it left together with the first')
  t.equal(sittingOut.failed(1021, 20, 1023), 1061)
  t.equal(sittingOut.failed(1061, 20, 1063), 1141)
  let nowMs = 2000
  for (let round = 0; round < 10; round++) sittingOut.failed(nowMs, 20, (nowMs += 5000))
  t.equal(sittingOut.failed(nowMs, 20, nowMs + 1), nowMs + SIT_OUT_MS_MAX)
})

t.test('each success makes the next one shorter, down to a round trip', async (t) => {
  const sittingOut = new SittingOut()
  for (let round = 0; round < 5; round++) sittingOut.failed(round * 1000, 20, round * 1000 + 1)
  sittingOut.succeeded()
  sittingOut.succeeded()
  t.equal(Math.round(sittingOut.failed(9000, 20, 9001) - 9000), 314, '320 x 0.7 x 0.7 x 2')
  for (let answer = 0; answer < 20; answer++) sittingOut.succeeded()
  t.equal(sittingOut.failed(10_000, 20, 10_001), 10_020)
})
