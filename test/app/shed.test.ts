import t from 'tap'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { socEvent } from '../helpers/soc-event.ts'

/** The room that is kept for the segment being written fills such a small journal beyond the step from the beginning. */
const config = `
data_dir: ./data
journal: { max_bytes: 64MiB, when_full: shed, shed: [{ above: 1%, severity_below: 3 }] }
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { out: { type: blackhole } }
`

t.test('what is shed is told to the client and counted, also by the next run', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await startCollector(t, config, { directory, unfinished: true })
  const body = [0, 1, 2, 3, 10, 2].map((severity, n) => socEvent(n, severity)).join('\n')
  const address = first.topology.sources[0]!.door.address
  const post = async (text: string): Promise<unknown> =>
    (await fetch(`http://${address}/`, { method: 'POST', body: text })).json()
  t.same(await post(`${body}\nnope`), {
    accepted: 2,
    rejected: 1,
    shed: 4,
    errors: [{ index: 6, category: 'malformed_json', path: '', expected: 'must be one JSON value' }],
  })
  t.same(await post(socEvent(7, 2)), { accepted: 0, rejected: 0, shed: 1, errors: [] })
  const shedBy = [1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0]
  const counts = { received: 8, accepted: 2, rejectedTotal: 1, shedBy }
  t.match(first.ledger.sources[0], counts)
  await first.stop()

  const second = await startCollector(t, config, { directory, unfinished: true })
  t.match(second.ledger.sources[0], counts)
  t.same(second.ledger.imbalances(), [])
})
