/** A real node of OpenSearch behind the sink `elasticsearch`. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ElasticsearchSink } from '../../src/sinks/elasticsearch/index.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { socEvent } from '../helpers/soc-event.ts'
import { until } from '../helpers/until.ts'
import { NEVER, context, elasticsearchConfig, payloadOf } from '../sinks/fixtures/configs.ts'
import { OpenSearch } from './fixtures/opensearch.ts'
import { lacks } from './fixtures/program.ts'

const EVENTS = 1000
/** Each of so many has a text where the index has numbers. */
const REFUSED_EACH = 50

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0)

t.test('OpenSearch', { skip: lacks('opensearch') }, async (t) => {
  const node = await OpenSearch.start(t)
  const mappings = { properties: { code: { type: 'long' } } }
  const settings = { number_of_replicas: 0 }
  for (const index of ['logs', 'blocked']) await node.ask('PUT', index, { settings, mappings })

  await t.test('through a collector: what does not fit the mapping is a dead letter', async (t) => {
    const directory = temporaryDirectory(t)
    const collector = await startCollector(
      t,
      `
data_dir: ./data
workers: 1
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks:
  es: { type: elasticsearch, url: '${node.url}', index: logs, compression: gzip, batch: { max_bytes: 32KiB, max_age: 50ms } }`,
      { directory },
    )
    const lines = Array.from({ length: EVENTS }, (_, n) => {
      const code = n % REFUSED_EACH === 0 ? `"number ${n}"` : n
      return socEvent(n).replace('}', `,"code":${code}}\n`)
    })
    await fetch(`http://${collector.address('push')}/`, { method: 'POST', body: lines.join('') })
    const sink = collector.ledger.sinks[0]!
    await until(() => sum(sink.delivered) + sum(sink.deadLettered.values()) === EVENTS)
    const refused = EVENTS / REFUSED_EACH
    t.equal(await node.count('logs'), EVENTS - refused)
    t.same([...sink.deadLettered], [['refused', refused]])
    const letters = readdirSync(join(directory, 'data/dlq'))
      .filter((name) => name.endsWith('.ndjson'))
      .flatMap((name) =>
        readFileSync(join(directory, 'data/dlq', name), 'utf8')
          .trimEnd()
          .split('\n'),
      )
      .map((line) => JSON.parse(line) as { reason: string; status: number })
    t.equal(letters.length, refused)
    for (const { reason, status } of letters) {
      t.equal(status, 400)
      t.match(
        reason,
        /^mapper_parsing_exception: failed to parse field \[code\] of type \[long\].*'number \d+'/,
      )
    }
  })

  await t.test('what its answers mean', async (t) => {
    const sinks: ElasticsearchSink[] = []
    t.teardown(() => Promise.all(sinks.map((sink) => sink.stop())))
    const send = async (index: string, ids: readonly string[], more: object = {}) => {
      const sink = new ElasticsearchSink(elasticsearchConfig(node.url, { index, ...more }), context)
      sinks.push(sink)
      await sink.start()
      const events = ids.map((id) => `{"create":{"_id":"${id}"}}\n{"code":1}\n`)
      return await sink.send(payloadOf(events), NEVER)
    }
    const before = await node.count('logs')
    t.same(await send('logs', ['a', 'b']), { kind: 'ack' })
    t.same(await send('logs', ['a', 'b', 'c']), { kind: 'ack' }, '409: it is there already')
    t.equal(await node.count('logs'), before + 3)

    t.match(await send('logs', ['d'], { pipeline: 'none_such' }), {
      kind: 'hold',
      reason: /pipeline with id/,
    })
    t.match(await send('logs', ['d'], { index: 'Logs' }), { kind: 'hold', reason: /invalid_index_name/ })
    await node.block('blocked', 'write', true)
    t.match(await send('blocked', ['a']), { kind: 'hold', status: 403, reason: /cluster_block_exception/ })
    await node.block('blocked', 'write', false)
    await node.block('blocked', 'read_only_allow_delete', true)
    t.match(
      await send('blocked', ['a']),
      { kind: 'retry', category: 'throttled', status: 429 },
      'a full disk',
    )
    await node.block('blocked', 'read_only_allow_delete', false)
    t.same(await send('blocked', ['a']), { kind: 'ack' })
    await node.ask('POST', 'blocked/_close')
    t.match(await send('blocked', ['b']), { kind: 'hold', reason: /index_closed_exception/ })
    await node.ask('PUT', '_cluster/settings', { persistent: { 'action.auto_create_index': 'false' } })
    t.match(await send('absent', ['a']), { kind: 'hold', status: 404, reason: /index_not_found_exception/ })
  })
})
