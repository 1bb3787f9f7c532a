/** What a `_bulk` request comes to, against an endpoint that fails in many ways. */
import t from 'tap'
import type { Outcome, Payload } from '../../../src/pipeline/sink.ts'
import { ElasticsearchSink } from '../../../src/sinks/elasticsearch/index.ts'
import { NEVER, context, elasticsearchConfig, payloadOf } from '../fixtures/configs.ts'
import { BulkStore } from './fixtures/bulk-store.ts'
import type { Fault } from './fixtures/bulk-store.ts'

type Test = Pick<typeof t, 'teardown'>

async function startBoth(t: Test, more: object = {}, path = ''): Promise<[ElasticsearchSink, BulkStore]> {
  const store = await BulkStore.start(t)
  const sink = new ElasticsearchSink(elasticsearchConfig(store.url + path, more), context)
  await sink.start()
  t.teardown(() => sink.stop())
  return [sink, store]
}

function bulkOf(ids: readonly string[], document: (id: string) => object = (id) => ({ id })): Payload {
  return payloadOf(
    ids.map((id) => `${JSON.stringify({ create: { _id: id } })}\n${JSON.stringify(document(id))}\n`),
  )
}

const send = (sink: ElasticsearchSink, payload: Payload): Promise<Outcome> => sink.send(payload, NEVER)
const itemsOf = (outcome: Outcome) => (outcome.kind === 'partial' ? outcome.items : [])
const IDS = ['a', 'b', 'c', 'd', 'e']

t.test('the request', async (t) => {
  const more = { index: '<logs-{now/d}>', pipeline: 'soc/1', auth: { apiKey: 'a2V5' } }
  const [sink, store] = await startBoth(t, more, '/es/')
  t.same(await send(sink, bulkOf(IDS)), { kind: 'ack' })
  const { request } = store.requests[0]!
  const url = new URL(request.url!, store.url)
  t.equal(`${request.method} ${url.pathname}`, 'POST /es/%3Clogs-%7Bnow%2Fd%7D%3E/_bulk')
  t.equal(url.searchParams.get('pipeline'), 'soc/1')
  t.equal(url.searchParams.get('timeout'), '24000ms')
  t.match(url.searchParams.get('filter_path'), /^items\.\*\.status,/)
  t.match(request.headers, { authorization: 'ApiKey a2V5', 'content-type': 'application/x-ndjson' })
  t.same([...store.documents.keys()], IDS)
})

t.test('each event by its item', async (t) => {
  const [sink, store] = await startBoth(t)
  const statuses = new Map([
    ['a', 201],
    ['b', 429],
    ['c', 400],
    ['d', 503],
    ['e', 403],
  ])
  store.itemFault = (_document, id) => {
    const status = statuses.get(id)!
    return status === 201 ? null : { status, type: `t${status}`, reason: `of ${id}` }
  }
  t.same(await send(sink, bulkOf(IDS)), {
    kind: 'partial',
    items: [
      { index: 1, kind: 'retry', reason: 't429: of b', status: 429 },
      { index: 2, kind: 'reject', reason: 't400: of c', status: 400 },
      { index: 3, kind: 'retry', reason: 't503: of d', status: 503 },
      { index: 4, kind: 'retry', reason: 't403: of e', status: 403 },
    ],
  })
  const alone = await send(sink, bulkOf(['e']))
  t.same(alone, { kind: 'hold', reason: 't403: of e', status: 403 }, 'where nothing else is taken, it holds')
  t.match(await send(sink, bulkOf(['b', 'd'])), { kind: 'retry', category: 'throttled', status: 429 })
  t.match(await send(sink, bulkOf(['d', 'b'])), { kind: 'retry', category: 'server_error', status: 503 })
  t.match(await send(sink, bulkOf(['c'])), { kind: 'partial', items: [{ index: 0, kind: 'reject' }] })
  t.match(await send(sink, bulkOf(['c', 'b'])), { kind: 'partial' })
  statuses.clear()
  for (const id of IDS) statuses.set(id, 201)
  t.same(await send(sink, bulkOf(IDS)), { kind: 'ack' }, 'what is there already counts as delivered')
  t.equal(store.conflicts, 1)
  t.equal(store.documents.size, IDS.length)
})

t.test('words of the store, printable, and not without an end', async (t) => {
  const [sink, store] = await startBoth(t)
  const ids = Array.from({ length: 2000 }, (_, n) => `id${n}`)
  store.itemFault = (_document, id) => ({
    status: 400,
    type: 'bad_one',
    reason: `\u001b[31m${id} `.repeat(100),
  })
  const items = itemsOf(await send(sink, bulkOf(ids)))
  t.equal(items.length, ids.length)
  t.equal(items[0]!.reason, `bad_one: ${'[31mid0 '.repeat(100)}`.slice(0, 200))
  t.equal(items.at(-1)!.reason, 'bad_one')
  const reasons = new Set(items.map(({ reason }) => reason))
  const chars = [...reasons].reduce((sum, reason) => sum + reason.length, 0)
  t.ok(chars < 70_000, `${chars} characters`)

  let n = 0
  store.itemFault = () => ({ status: 400, type: `type${n++}`, reason: '' })
  const many = await send(sink, bulkOf(Array.from({ length: 20_000 }, (_, id) => `${id}`)))
  t.equal(itemsOf(many).at(-1)!.reason, 'status 400', 'types without an end are not told either')
  store.itemFault = () => ({ status: 400, type: '', reason: '' })
  t.match(await send(sink, bulkOf(['x'])), { items: [{ reason: 'status 400' }] })
})

t.test('what the answer as a whole says', async (t) => {
  const [sink, store] = await startBoth(t)
  const classes: Record<string, number[]> = {
    hold: [301, 401, 403, 404, 405, 406, 415],
    reject: [400, 413],
    retry: [408, 429, 500, 502, 503, 504],
  }
  for (const [kind, statuses] of Object.entries(classes)) {
    for (const status of statuses) {
      store.fault = () => ({ kind: 'status', status, headers: { 'retry-after': '7' } })
      const outcome = await send(sink, bulkOf(IDS))
      t.match(outcome, { kind, status, reason: `HTTP ${status}: in words` })
      if (kind === 'retry') t.match(outcome, { afterMs: 7000 })
    }
  }
  t.equal(store.documents.size, 0)
})

const silent: [fault: Exclude<Fault['kind'], 'status'>, category: string, reason: RegExp][] = [
  ['item_less', 'unknown', /4 items for 5 events/],
  ['item_more', 'unknown', /6 items for 5 events/],
  ['cut_off', 'reset', /^HTTP 200, but its body broke off: /],
  ['reset', 'reset', /./],
  ['endless', 'unknown', /^HTTP 200, but its body broke off: .* more than \d+ bytes/],
  ['still', 'timeout', /^HTTP 200, but its body broke off: no answer after 200 ms/],
  ['nonsense', 'unknown', /no answer of _bulk: <html>welcome/],
]

for (const [kind, category, reason] of silent) {
  t.test(`${kind}: what became of the events is not known, so they go again`, async (t) => {
    const [sink, store] = await startBoth(t, {
      request: { timeoutMs: kind === 'still' ? 200 : 30_000, connectTimeoutMs: 30_000, concurrency: 1 },
    })
    store.fault = (n) => (n === 0 ? { kind } : null)
    t.match(await send(sink, bulkOf(IDS)), { kind: 'retry', category, reason })
    t.equal(store.documents.size, IDS.length, 'they were taken')
    t.same(await send(sink, bulkOf(IDS)), { kind: 'ack' })
    t.equal(store.conflicts, IDS.length)
  })
}
