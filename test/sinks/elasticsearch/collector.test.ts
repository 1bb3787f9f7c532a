/** A collector before a store of which most requests fail, in part or as a whole: each event is in one place, once. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startCollector, temporaryDirectory } from '../../helpers/collector.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { until } from '../../helpers/until.ts'
import { BulkStore } from './fixtures/bulk-store.ts'
import type { Fault } from './fixtures/bulk-store.ts'

const EVENTS = 1200
const REQUESTS = 6

interface DeadLetter {
  readonly category: string
  readonly sink: string
  readonly reason: string
  readonly status: number
  readonly record: string
}

function deadLettersIn(directory: string): DeadLetter[] {
  return readdirSync(join(directory, 'dlq'))
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) =>
      readFileSync(join(directory, 'dlq', name), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as DeadLetter)
}

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0)
const numberOf = (document: string) => (JSON.parse(document) as { n: number }).n

/** Of every six requests two are as they should be. */
const FAULTS: (Fault | null)[] = [
  null,
  { kind: 'status', status: 503 },
  { kind: 'cut_off' },
  null,
  { kind: 'item_less' },
  { kind: 'reset' },
]

t.test('half-failed requests', async (t) => {
  const store = await BulkStore.start(t)
  const refusedOnce = new Set<string>()
  store.fault = (n) => FAULTS[n % FAULTS.length]!
  store.itemFault = (document, id) => {
    const n = numberOf(document)
    if (n % 7 === 0) return { status: 400, type: 'mapper_parsing_exception', reason: `number ${n}` }
    if (n % 3 !== 0 || refusedOnce.has(id)) return null
    refusedOnce.add(id)
    return { status: 429, type: 'es_rejected_execution_exception', reason: 'queue is full' }
  }
  const directory = temporaryDirectory(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
workers: 1
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks:
  es:
    type: elasticsearch
    url: ${store.url}
    index: logs-soc
    batch: { max_bytes: 16KiB, max_age: 20ms }
    retry: { initial: 1ms, max: 5ms }
    breaker: { cooldown: 1ms, max_cooldown: 5ms }`,
    { directory },
  )
  const numbers = Array.from({ length: EVENTS }, (_, n) => n)
  const share = EVENTS / REQUESTS
  for (let from = 0; from < EVENTS; from += share) {
    const lines = numbers.slice(from, from + share).map((n) => `${socEvent(n)}\n`)
    // oxlint-disable-next-line no-await-in-loop -- so that there are many frames
    await fetch(`http://${collector.address('push')}/`, { method: 'POST', body: lines.join('') })
  }
  const sink = collector.ledger.sinks[0]!
  await until(() => sum(sink.delivered) + sum(sink.deadLettered.values()) === EVENTS)
  t.same(sink.held(), [0, 0])

  const refused = numbers.filter((n) => n % 7 === 0)
  t.equal(sum(sink.delivered), EVENTS - refused.length)
  t.same([...sink.deadLettered], [['refused', refused.length]])
  const stored = [...store.documents.values()].map(numberOf).toSorted((a, b) => a - b)
  t.same(
    stored,
    numbers.filter((n) => n % 7 !== 0),
    'each that the store takes is there, once',
  )
  t.ok(store.conflicts > 0, 'what was stored unheard was sent again')
  const letters = deadLettersIn(join(directory, 'data'))
  t.same(
    letters.map(({ record }) => numberOf(record)).toSorted((a, b) => a - b),
    refused,
  )
  for (const { record, category, sink: name, reason, status } of letters) {
    const n = numberOf(record)
    t.same(
      { category, name, reason, status },
      {
        category: 'refused',
        name: 'es',
        reason: `mapper_parsing_exception: number ${n}`,
        status: 400,
      },
    )
  }
})
