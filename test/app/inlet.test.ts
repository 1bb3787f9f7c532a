/** What the program around the collector hands to its sources. */
import t from 'tap'
import { startCollector } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { socEvent } from '../helpers/soc-event.ts'
import { until } from '../helpers/until.ts'

const NOWHERE = 'sinks: { out: { type: blackhole, batch: { max_age: 1h } } }'

t.test('where nothing may be taken there is no room', async (t) => {
  const collector = await startCollector(t, `sources: { app: { type: embedded } }\n${NOWHERE}`)
  const inlet = collector.inlet('app')
  const { intake } = collector.topology.sources[0]!
  const event = Buffer.from(socEvent(1))
  // As when the disk of the dead letters fails.
  intake.setAccepting(false)
  t.notOk(inlet.enqueue(event))
  let waits = true
  const room = inlet.whenRoom().then(() => (waits = false))
  t.equal(inlet.whenRoom(), inlet.whenRoom(), 'one promise for all')
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(waits)
  intake.setAccepting(true)
  await room
  t.ok(inlet.enqueue(event))
  await until(() => collector.ledger.sources[0]!.accepted === 1)
})

t.test('the lines of a syslog source are messages', async (t) => {
  const receiver = await Receiver.start(t)
  const collector = await startCollector(
    t,
    `
sources: { net: { type: syslog, listen: 127.0.0.1:0 } }
sinks: { siem: { type: http, url: "${receiver.url}", batch: { max_age: 10ms } } }`,
  )
  const messages =
    '<34>1 2026-01-02T03:04:05Z host su - - - one\n<34>1 2026-01-02T03:04:05Z host su - - - two'
  t.ok(collector.inlet('net').enqueue(Buffer.from(messages)))
  const events = (await receiver.received(2)).map((line) => JSON.parse(line))
  t.match(events, [
    { source_ip: '', event_type: 'su', severity: 8, raw_payload: { message: 'one' } },
    { source_ip: '', event_type: 'su', severity: 8, raw_payload: { message: 'two' } },
  ])
})

t.test('each call ends its last line', async (t) => {
  const collector = await startCollector(
    t,
    `sources: { lines: { type: tcp, listen: 127.0.0.1:0 } }\n${NOWHERE}`,
  )
  const inlet = collector.inlet('lines')
  t.ok(inlet.enqueue(Buffer.from(`${socEvent(1)}\n{"begun":`)))
  t.ok(inlet.enqueue(Buffer.from(socEvent(2))))
  await until(() => collector.ledger.sources[0]!.received === 3)
  t.match(collector.ledger.sources[0], { accepted: 2, rejectedTotal: 1 })
})

t.test('what can’t be validated in the time to stop is reported as lost', async (t) => {
  const text = `shutdown_timeout: 50ms\nsources: { app: { type: embedded } }\n${NOWHERE}`
  const workerFile = new URL('../fixtures/stillborn-worker.ts', import.meta.url).href
  const collector = await startCollector(t, text, { workerFile, unfinished: true })
  t.ok(collector.inlet('app').enqueue(Buffer.from('{"n":1}')))
  const report = await collector.stop()
  t.same(report, { delivered: 0, undelivered: 0, kept: 0, held: 0, uncommittedBytes: 8 })
})
