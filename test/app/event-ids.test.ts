/** What a destination is told of who an event is, and whose: ids, keys of batches, one tenant a request. */
import t from 'tap'
import { request } from 'undici'
import { startCollector } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'

interface Sent {
  readonly event_id: string
  readonly tenant: string
  readonly n: number
}

for (const mode of ['disk', 'memory'] as const) {
  t.test(`each event has an id that stays, each request one tenant: journal in ${mode}`, async (t) => {
    const receiver = await Receiver.start(t)
    const seen = new Map<string, string>()
    const mixed: string[] = []
    let refuses = true
    receiver.answer = (incoming, body) => {
      const key = String(incoming.headers['idempotency-key'])
      const events = body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Sent)
      if (new Set(events.map(({ tenant }) => tenant)).size > 1) mixed.push(body)
      if (seen.has(key)) t.equal(seen.get(key), body, 'the same key is the same batch')
      seen.set(key, body)
      refuses = !refuses
      return refuses ? 200 : 503
    }
    const collector = await startCollector(
      t,
      `
data_dir: ./data
journal: { mode: ${mode} }
sources: { push: { type: http, listen: 127.0.0.1:0, schema: any, ack: accepted } }
sinks:
  siem:
    type: http
    url: '${receiver.url}'
    event_id_field: event_id
    batch: { max_age: 10ms }
    retry: { initial: 5ms, max: 10ms }
    rate_limit: { requests_per_second: 1000, per: { field: tenant } }`,
    )
    const count = 90
    const lines = Array.from({ length: count }, (_, n) => `{"tenant":"t${n % 3}","n":${n}}`)
    for (const body of [lines.slice(0, 50), lines.slice(50)]) {
      // oxlint-disable-next-line no-await-in-loop
      await request(`http://${collector.address('push')}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: body.join('\n'),
      })
    }
    const events = (await receiver.received(count)).map((line) => JSON.parse(line) as Sent)
    t.same(mixed, [])
    t.same(
      events.map(({ n }) => n).toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, n) => n),
    )
    t.equal(new Set(events.map(({ event_id: id }) => id)).size, count)
    t.ok(events.every(({ event_id: id }) => /^[0-9a-f]{16}-[1-9][0-9]*-[0-9]+$/.test(id)))
    t.not(events[0]!.event_id.slice(0, 16), '0'.repeat(16))
    t.equal(new Set(seen.values()).size, seen.size, 'another batch has another key')
  })
}
