/** The public API, as another program uses it. */
import { equal } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createCollector, createLogger, errorTable, loadConfig, SpillwayError } from '../src/index.ts'
import type { CollectorConfig, EmbeddedCollector, SinkSettings, SourceSettings } from '../src/index.ts'
import { temporaryDirectory } from './helpers/collector.ts'
import { Receiver } from './helpers/receiver.ts'
import { socEvent } from './helpers/soc-event.ts'
import { until } from './helpers/until.ts'

/** A collector with its data in a directory of its own; stopped after the test, when it must balance. */
function make(test: Test, config: CollectorConfig): EmbeddedCollector {
  const collector = createCollector({ data_dir: temporaryDirectory(test), shutdown_timeout: '5s', ...config })
  test.teardown(async () => {
    await collector.stop()
    // Too late for assertions of the test: this throws.
    equal(collector.stats().balanced, true)
  })
  return collector
}

function embedded(test: Test, sink: SinkSettings, source: Partial<SourceSettings> = {}): EmbeddedCollector {
  const app = { type: 'embedded', schema: 'any', ...source } as SourceSettings
  return make(test, { sources: { app }, sinks: { siem: sink } })
}

const NOWHERE: SinkSettings = { type: 'blackhole', batch: { max_age: '1h' } }

t.test('a batcher in three lines', async (t) => {
  const receiver = await Receiver.start(t)
  const directory = temporaryDirectory(t)
  const siem: SinkSettings = { type: 'http', url: receiver.url, batch: { max_events: 100 } }
  const collector = createCollector({
    data_dir: directory,
    sources: { app: { type: 'embedded' } },
    sinks: { siem },
  })
  await collector.start()
  for (let n = 0; n < 250; n++) t.ok(collector.enqueue('app', JSON.parse(socEvent(n))))
  t.same(await collector.stop(), { delivered: 250, undelivered: 0, kept: 0, held: 0, uncommittedBytes: 0 })
  t.same(
    receiver.lines.toSorted(),
    Array.from({ length: 250 }, (_, n) => JSON.stringify(JSON.parse(socEvent(n)))).toSorted(),
  )
  t.match(collector.stats(), {
    balanced: true,
    sources: {
      app: { received: 250, accepted: 250, rejected: 0, rejectedBy: {}, shed: 0, uncommittedBytes: 0 },
    },
    sinks: { siem: { offered: 250, filtered: 0, delivered: 250, held: 0, deadLettered: 0, discarded: 0 } },
    deadLetters: { found: 0, queued: 0, evicted: 0 },
  })
})

t.test('events are objects, texts of lines, or bytes of lines', async (t) => {
  const receiver = await Receiver.start(t)
  const collector = embedded(t, { type: 'http', url: receiver.url })
  await collector.start()
  const bytes = Buffer.from('{"n":5}\n{"n":6}')
  t.ok(collector.enqueue('app', { n: 1, toJSON: () => ({ n: 1 }) }))
  t.ok(collector.enqueue('app', '{"n":2}'))
  t.ok(collector.enqueue('app', '{"n":3}\n{"n":4,"text":"Zürich"}\n'))
  t.ok(collector.enqueue('app', bytes))
  bytes.fill(0)
  t.ok(collector.enqueue('app', ''))
  t.ok(collector.enqueue('app', '\n\r\n'))
  t.ok(collector.enqueue('app', new Uint8Array()))
  t.ok(collector.enqueue('app', '{"n":7}\r\n'))
  t.match(await collector.stop(), { delivered: 7 })
  t.same(
    receiver.lines.map((line) => JSON.parse(line)),
    [1, 2, 3, { n: 4, text: 'Zürich' }, 5, 6, 7].map((n) => (typeof n === 'number' ? { n } : n)),
  )
})

t.test('what the schema refuses is counted and kept, whatever it is', async (t) => {
  const collector = embedded(t, NOWHERE, { schema: 'soc' })
  await collector.start()
  const odd: unknown[] = [null, 5, true, [], {}, new Map(), { severity: 11 }]
  for (const event of odd) t.ok(collector.enqueue('app', event as object))
  t.ok(collector.enqueue('app', '{"severity":'))
  await until(() => collector.stats().sources['app']!.received === odd.length + 1)
  t.match(collector.stats(), {
    sources: {
      app: { rejected: odd.length + 1, rejectedBy: { malformed_json: 1, schema_violation: odd.length } },
    },
    deadLetters: { queued: odd.length + 1 },
  })
})

t.test('what has no JSON is the caller’s mistake', async (t) => {
  const collector = embedded(t, NOWHERE)
  await collector.start()
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  for (const event of [circle, { n: 1n }, undefined, () => {}, Symbol('s')]) {
    t.throws(() => collector.enqueue('app', event as object), TypeError)
  }
  t.match(await collector.stop(), { delivered: 0 })
})

t.test('more than fits at once, and sources that are none, have codes', async (t) => {
  const collector = embedded(t, NOWHERE, { max_record_bytes: '1KiB' })
  await collector.start()
  const half = 512 * 1024
  t.throws(() => collector.enqueue('app', Buffer.alloc(half, 'x')), {
    code: 'SPW_ERR_ENQUEUE_TOO_LONG',
    details: { source: 'app', bytes: half + 1, max: half },
  })
  t.ok(collector.enqueue('app', Buffer.alloc(half - 1, 'x')), 'too long an event, but it can be told')
  const unknown = { code: 'SPW_ERR_SOURCE_UNKNOWN', message: 'there is no source ap, only app' }
  t.throws(() => collector.enqueue('ap', {}), unknown)
  t.throws(() => collector.address('ap'), unknown)
  await t.rejects(collector.whenRoom('ap'), unknown)
  await until(() => collector.stats().sources['app']!.rejectedBy['oversize_record'] === 1)
})

t.test('full: nothing is taken until there is room, and nothing is lost', async (t) => {
  const receiver = await Receiver.start(t)
  const opened = Promise.withResolvers<number>()
  receiver.answer = () => opened.promise
  const collector = make(t, {
    memory: { slab_bytes: '128KiB', arena_bytes: '2MiB' },
    sources: { app: { type: 'embedded', schema: 'any', max_record_bytes: '32KiB' } },
    sinks: {
      siem: {
        type: 'http',
        url: receiver.url,
        batch: { max_bytes: '64KiB', max_age: '10ms' },
        request: { concurrency: 1 },
      },
    },
  })
  await collector.start()
  const events = Array.from({ length: 20_000 }, (_, n) => ({ n, text: 'x'.repeat(200) }))
  let refused = 0
  for (const event of events) {
    while (!collector.enqueue('app', event)) {
      refused++
      opened.resolve(200)
      await collector.whenRoom('app')
    }
  }
  t.ok(refused > 0, `${refused} times full`)
  t.ok(refused < events.length / 10, 'room is room for more than one')
  await collector.stop()
  t.same(
    receiver.lines.map((line) => JSON.parse(line).n),
    events.map(({ n }) => n),
  )
})

t.test('before the start and after the stop nothing is taken', async (t) => {
  const collector = embedded(t, NOWHERE)
  t.notOk(collector.enqueue('app', { n: 1 }))
  const room = collector.whenRoom('app')
  await Promise.all([collector.start(), collector.start()])
  await room
  t.ok(collector.enqueue('app', { n: 2 }))
  const stopped = collector.stop()
  t.equal(collector.stop(), stopped)
  t.match(await stopped, { delivered: 1 })
  t.notOk(collector.enqueue('app', { n: 3 }))
  await t.rejects(collector.whenRoom('app'), { code: 'SPW_ERR_COLLECTOR_STOPPED' })
  await t.rejects(collector.start(), { code: 'SPW_ERR_COLLECTOR_STOPPED' })
  t.match(collector.stats().sources['app'], { received: 1 })
})

t.test('who waits for room is told of the stop', async (t) => {
  const collector = embedded(t, NOWHERE)
  const waiting = [collector.whenRoom('app'), collector.whenRoom('app')]
  await Promise.all([
    collector.stop(),
    ...waiting.map((room) => t.rejects(room, { code: 'SPW_ERR_COLLECTOR_STOPPED' })),
  ])
})

t.test('what can’t be delivered in time is in the report', async (t) => {
  const receiver = await Receiver.start(t)
  receiver.answer = () => 503
  const collector = make(t, {
    shutdown_timeout: '50ms',
    journal: { mode: 'memory' },
    sources: { app: { type: 'embedded', schema: 'any' } },
    sinks: { siem: { type: 'http', url: receiver.url } },
  })
  await collector.start()
  t.ok(collector.enqueue('app', '{"n":1}\n{"n":2}'))
  await until(() => collector.stats().sources['app']!.accepted === 2)
  t.same(await collector.stop(), { delivered: 0, undelivered: 2, kept: 0, held: 0, uncommittedBytes: 0 })
  t.match(collector.stats(), {
    sinks: { siem: { deadLettered: 2, deadLetteredBy: { undelivered: 2 } } },
    deadLetters: { queued: 2 },
  })
})

t.test('a source with a door takes both; two collectors don’t know of each other', async (t) => {
  const config: CollectorConfig = {
    sources: { push: { type: 'http', listen: '127.0.0.1:0' }, lines: { type: 'tcp', listen: '127.0.0.1:0' } },
    sinks: { none: NOWHERE },
  }
  const collectors = [make(t, config), make(t, config)]
  await Promise.all(collectors.map((collector) => collector.start()))
  for (const [index, collector] of collectors.entries()) {
    const answer = await fetch(`http://${collector.address('push')}/`, { method: 'POST', body: socEvent(1) })
    t.match(await answer.json(), { accepted: 1, rejected: 0 })
    for (let n = 0; n <= index; n++) {
      t.ok(collector.enqueue('push', socEvent(n)))
      t.ok(collector.enqueue('lines', socEvent(n)))
    }
  }
  const reports = await Promise.all(collectors.map((collector) => collector.stop()))
  t.same(
    reports.map(({ delivered }) => delivered),
    [3, 5],
  )
})

t.test('a start that fails says why, and leaves nothing behind', async (t) => {
  const sinks = { none: NOWHERE }
  const first = make(t, { sources: { lines: { type: 'tcp', listen: '127.0.0.1:0' } }, sinks })
  await first.start()
  const second = make(t, { sources: { lines: { type: 'tcp', listen: first.address('lines') } }, sinks })
  await t.rejects(second.start(), { code: 'SPW_ERR_LISTEN_IN_USE' })
  t.same(await second.stop(), { delivered: 0, undelivered: 0, kept: 0, held: 0, uncommittedBytes: 0 })
})

t.test('a configuration from a file', async (t) => {
  const file = join(temporaryDirectory(t), 'spillway.yaml')
  writeFileSync(
    file,
    `
admin: { listen: none }
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { none: { type: blackhole, batch: { max_age: 1h } } }
`,
  )
  const lines: string[] = []
  const logger = createLogger({ level: 'info', stream: { write: (line) => void lines.push(line) } })
  const collector = createCollector(loadConfig(file), { logger })
  t.teardown(() => collector.stop())
  await collector.start()
  t.ok(collector.enqueue('push', socEvent(1)))
  t.same(await collector.stop(), { delivered: 1, undelivered: 0, kept: 0, held: 0, uncommittedBytes: 0 })
  t.match(JSON.parse(lines[0]!), { event: 'started', admin: '' })
})

t.test('a configuration that is none: everything at once, without places in a file', async (t) => {
  const wrong = { sources: { app: { type: 'embeded' }, in: { type: 'tcp' } }, sink: {} }
  const configured = () => createCollector(wrong as unknown as CollectorConfig)
  t.throws(configured, { code: 'SPW_ERR_CONFIG_INVALID' })
  t.throws(configured, /^the configuration \(createCollector\) has 4 errors:\n/)
  t.throws(configured, /\n\(createCollector\): sources\.app\.type: expected .* did you mean embedded\?\n/)
  t.throws(() => createCollector(null as unknown as CollectorConfig), TypeError)
})

t.test('the compiler knows the keys of each type', async (t) => {
  const sinks = { none: NOWHERE }
  const reference = { type: 'tcp', listen: '${LISTEN}', max_connections: '${MAX}' } as const
  const wrong = [
    // @ts-expect-error -- no such type
    { sources: { a: { type: 'tcpp' } }, sinks },
    // @ts-expect-error -- stdin does not listen
    { sources: { a: { type: 'stdin', listen: '127.0.0.1:0' } }, sinks },
    // @ts-expect-error -- a time needs its unit
    { sources: { a: { type: 'embedded', linger: 5 } }, sinks },
    // @ts-expect-error -- no such key
    { sources: { a: reference }, sinks, shutdown: '1s' },
  ] satisfies CollectorConfig[]
  for (const config of wrong) {
    t.throws(() => createCollector(config as unknown as CollectorConfig), { code: 'SPW_ERR_CONFIG_INVALID' })
  }
})

t.test('what goes wrong has a code of the table', async (t) => {
  try {
    loadConfig('/nowhere/spillway.yaml')
    t.fail('there is no such file')
  } catch (error) {
    t.ok(error instanceof SpillwayError)
    t.match(error, { code: 'SPW_ERR_CONFIG_UNREADABLE' })
    t.ok(Object.hasOwn(errorTable, 'SPW_ERR_CONFIG_UNREADABLE'))
  }
})
