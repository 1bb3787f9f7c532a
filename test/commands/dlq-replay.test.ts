import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { callControl } from '../../src/app/control/client.ts'
import { REPLAY_METHOD, REPLAY_STATUS_METHOD } from '../../src/app/control/dlq-replay.ts'
import { auditCommand } from '../../src/commands/audit.ts'
import { dlqReplayCommand } from '../../src/commands/dlq/replay.ts'
import type { ReplayOptions } from '../../src/commands/dlq/replay.ts'
import type { ReplayRequest, ReplayStatus } from '../../src/sources/dlq/index.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { until } from '../helpers/until.ts'
import { startCli } from './fixtures/cli.ts'
import type { Cli } from './fixtures/cli.ts'

const PLAN = 'data/dlq/replay.json'

/** A directory with a configuration, and a queue with letters of the ids from 0 on. */
async function scene(test: Test, count: number) {
  const directory = temporaryDirectory(test)
  const text = `
data_dir: ./data
journal: { mode: disk }
workers: 1
memory: { arena_bytes: 32MiB }
schemas: { mine: { file: mine.json } }
sources: { app: { type: embedded, schema: mine }, other: { type: embedded, schema: any } }
sinks:
  archive: { type: file, path: ./archive, inputs: [app], batch: { max_age: 20ms } }
  rest: { type: blackhole, inputs: [other] }
`
  const file = join(directory, 'spillway.yaml')
  const schema = (names: string[]) =>
    writeFileSync(join(directory, 'mine.json'), JSON.stringify({ type: 'object', required: names }))
  writeFileSync(file, `${text}\nadmin: { listen: none }\n`)
  schema(['severity'])
  const collector = await startCollector(test, text, { directory })
  const lines = Array.from({ length: count }, (_, id) => `{"id":${id}}\n`)
  collector.inlet('app').enqueue(Buffer.from(lines.join('')))
  await until(() => collector.ledger.dlq.queued === count)
  await collector.stop()
  schema([])
  return { directory, file, text, dataDir: join(directory, 'data'), archive: join(directory, 'archive') }
}

async function startRun(test: Test, file: string): Promise<Cli> {
  const collector = startCli(test, ['run', '-c', file])
  await collector.said(/takes events/)
  return collector
}

async function ask(dataDir: string, method: string, body: object): Promise<ReplayStatus> {
  return (await callControl(dataDir, method, body))!['replay'] as ReplayStatus
}

async function statusOf(dataDir: string, holds: (status: ReplayStatus) => boolean): Promise<ReplayStatus> {
  for (;;) {
    const status = await ask(dataDir, REPLAY_STATUS_METHOD, {})
    if (holds(status)) return status
    await pause(5)
  }
}

function archivedIds(archive: string): number[] {
  return readdirSync(archive)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(archive, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { id: number }).id)
}

interface Audit {
  readonly balanced: boolean
  readonly sources: readonly { readonly name: string; readonly received: number }[]
}

async function auditOf(file: string): Promise<Audit> {
  let text = ''
  await auditCommand({ config: file, json: true }, { out: (more) => void (text += more), err() {} })
  return JSON.parse(text) as Audit
}

async function command(options: Omit<ReplayOptions, 'config'>, file: string) {
  let out = ''
  let err = ''
  const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  return { code: await dlqReplayCommand([], { ...options, config: file }, output), out, err }
}

void t.test('killed again and again, each letter is received once', async (t) => {
  const letters = 1500
  const { directory, file, dataDir, archive } = await scene(t, letters)
  const request: ReplayRequest = { selection: {}, rate: 1000 }
  // Within the first slice, and near the border to the second.
  for (const accepted of [1, 980]) {
    const collector = await startRun(t, file)
    t.notOk(existsSync(join(directory, PLAN)), 'what the crash before left is settled')
    await ask(dataDir, REPLAY_METHOD, request)
    const before = await statusOf(dataDir, (status) => status.state === 'done' || status.accepted >= accepted)
    collector.child.kill('SIGKILL')
    await collector.ended
    t.comment(`killed with ${before.accepted} accepted, ${before.replayed} marked`)
  }
  const collector = await startRun(t, file)
  await ask(dataDir, REPLAY_METHOD, { ...request, rate: 100_000 })
  t.match(await statusOf(dataDir, ({ state }) => state !== 'running'), { state: 'done', rejected: 0 })
  await ask(dataDir, REPLAY_METHOD, request)
  t.match(await statusOf(dataDir, ({ state }) => state !== 'running'), { chosen: 0 }, 'nothing is left')
  collector.child.kill('SIGTERM')
  t.equal((await collector.ended).code, 0)
  const { balanced, sources } = await auditOf(file)
  t.equal(sources.find(({ name }) => name === 'dlq')?.received, letters)
  t.ok(balanced)
  const sent = archivedIds(archive)
  t.equal(new Set(sent).size, letters)
  t.comment(`${sent.length - letters} delivered twice`)
})

void t.test('the command: what it would do, what it does, and how it is told to stop', async (t) => {
  const { directory, file, text } = await scene(t, 300)
  t.match(await command({ all: true }, file), { code: 1, err: /no collector runs on .*start it first/ })
  t.match(await command({ all: true, dryRun: true }, file), {
    code: 0,
    out: /300 dead letters would be replayed.*\n {2}archive: 300 dead letters/,
  })
  const collector = await startCollector(t, text, { directory })
  t.match(await command({ all: true, to: ['nowhere'] }, file), { code: 2, err: /--to.*nowhere/ })
  t.match(await command({}, file), { code: 2, err: /say which letters/ })
  t.match(await command({ all: true, rate: '0' }, file), { code: 2, err: /--rate/ })
  const slow = startCli(t, ['dlq', 'replay', '-c', file, '--all', '--rate', '50'])
  await slow.said(/^[1-9]\d* received; 100 dead letters read/m)
  t.match(await command({ all: true }, file), { code: 1, err: /being replayed already/ })
  slow.child.kill('SIGINT')
  const { code, out } = await slow.ended
  t.equal(code, 1)
  t.match(out, /\d+ dead letters? replayed: \d+ accepted\n.*stopped before the end: run it again to go on/s)
  const { replayed } = collector.ledger.dlq
  t.ok(replayed > 0 && replayed < 300)
  const rest = await command({ source: ['app'], rate: '100k', json: true }, file)
  t.equal(rest.code, 0)
  t.match(JSON.parse(rest.out), { state: 'done', replayed: 300 - replayed })
  t.match(await command({ all: true }, file), { code: 0, out: '0 dead letters replayed: 0 accepted\n' })
  await collector.stop()
  t.ok((await auditOf(file)).balanced)
})
