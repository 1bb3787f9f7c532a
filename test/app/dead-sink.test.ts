import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startCollector } from '../helpers/collector.ts'

const CLIENTS = 16
const REQUESTS = 30
const EVENTS = 200

const line = `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"${'x'.repeat(300)}","severity":1}\n`
const request = {
  method: 'POST',
  headers: { 'content-type': 'application/x-ndjson' },
  body: line.repeat(EVENTS),
}

t.test('many clients go on while the only sink is dead', async (t) => {
  const collector = await startCollector(
    t,
    `
data_dir: ./data
workers: 1
journal: { mode: disk }
memory: { slab_bytes: 128KiB, arena_bytes: 8MiB }
sources:
  push: { type: http, listen: 127.0.0.1:0, max_record_bytes: 32KiB }
sinks:
  dead: { type: http, url: 'http://127.0.0.1:1/', batch: { max_bytes: 64KiB }, retry: { initial: 10ms, max: 50ms } }`,
  )
  const url = `http://${collector.address('push')}/`
  const client = async () => {
    /* oxlint-disable no-await-in-loop -- one request after another */
    for (let taken = 0; taken < REQUESTS;) {
      const { ok } = await fetch(url, request)
      if (ok) taken++
      else await sleep(10)
    }
    /* oxlint-enable no-await-in-loop */
  }
  // Five times the arena: where the sink kept the slabs that a source needs to go on, this would not end.
  await Promise.all(Array.from({ length: CLIENTS }, client))
  t.equal(collector.ledger.sources[0]!.accepted, CLIENTS * REQUESTS * EVENTS)
})
