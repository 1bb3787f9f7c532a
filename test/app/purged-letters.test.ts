/** Dead letters that are purged, or evicted, by a collector: gone at once, and counted once, also when it is killed then. */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { auditCommand } from '../../src/commands/audit.ts'
import { dlqLsCommand } from '../../src/commands/dlq/ls.ts'
import { dlqPurgeCommand } from '../../src/commands/dlq/purge.ts'
import { run } from '../commands/fixtures/journal-on-disk.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { socEvent } from '../helpers/soc-event.ts'

const CONFIG = `
data_dir: ./data
journal: { mode: disk }
sources: { push: { type: http, listen: 127.0.0.1:0 }, lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { siem: { type: blackhole } }
`

function configIn(directory: string): string {
  const file = join(directory, 'c.yaml')
  writeFileSync(file, CONFIG)
  return file
}

t.test('purged through a collector, which is killed then', async (t) => {
  const directory = temporaryDirectory(t)
  const config = configIn(directory)
  const collector = await startCollector(t, CONFIG, { directory })
  const bad = Array.from({ length: 5 }, (_, severity) => socEvent(severity, 11 + severity))
  const body = [socEvent(9), ...bad, 'no json'].join('\n')
  const { statusCode } = await request(`http://${collector.address('push')}/`, { method: 'POST', body })
  t.equal(statusCode, 200)
  const { ledger } = collector
  t.match(ledger.dlq, { queued: 6 })

  const purge = await run((output) => dlqPurgeCommand([], { config, path: '/severity', yes: true }, output))
  t.match(purge, { code: 0, out: '5 dead letters purged\n', err: '' })
  t.match(ledger.dlq, { found: 0, queued: 1, purged: 5 })
  t.strictSame(ledger.imbalances(), [])
  t.match(await run((output) => dlqLsCommand({ config }, output)), { out: /^1 dead letter, / })
  t.match(await run((output) => auditCommand({ config }, output)), { code: 0, out: /balances/ })

  const copy = temporaryDirectory(t)
  cpSync(join(directory, 'data'), join(copy, 'data'), {
    recursive: true,
    filter: (path) => !path.endsWith('control.sock'),
  })
  writeFileSync(join(copy, 'data', 'lock'), '')
  const next = await startCollector(t, CONFIG, { directory: copy })
  t.match(next.ledger.dlq, { found: 0, queued: 1, replayed: 0, purged: 5, evicted: 0 })
  t.strictSame(next.ledger.imbalances(), [])
})

t.test('a smaller queue is found at a start, which is killed then', async (t) => {
  const directory = temporaryDirectory(t)
  configIn(directory)
  const first = await startCollector(t, CONFIG, { directory })
  const body = `${JSON.stringify({ text: 'x'.repeat(60_000) })}\n`.repeat(40)
  const { statusCode } = await request(`http://${first.address('push')}/`, { method: 'POST', body })
  t.equal(statusCode, 200)
  t.match(first.ledger.dlq, { queued: 40, evicted: 0 })
  await first.stop()

  const smaller = `${CONFIG}dlq: { max_bytes: 1MiB }\n`
  const second = await startCollector(t, smaller, { directory })
  const { queued, evicted } = second.ledger.dlq
  t.ok(evicted > 0 && queued + evicted === 40, `${evicted} of 40 evicted`)
  // What a kill would leave now: the state was written for the evictions.
  const copy = temporaryDirectory(t)
  cpSync(join(directory, 'data'), join(copy, 'data'), {
    recursive: true,
    filter: (path) => !path.endsWith('control.sock'),
  })
  writeFileSync(join(copy, 'data', 'lock'), '')
  const config = configIn(copy)
  t.match(await run((output) => auditCommand({ config }, output)), { code: 0, out: /balances/ })
  const next = await startCollector(t, smaller, { directory: copy })
  t.match(next.ledger.dlq, { found: 0, queued, evicted })
  t.strictSame(next.ledger.imbalances(), [])
})
