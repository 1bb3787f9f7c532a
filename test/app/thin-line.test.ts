import { connect } from 'node:net'
import t from 'tap'
import { startCollector } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { socEvent } from '../helpers/soc-event.ts'

t.test('lines over TCP are validated by a worker and reach an HTTP endpoint, counted', async (t) => {
  const receiver = await Receiver.start(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
sources: { lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 20ms } } }`,
  )
  const [, port] = collector.address('lines').split(':')
  const socket = connect(Number(port), '127.0.0.1')
  const sent = Array.from({ length: 1000 }, (_, n) => socEvent(n, n % 11))
  socket.end([...sent.slice(0, 500), '{"not":"an event"}', ...sent.slice(500)].join('\n'))
  t.same(await receiver.received(1000), sent, 'every good one, unchanged and in order')
  const { sources, sinks, dlq } = collector.ledger
  t.equal(sources[0]!.received, 1001)
  t.equal(sources[0]!.accepted, 1000)
  t.equal(dlq.queued, 1)
  const stopped = await collector.stop()
  t.same(stopped.undelivered, 0)
  t.equal(sinks[0]!.delivered[0]! + sinks[0]!.delivered[1]!, 1000)
})
