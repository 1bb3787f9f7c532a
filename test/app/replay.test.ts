import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Collector } from '../../src/app/collector.ts'
import { auditCommand } from '../../src/commands/audit.ts'
import type { ReplayRequest } from '../../src/sources/dlq/index.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { until } from '../helpers/until.ts'

interface Scene {
  readonly directory: string
  readonly a: Receiver
  readonly b: Receiver
  /** Writes the schema by which `app` takes severities up to this. */
  readonly allow: (severityMax: number) => void
  readonly start: () => Promise<Collector>
  readonly audit: () => Promise<0 | 1 | 2>
}

const QUICK = 'encoding: ndjson, batch: { max_age: 10ms }, retry: { initial: 10ms, max: 50ms }'

/** Sources `app`, with a schema of its own, and `other`; sinks `a` and `b` that read one of them each. */
async function scene(test: Test, { journal = 'disk', whereOfA = '{}' } = {}): Promise<Scene> {
  const directory = temporaryDirectory(test)
  const [a, b] = [await Receiver.start(test), await Receiver.start(test)]
  const text = `
data_dir: ./data
journal: { mode: ${journal} }
workers: 1
memory: { arena_bytes: 32MiB }
schemas: { mine: { file: mine.json, severity: /severity } }
sources:
  app: { type: embedded, schema: mine }
  other: { type: embedded, schema: any }
sinks:
  a: { type: http, url: '${a.url}', inputs: [app], where: ${whereOfA}, ${QUICK} }
  b: { type: http, url: '${b.url}', inputs: [other], ${QUICK} }
`.replace('where: {}, ', '')
  const file = join(directory, 'spillway.yaml')
  writeFileSync(file, `${text}\nadmin: { listen: none }\n`)
  return {
    directory,
    a,
    b,
    allow: (severityMax) => {
      const severity = { type: 'integer', minimum: 0, maximum: severityMax }
      const properties = { id: { type: 'integer' }, severity }
      writeFileSync(
        join(directory, 'mine.json'),
        JSON.stringify({ type: 'object', properties, required: ['id'] }),
      )
    },
    start: () => startCollector(test, text, { directory }),
    audit: () => auditCommand({ config: file }, { out() {}, err: (error) => test.comment(error) }),
  }
}

function enqueue(collector: Collector, source: string, from: number, count: number, severity = 1): void {
  const lines = Array.from(
    { length: count },
    (_, index) => `${JSON.stringify({ id: from + index, severity })}\n`,
  )
  collector.inlet(source).enqueue(Buffer.from(lines.join('')))
}

function sourceOf(collector: Collector, name: string) {
  return collector.ledger.sources.find((source) => source.name === name)!
}

function sinkOf(collector: Collector, name: string) {
  return collector.ledger.sinks.find((sink) => sink.name === name)!
}

/** Replays to the end. */
async function replay(collector: Collector, request: Partial<ReplayRequest> = {}) {
  const { replay: source } = collector.topology
  source.begin({ selection: {}, rate: 100_000, ...request })
  await until(() => source.status!.state !== 'running')
  return source.status!
}

const ids = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as { id: number }).id)
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

void t.test(
  'a schema is mended, and what it refused is received anew: once, by the sinks that read its source',
  async (t) => {
    const { a, b, allow, start, audit } = await scene(t)
    allow(10)
    const before = await start()
    enqueue(before, 'app', 0, 20)
    enqueue(before, 'app', 100, 300, 99)
    await a.received(20)
    await until(() => before.ledger.dlq.queued === 300)
    await before.stop()
    allow(100)
    const collector = await start()
    const status = await replay(collector)
    t.match(status, { state: 'done', chosen: 300, replayed: 300, accepted: 300, rejected: 0, skipped: {} })
    t.same(status.sinks, { a: { offered: 300, filtered: 0 }, b: { offered: 0, filtered: 300 } })
    await a.received(320)
    t.same(ids(a.lines.slice(20)), range(100, 300), 'in the order in which they came')
    t.equal(b.lines.length, 0)
    t.match(collector.ledger.dlq, { queued: 0, replayed: 300 })
    t.match(sourceOf(collector, 'dlq'), { received: 300, accepted: 300 })
    t.match(sinkOf(collector, 'b'), { filtered: 300, offered: [0, 0] })
    t.same(collector.ledger.imbalances(), [])
    t.equal(collector.topology.slabsByState().filling, 0, 'the source holds nothing while it rests')
    t.match(await replay(collector), { state: 'done', chosen: 0, replayed: 0 }, 'a second one finds nothing')
    t.equal(await audit(), 0)
    await collector.stop()
    const next = await start()
    t.match(next.ledger.dlq, { queued: 0, replayed: 300 })
    t.match(sourceOf(next, 'dlq'), { received: 300 })
    t.match(await replay(next), { chosen: 0 })
    t.equal(a.lines.length, 320)
  },
)

void t.test('what one sink gave up goes to that sink alone', async (t) => {
  const { a, b, allow, start, audit } = await scene(t)
  allow(10)
  const collector = await start()
  a.answer = (_, body) => (body.includes('"id":1013,') ? 400 : 200)
  enqueue(collector, 'app', 1000, 50)
  enqueue(collector, 'other', 0, 5)
  await until(() => collector.ledger.dlq.queued === 1)
  await a.received(49)
  await b.received(5)
  a.answer = () => 200
  t.match(await replay(collector), {
    replayed: 1,
    accepted: 1,
    sinks: { a: { offered: 1 }, b: { offered: 0, filtered: 1 } },
  })
  await a.received(50)
  t.equal(ids(a.lines).at(-1), 1013)
  t.equal(b.lines.length, 5)
  t.equal(await audit(), 0)
})

void t.test('what is rejected again is a new letter, with its first source in its peer', async (t) => {
  const { a, allow, start } = await scene(t)
  allow(10)
  const collector = await start()
  enqueue(collector, 'app', 0, 40, 99)
  await until(() => collector.ledger.dlq.queued === 40)
  t.match(await replay(collector), { chosen: 40, replayed: 40, accepted: 0, rejected: 40 })
  t.match(collector.ledger.dlq, { queued: 40, replayed: 40 }, 'it does not meet its own letters')
  t.same(collector.ledger.imbalances(), [])
  const again = await replay(collector, { schema: 'any', selection: { sources: ['dlq'] } })
  t.match(again, { chosen: 40, replayed: 40, accepted: 40, sinks: { a: { offered: 40 }, b: { offered: 0 } } })
  await a.received(40)
  t.same(ids(a.lines), range(0, 40))
})

void t.test('to sinks that were chosen; their filter has the last word', async (t) => {
  const { a, b, allow, start } = await scene(t, { whereOfA: '{ severity: { gte: 5 } }' })
  allow(10)
  const collector = await start()
  enqueue(collector, 'app', 0, 10, 99)
  await until(() => collector.ledger.dlq.queued === 10)
  const status = await replay(collector, { schema: 'any', sinks: ['a', 'b'] })
  t.same(
    status.sinks,
    { a: { offered: 0, filtered: 10 }, b: { offered: 10, filtered: 0 } },
    'of `any` all is 0',
  )
  await b.received(10)
  t.equal(a.lines.length, 0)
})

void t.test('a selection, and a rate that is kept', async (t) => {
  const { allow, start, a } = await scene(t)
  allow(10)
  const collector = await start()
  enqueue(collector, 'app', 0, 300, 99)
  await until(() => collector.ledger.dlq.queued === 300)
  const began = performance.now()
  const status = await replay(collector, { schema: 'any', rate: 200, selection: { max: 100 } })
  const seconds = (performance.now() - began) / 1000
  t.match(status, { chosen: 100, replayed: 100 })
  t.ok(100 <= 200 * (seconds + 0.1) + 1, `100 in ${seconds.toFixed(2)} s`)
  t.match(collector.ledger.dlq, { queued: 200, replayed: 100 })
  await a.received(100)
  t.same(ids(a.lines), range(0, 100))
})

void t.test('one replay at a time; it can be ended, and begun again where it was', async (t) => {
  const { allow, start, a } = await scene(t)
  allow(10)
  const collector = await start()
  enqueue(collector, 'app', 0, 400, 99)
  await until(() => collector.ledger.dlq.queued === 400)
  const source = collector.topology.replay
  source.begin({ selection: {}, schema: 'any', rate: 500 })
  t.throws(() => source.begin({ selection: {}, rate: 1 }), { code: 'SPW_ERR_REPLAY_RUNNING' })
  await until(() => source.status!.accepted > 50)
  t.equal(source.halt()!.state, 'stopping')
  await until(() => source.status!.state === 'stopped')
  const { replayed } = source.status!
  t.ok(replayed > 50 && replayed < 400, `${replayed} of 400`)
  t.equal(collector.ledger.dlq.replayed, replayed)
  t.match(await replay(collector, { schema: 'any' }), { replayed: 400 - replayed })
  await a.received(400)
  t.same(ids(a.lines), range(0, 400))
})

void t.test(
  'a collector that stops ends its replay behind what was sent; the next one goes on',
  async (t) => {
    const { allow, start, a, audit } = await scene(t)
    allow(10)
    const collector = await start()
    enqueue(collector, 'app', 0, 300, 99)
    await until(() => collector.ledger.dlq.queued === 300)
    const source = collector.topology.replay
    source.begin({ selection: {}, schema: 'any', rate: 300 })
    await until(() => source.status!.accepted > 20)
    await collector.stop()
    t.equal(source.status!.state, 'stopped')
    t.throws(() => source.begin({ selection: {}, rate: 1 }), { code: 'SPW_ERR_COLLECTOR_STOPPED' })
    const { replayed } = collector.ledger.dlq
    t.ok(replayed > 20 && replayed < 300, `${replayed} of 300`)
    t.equal(sourceOf(collector, 'dlq').received, replayed)
    const next = await start()
    t.match(await replay(next, { schema: 'any' }), { chosen: 300 - replayed, replayed: 300 - replayed })
    await a.received(300)
    t.same(
      ids(a.lines).toSorted((left, right) => left - right),
      range(0, 300),
    )
    t.equal(sourceOf(next, 'dlq').received, 300)
    t.equal(await audit(), 0)
  },
)

void t.test('in memory mode a letter is gone once its sinks have settled it', async (t) => {
  const { a, allow, start } = await scene(t, { journal: 'memory' })
  allow(10)
  const collector = await start()
  enqueue(collector, 'app', 0, 10, 99)
  await until(() => collector.ledger.dlq.queued === 10)
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  a.answer = async () => {
    await opened
    return 200
  }
  const source = collector.topology.replay
  source.begin({ selection: {}, schema: 'any', rate: 1000 })
  await until(() => a.requests > 0)
  t.match(collector.ledger.dlq, { queued: 10, replayed: 0 })
  open()
  await until(() => source.status!.state === 'done')
  t.match(collector.ledger.dlq, { queued: 0, replayed: 10 })
})
