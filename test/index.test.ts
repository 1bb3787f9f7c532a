/** The public API, as another program uses it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Collector, createLogger, errorTable, loadConfig, SpillwayError } from '../src/index.ts'
import { temporaryDirectory } from './helpers/collector.ts'

t.test('load, start, stop', async (t) => {
  const file = join(temporaryDirectory(t), 'spillway.yaml')
  writeFileSync(
    file,
    `
admin: { listen: 127.0.0.1:0 }
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { none: { type: blackhole, batch: { max_age: 1h } } }
`,
  )
  const { config } = loadConfig(file)
  const collector = new Collector(config, { logger: createLogger({ level: 'silent' }) })
  t.teardown(() => collector.stop())
  await collector.start()
  const body =
    '{"timestamp":"2026-11-22T00:00:00Z","source_ip":"192.0.2.1","event_type":"test","severity":3}\n'
  const answer = await fetch(`http://${collector.address('push')}/`, { method: 'POST', body })
  t.match(await answer.json(), { accepted: 1, rejected: 0 })
  t.same(await collector.stop(), { delivered: 1, undelivered: 0, held: 0 })
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
