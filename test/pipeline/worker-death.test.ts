import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Collector } from '../../src/app/collector.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { Receiver } from '../helpers/receiver.ts'
import { until } from '../helpers/until.ts'

const fixture = (name: string) => new URL(`../fixtures/${name}.ts`, import.meta.url).href

/** An escaped key: only the slow path can decide it. */
const slow = (n: number, text: string) =>
  `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","\\u0065vent_type":"${text}","severity":1,"n":${n}}`
const fast = (n: number) =>
  `{"timestamp":"2026-01-02T03:04:05Z","source_ip":"192.0.2.7","event_type":"x","severity":1,"n":${n}}`

async function send(collector: Collector, lines: readonly string[], source = 'lines'): Promise<void> {
  const port = Number(collector.address(source).split(':')[1])
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(`${lines.join('\n')}\n`))
    socket.on('close', () => resolve()).on('error', reject)
    socket.resume()
  })
}

function deadLetters(directory: string): { category: string; record: string }[] {
  const folder = join(directory, 'data', 'dlq')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as { category: string; record: string })
}

async function start(t: Test, worker: string, directory: string, unfinished = false) {
  const receiver = await Receiver.start(t)
  const collector = await startCollector(
    t,
    `
data_dir: ./data
workers: 1
shutdown_timeout: 500ms
sources: { lines: { type: tcp, listen: 127.0.0.1:0, record_timeout: 200ms } }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 10ms }, request: { concurrency: 1 } } }`,
    { workerFile: fixture(worker), directory, unfinished },
  )
  return { receiver, collector }
}

for (const [how, word] of [
  ['ends', 'KILL '],
  ['stops', 'HANG '],
] as const) {
  t.test(`a record that ${how} its worker is tried again, then dead-lettered alone`, async (t) => {
    const directory = temporaryDirectory(t)
    const { receiver, collector } = await start(t, 'mortal-worker', directory)
    const good = [fast(0), slow(1, 'x'), fast(2), fast(3), slow(4, 'y'), fast(5)]
    const poison = [slow(100, word), slow(101, word)]
    await send(collector, [
      ...good.slice(0, 2),
      poison[0]!,
      ...good.slice(2, 4),
      poison[1]!,
      ...good.slice(4),
    ])
    t.same(await receiver.received(good.length), good, 'the others, unchanged and in order')
    await until(() => collector.ledger.sources[0]!.rejectedTotal === 2)
    t.same(
      deadLetters(directory).map(({ category, record }) => [category, record]),
      poison.map((record) => ['processing_failure', record]),
    )
    t.same(collector.ledger.imbalances(), [])
    t.same(collector.notReady(), [], 'a record is no reason not to be ready')
  })
}

t.test('a record that killed one worker by chance is accepted by the next', async (t) => {
  const directory = temporaryDirectory(t)
  const { receiver, collector } = await start(t, 'mortal-worker', directory)
  const lines = [fast(0), slow(1, `KILL-ONCE ${directory}/once `), fast(2)]
  await send(collector, lines)
  t.same(await receiver.received(3), lines)
  t.equal(collector.ledger.sources[0]!.rejectedTotal, 0)
})

t.test('a poison record as first and as last of many extents', async (t) => {
  const directory = temporaryDirectory(t)
  const { receiver, collector } = await start(t, 'mortal-worker', directory)
  const lines = Array.from({ length: 20_000 }, (_, n) => fast(n))
  await send(collector, [slow(-1, 'KILL '), ...lines, slow(-2, 'KILL ')])
  const received = await receiver.received(lines.length)
  t.same(received, lines)
  await until(() => collector.ledger.sources[0]!.rejectedTotal === 2)
  t.equal(collector.ledger.sources[0]!.received, lines.length + 2)
})

t.test(
  'what little other sources have goes along, and one that kills the worker costs the others nothing',
  async (t) => {
    const directory = temporaryDirectory(t)
    const receiver = await Receiver.start(t)
    const patient = 'type: tcp, listen: 127.0.0.1:0, record_timeout: 200ms, linger: 10s'
    const collector = await startCollector(
      t,
      `
data_dir: ./data
workers: 1
shutdown_timeout: 500ms
sources:
  lines: { type: tcp, listen: 127.0.0.1:0, linger: 10ms }
  first: { ${patient} }
  second: { ${patient} }
  third: { ${patient} }
sinks: { siem: { type: http, url: '${receiver.url}', batch: { max_age: 10ms } } }`,
      { workerFile: fixture('mortal-worker'), directory },
    )
    const pending = (name: string) =>
      until(
        () => collector.topology.sources.find((source) => source.name === name)!.intake.uncommittedBytes > 0,
      )
    await send(collector, [fast(1)], 'first')
    await send(collector, [fast(2), slow(100, 'KILL '), fast(3)], 'second')
    await send(collector, [slow(4, 'x')], 'third')
    await Promise.all(['first', 'second', 'third'].map(pending))
    await send(collector, [fast(0)])
    const numbers = (await receiver.received(5)).map((line) => Number(/(\d+)\}$/.exec(line)![1]))
    t.same(
      numbers.toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4],
      'long before they have lingered',
    )
    await until(() => collector.ledger.sources.some(({ rejectedTotal }) => rejectedTotal === 1))
    t.match(deadLetters(directory), [{ category: 'processing_failure', record: slow(100, 'KILL ') }])
    t.same(collector.ledger.imbalances(), [])
  },
)

t.test('while no worker can start, sources wait and nothing is dead-lettered', async (t) => {
  const directory = temporaryDirectory(t)
  const { collector } = await start(t, 'stillborn-worker', directory, true)
  const socket = connect(Number(collector.address('lines').split(':')[1]), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`${fast(0)}\n`)
  await until(() => collector.notReady().some(({ component }) => component === 'workers'))
  await until(() => collector.topology.sources[0]!.intake.full)
  t.equal(collector.ledger.sources[0]!.received, 0)
  t.equal(collector.ledger.dlq.queued, 0)
  socket.destroy()
})
