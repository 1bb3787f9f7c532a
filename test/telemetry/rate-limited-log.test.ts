import t from 'tap'
import { LOG_INTERVAL_MS, RateLimitedLog } from '../../src/telemetry/rate-limited-log.ts'
import type { LogLine } from '../../src/telemetry/rate-limited-log.ts'
import { ManualClock } from '../dlq/fixtures/manual-clock.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

function makeLog() {
  const clock = new ManualClock()
  const { logger, lines } = recordingLogger()
  const log = new RateLimitedLog({ logger, clock })
  const write = (event: string, component: string, n: number) => {
    const line: LogLine = { level: 'warn', event, component, message: 'it happened', fields: { n } }
    log.write(line)
  }
  return { clock, lines, log, write }
}

t.test('the first at once, the rest as one line with their count', async (t) => {
  const { clock, lines, write } = makeLog()
  for (let n = 1; n <= 100; n++) write('retry', 'siem', n)
  t.strictSame(lines, [{ level: 'warn', event: 'retry', component: 'siem', n: 1, msg: 'it happened' }])
  clock.advance(LOG_INTERVAL_MS)
  t.equal(lines.length, 2)
  t.match(lines[1], { n: 100, suppressed: 98 })
  write('retry', 'siem', 101)
  t.equal(lines.length, 2, 'the interval began anew')
  clock.advance(LOG_INTERVAL_MS)
  t.match(lines[2], { n: 101 })
  t.notOk('suppressed' in lines[2]!)
})

t.test('after a quiet interval the next is written at once, and no timer is left', async (t) => {
  const { clock, lines, write } = makeLog()
  write('retry', 'siem', 1)
  clock.advance(LOG_INTERVAL_MS)
  t.equal(clock.timerCount, 0)
  write('retry', 'siem', 2)
  t.equal(lines.length, 2)
})

t.test('each event and component has a rate of its own', async (t) => {
  const { lines, write } = makeLog()
  write('retry', 'siem', 1)
  write('retry', 'archive', 2)
  write('held', 'siem', 3)
  t.equal(lines.length, 3)
})

t.test('flush writes what was held back and leaves no timer', async (t) => {
  const { clock, lines, log, write } = makeLog()
  for (let n = 1; n <= 3; n++) write('retry', 'siem', n)
  write('held', 'siem', 4)
  log.flush()
  t.equal(lines.length, 3)
  t.match(lines[2], { n: 3, suppressed: 1 })
  t.equal(clock.timerCount, 0)
})

t.test('lines written and left out add up, over any times', async (t) => {
  const { clock, lines, log, write } = makeLog()
  for (let n = 0; n < 1000; n++) {
    write('retry', 'siem', n)
    clock.advance((n * 7919) % 300)
  }
  log.flush()
  const total = lines.reduce((sum, line) => sum + 1 + Number(line['suppressed'] ?? 0), 0)
  t.equal(total, 1000)
  t.ok(lines.length < (1000 * 150) / LOG_INTERVAL_MS + 3)
})

t.test('what is kept is bounded', async (t) => {
  const { clock, lines, write } = makeLog()
  for (let n = 0; n < 10_000; n++) write('refused', `component ${n}`, n)
  t.equal(lines.length, 10_000)
  t.ok(clock.timerCount <= 4096)
})
