import t from 'tap'
import { TimeLeft } from '../../../src/sources/http_poll/time-left.ts'
import { ManualClock } from '../../dlq/fixtures/manual-clock.ts'

function rig(totalMs: number, idleMs: number) {
  const clock = new ManualClock()
  const expired: string[] = []
  const timeLeft = new TimeLeft(clock, { totalMs, idleMs }, (which) =>
    expired.push(`${which}@${clock.now()}`),
  )
  return { clock, expired, timeLeft }
}

t.test('the total, however much comes', async (t) => {
  const { clock, expired, timeLeft } = rig(1000, 300)
  for (let i = 0; i < 20; i++) {
    clock.advance(100)
    timeLeft.touch()
  }
  t.same(expired, ['total@1000'])
  t.equal(clock.timerCount, 0)
})

t.test('a silence', async (t) => {
  const { clock, expired, timeLeft } = rig(1000, 300)
  clock.advance(250)
  timeLeft.touch()
  clock.advance(1000)
  t.same(expired, ['idle@550'])
})

t.test('no time passes while the server waits for us', async (t) => {
  const { clock, expired, timeLeft } = rig(1000, 300)
  clock.advance(200)
  timeLeft.held = true
  timeLeft.held = true
  clock.advance(50_000)
  t.same(expired, [])
  t.equal(clock.timerCount, 0, 'nor is a timer kept')
  timeLeft.held = false
  clock.advance(299)
  t.same(expired, [])
  timeLeft.touch()
  clock.advance(250)
  timeLeft.touch()
  timeLeft.held = true
  timeLeft.held = false
  clock.advance(251)
  t.same(expired, ['total@51000'])
})

t.test('cleared', async (t) => {
  const { clock, expired, timeLeft } = rig(1000, 300)
  timeLeft.held = true
  timeLeft.clear()
  timeLeft.held = false
  clock.advance(5000)
  t.same([expired, clock.timerCount], [[], 0])
})
