import { connect } from 'node:net'
import t from 'tap'
import { startCollector } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { until } from '../helpers/until.ts'

const COUNT = 8000
const PADDING = 'x'.repeat(200)

/** As fast as it is read. */
function send(address: string, bytes: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1', () => socket.end(bytes))
    socket.on('close', () => resolve()).on('error', reject)
    socket.resume()
  })
}

const texts = (make: (n: number) => string) => Array.from({ length: COUNT }, (_, n) => make(n)).join('')

t.test('with the least arena, a decoded source and another get through while the sink is away', async (t) => {
  const receiver = await Receiver.start(t)
  let away = true
  receiver.answer = () => (away ? 503 : 200)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
workers: 1
memory: { slab_bytes: 128KiB, arena_bytes: 1664KiB }
sources:
  lines: { type: tcp, listen: 127.0.0.1:0, max_record_bytes: 32KiB }
  net: { type: syslog, listen: 127.0.0.1:0, max_record_bytes: 32KiB }
sinks:
  siem: { type: http, url: '${receiver.url}', batch: { max_bytes: 64KiB, max_age: 20ms }, request: { concurrency: 1 }, retry: { initial: 10ms, max: 50ms } }`,
  )
  const { scheduler } = collector.topology
  const sources = collector.topology.sources.slice(0, 2)
  const sent = [
    send(
      collector.address('lines'),
      texts(
        (n) =>
          `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"${n} ${PADDING}","severity":1}\n`,
      ),
    ),
    send(
      collector.address('net'),
      texts((n) => `<13>1 2026-01-02T03:04:05Z host app - - - ${n} ${PADDING}\n`),
    ),
  ]
  const counts = collector.ledger.sources.slice(0, 2)
  // Both are full, with something of each before the sink: else this goes on for ever.
  await until(
    () =>
      scheduler.tasksInFlight === 0 &&
      sources.every(({ intake }) => intake.full) &&
      counts.every(({ received }) => received > 0),
  )
  for (const { name, received } of counts) t.ok(received < COUNT, `${name} was held up after ${received}`)
  away = false
  await Promise.all(sent)
  await receiver.received(2 * COUNT)
  const events = receiver.lines.map((line) => JSON.parse(line) as Event)
  const numbers = (type: (event: Event) => string | undefined) =>
    events.flatMap((event) => type(event)?.split(' ')[0] ?? [])
  const all = Array.from({ length: COUNT }, (_, n) => String(n))
  t.same(
    numbers((event) => (event.raw_payload === undefined ? event.event_type : undefined)),
    all,
  )
  t.same(
    numbers((event) => event.raw_payload?.message),
    all,
  )
  t.same(collector.ledger.imbalances(), [])
})

interface Event {
  readonly event_type: string
  readonly raw_payload?: { readonly message: string }
}
