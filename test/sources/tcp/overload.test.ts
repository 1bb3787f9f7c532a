import { spawn } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Test } from 'tap'
import { Collector } from '../../../src/app/collector.ts'
import { parseConfig } from '../../../src/app/config/load.ts'
import { MIB } from '../../../src/base/units.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { startCollector, temporaryDirectory } from '../../helpers/collector.ts'
import { Receiver } from '../../helpers/receiver.ts'
import { write } from '../../pipeline/tcp/fixtures/tcp-rig.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { until } from '../../helpers/until.ts'

const RUNTIME_BYTES = 150 * MIB

const numberOf = (line: string) => (JSON.parse(line) as { n: number }).n

const config = (url: string, sink = '') => `
data_dir: ./data
workers: 1
shutdown_timeout: 10s
memory: { slab_bytes: 512KiB, arena_bytes: 12MiB }
sources: { lines: { type: tcp, listen: 127.0.0.1:0, max_record_bytes: 64KiB } }
sinks: { siem: { type: http, url: '${url}', batch: { max_age: 20ms, max_bytes: 256KiB }, retry: { initial: 20ms, max: 100ms }${sink} } }`

function connectTo(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.split(':').at(-1)), '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    socket.resume()
  })
}

/** The numbers that came, and how many came twice. */
function seen(lines: readonly string[]): { distinct: number; all: number } {
  return { distinct: new Set(lines.map(numberOf)).size, all: lines.length }
}

/** The collector as a process of its own, so that its memory is its own. */
async function startProcess(t: Test, text: string) {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'spillway.yaml')
  writeFileSync(file, `${text}\nadmin: { listen: 127.0.0.1:0 }\n`)
  const child = spawn(process.execPath, ['src/spillway.js', 'run', '-c', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  const errors = createInterface({ input: child.stderr })
  const started = await new Promise<Started>((resolve, reject) => {
    const look = (line: string) => {
      if (line.includes('"event":"started"')) resolve(JSON.parse(line) as Started)
    }
    lines.on('line', look)
    errors.on('line', look)
    child.once('exit', () => reject(new Error('the collector ended')))
  })
  const peakRssBytes = () =>
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) * 1024
  return { started, peakRssBytes }
}

interface Started {
  readonly sources: { lines: string }
  readonly memory_limit_bytes: number
}

t.test('a receiver that never answers: memory stays bounded, TCP is not read, nothing is lost', async (t) => {
  const receiver = await Receiver.start(t)
  const opened = Promise.withResolvers<number>()
  receiver.answer = () => opened.promise
  const { started, peakRssBytes } = await startProcess(t, config(receiver.url))
  const count = 200_000
  const connections = 4
  const sockets = await Promise.all(
    Array.from({ length: connections }, () => connectTo(started.sources.lines)),
  )
  sockets.forEach((socket, i) => {
    const lines: string[] = []
    for (let n = i; n < count; n += connections) lines.push(socEvent(n))
    socket.end(`${lines.join('\n')}\n`)
  })
  // It stands still when for a while no kernel takes anything.
  const waiting = () => sockets.reduce((sum, { writableLength }) => sum + writableLength, 0)
  for (let before = -1; before !== waiting();) {
    before = waiting()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  t.ok(waiting() > 0, 'what does not fit is not read')
  t.ok(
    peakRssBytes() <= started.memory_limit_bytes + RUNTIME_BYTES,
    `${Math.round(peakRssBytes() / MIB)} MiB, of ${Math.round(started.memory_limit_bytes / MIB)} + 150`,
  )
  opened.resolve(200)
  await receiver.received(count)
  t.same(seen(receiver.lines), { distinct: count, all: count }, 'every event exactly once')
  t.ok(peakRssBytes() <= started.memory_limit_bytes + RUNTIME_BYTES)
})

t.test('a receiver that answers 503 for a while: nothing is lost', async (t) => {
  const receiver = await Receiver.start(t)
  let failing = true
  receiver.answer = () => (failing ? 503 : 200)
  const collector = await startCollector(t, config(receiver.url))
  const count = 100_000
  const socket = await connectTo(collector.address('lines'))
  socket.end(`${Array.from({ length: count }, (_, n) => socEvent(n)).join('\n')}\n`)
  await until(() => receiver.requests > 3)
  failing = false
  await receiver.received(count)
  t.same(seen(receiver.lines), { distinct: count, all: count })
  t.same(collector.ledger.imbalances(), [])
})

t.test('a port that is taken is said so, and everything is stopped again', async (t) => {
  const receiver = await Receiver.start(t)
  const first = await startCollector(t, config(receiver.url))
  const directory = temporaryDirectory(t)
  const text = config(receiver.url).replace('listen: 127.0.0.1:0', `listen: '${first.address('lines')}'`)
  const host = { env: {}, cwd: directory, cores: 2 }
  const { config: second } = parseConfig(
    `${text}\nadmin: { listen: 127.0.0.1:0 }`,
    'test.yaml',
    directory,
    host,
  )
  const collector = new Collector(second, { logger: createLogger({ level: 'silent' }) })
  await t.rejects(collector.start(), { code: 'SPW_ERR_LISTEN_IN_USE' })
})

t.test(
  'a stop with open connections: whole records go out, the beginning of one is a dead letter',
  async (t) => {
    const receiver = await Receiver.start(t)
    const directory = temporaryDirectory(t)
    const collector = await startCollector(t, config(receiver.url), { directory })
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connectTo(collector.address('lines'))))
    await Promise.all(sockets.map((socket, n) => write(socket, `${socEvent(n)}\n{"half":${n}`)))
    await until(() => collector.ledger.sources[0]!.received === 20)
    const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve))))
    const { undelivered } = await collector.stop()
    await closed
    t.equal(undelivered, 0)
    t.same(seen(receiver.lines), { distinct: 20, all: 20 })
    t.same(collector.ledger.sources[0]!.rejectedTotal, 20)
    const folder = join(directory, 'data', 'dlq')
    const letters = readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as { category: string; record: string })
    t.same(
      letters.map(({ category, record }) => `${category} ${record}`).toSorted(),
      sockets.map((_, n) => `bad_framing {"half":${n}`).toSorted(),
    )
  },
)
