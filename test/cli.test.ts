/** The command as its users meet it: a child process with arguments, signals, exit codes and what it writes. */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import { temporaryDirectory } from './helpers/collector.ts'
import { socEvent } from './helpers/soc-event.ts'
import { until } from './helpers/until.ts'

const root = join(import.meta.dirname, '..')
const launcher = join(root, 'src/spillway.js')

const noProc = existsSync('/proc/self/limits') ? false : 'no /proc'

const event = (n: number) => `${socEvent(n)}\n`

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A log line of the child. */
type LogLine = Readonly<Record<string, unknown>>

class Cli {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ended>
  #out = ''
  #err = ''
  #check = () => {}

  constructor(
    test: Test,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    command: readonly [string, ...string[]] = [process.execPath, launcher],
  ) {
    const [file, ...first] = command
    this.child = spawn(file, [...first, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LOG_LEVEL: 'info', ...env },
    })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => void (this.#out += text))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text
      this.#check()
    })
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#check()
      return { code, out: this.#out, err: this.#err }
    })
    test.teardown(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  /** The log line of an event, once it is there. */
  async logged(name: string): Promise<LogLine> {
    return await new Promise((resolve, reject) => {
      this.#check = () => {
        const line = logLines(this.#err).find((entry) => entry.event === name)
        if (line !== undefined) resolve(line)
        else if (this.child.exitCode !== null) reject(new Error(`ended without ${name}: ${this.#err}`))
      }
      this.#check()
    })
  }
}

function logLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))
}

function run(test: Test, ...args: string[]): Promise<Ended> {
  return new Cli(test, args).ended
}

/** A configuration in a directory of its own, beside which its data lies. */
function configFile(test: Test, text: string, directory = temporaryDirectory(test)): string {
  const file = join(directory, 'spillway.yaml')
  writeFileSync(file, `admin: { listen: 127.0.0.1:0 }\n${text}`)
  return file
}

const MEMORY = 'journal: { mode: memory }\n'

const QUICK_BATCHES = `
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 10ms } } }
`

const SLOW_BATCHES = `
sources: { push: { type: http, listen: 127.0.0.1:0, max_connections: 100 } }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 1h } } }
`

async function post(started: LogLine, source: string, body: string): Promise<void> {
  const address = (started.sources as Record<string, string>)[source]
  const answer = await fetch(`http://${address}/`, { method: 'POST', body })
  await answer.text()
}

t.test('usage: what is wrong and how it goes, on standard error, exit code 2', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: spillway/],
    [['drain'], /unknown command 'drain'/],
    [['chek'], /Did you mean check\?/],
    [['run', '--colour'], /unknown option '--colour'/],
    [['run', '-c'], /argument missing/],
    [['check', 'spillway.yaml'], /too many arguments/],
  ]
  await Promise.all(
    cases.map(async ([args, expected]) => {
      const { code, out, err } = await run(t, ...args)
      t.equal(code, 2, args.join(' '))
      t.match(err, expected)
      t.match(err, /Usage: spillway/)
      t.equal(out, '')
    }),
  )
})

t.test('--version and --help', async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.same(await run(t, '--version'), { code: 0, out: `${version}\n`, err: '' })
  const help = await run(t, '--help')
  t.match(help, { code: 0, out: /run .*\n.*check /s, err: '' })
})

t.test('check', async (t) => {
  const good = await run(t, 'check', '-c', configFile(t, SLOW_BATCHES))
  t.match(good, { code: 0, out: /max_age: 1h[^]*# Memory at most/, err: '' })
  const bad = await run(t, 'check', '-c', configFile(t, 'sources: { push: { type: htp } }\n'))
  t.match(bad, { code: 2, out: '', err: /spillway\.yaml:2.*htp/ })
  const absent = await run(t, 'check', '-c', join(temporaryDirectory(t), 'none.yaml'))
  t.match(absent, { code: 2, out: '', err: /^cannot read the configuration file .*none\.yaml/ })
})

t.test('run: a bad configuration is told as check tells it', async (t) => {
  const { code, err } = await run(t, 'run', '-c', configFile(t, 'sinks: { out: { type: file, pth: x } }\n'))
  t.equal(code, 2)
  t.match(err, /pth/)
  t.notMatch(err, /\n +at /, 'no stack')
})

t.test('run: a port in use', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const sources = `sources: { lines: { type: tcp, listen: 127.0.0.1:${port} } }\nsinks: { out: { type: blackhole } }\n`
  const { code, err } = await run(t, 'run', '-c', configFile(t, sources))
  t.equal(code, 1)
  t.match(err, `cannot listen on 127.0.0.1:${port}: another process does already`)
  t.match(err, /sources\.lines/)
  t.notMatch(err, /\n +at /, 'no stack')
})

t.test('run: a data_dir that cannot be one', async (t) => {
  const file = configFile(t, `data_dir: ./spillway.yaml/data\n${SLOW_BATCHES}`)
  const { code, err } = await run(t, 'run', '-c', file)
  t.equal(code, 1)
  t.match(err, /cannot use the data directory .*spillway\.yaml\/data.*set data_dir/)
  t.notMatch(err, /\n +at /, 'no stack')
})

t.test('in memory mode SIGTERM delivers what waits for its batch, says so, and exits with 0', async (t) => {
  const file = configFile(t, MEMORY + SLOW_BATCHES)
  const cli = new Cli(t, ['run', '-c', file])
  const started = await cli.logged('started')
  t.match(started, { memory: { 'memory.arena_bytes': 64 * 1024 * 1024, 'main thread heap': Number } })
  const parts = Object.values(started['memory'] as Record<string, number>)
  t.equal(
    parts.reduce((sum, bytes) => sum + bytes, 0),
    started['memory_limit_bytes'],
    'the ceiling is a sum',
  )
  await post(started, 'push', event(1) + event(2) + event(3))
  cli.child.kill('SIGTERM')
  const { code, out, err } = await cli.ended
  t.equal(code, 0, err)
  t.equal(out, '')
  t.match(logLines(err), [
    { event: 'started' },
    { event: 'memory_mode' },
    { event: 'stopping', signal: 'SIGTERM' },
    { event: 'shutdown_done', delivered_while_stopping: 3, undelivered: 0 },
  ])
  t.equal(archived(join(file, '../archive')), event(1) + event(2) + event(3))
})

t.test('what waits at SIGTERM stays in the journal, and is delivered by the next run', async (t) => {
  const file = configFile(t, SLOW_BATCHES)
  const first = new Cli(t, ['run', '-c', file])
  await post(await first.logged('started'), 'push', event(1) + event(2) + event(3))
  first.child.kill('SIGTERM')
  const { code, err } = await first.ended
  t.equal(code, 0, err)
  t.match(logLines(err).at(-1), { event: 'shutdown_done', delivered_while_stopping: 0, kept: 3 })
  const second = new Cli(t, ['run', '-c', configFile(t, QUICK_BATCHES, dirname(file))])
  await second.logged('started')
  const archive = join(file, '../archive')
  await until(() => existsSync(archive) && archived(archive) === event(1) + event(2) + event(3))
  second.child.kill('SIGTERM')
  t.match(await second.ended, { code: 0 })
})

t.test('a limit of open files that is too low is told', { skip: noProc }, async (t) => {
  const file = configFile(t, SLOW_BATCHES)
  const limited = ['sh', '-c', `ulimit -n 200 && exec "$0" "$@"`, process.execPath, launcher] as const
  const cli = new Cli(t, ['run', '-c', file], {}, limited)
  t.match(await cli.logged('open_files_few'), { level: 'warn', limit: 200, wanted: 100 + 1 + 128 })
  cli.child.kill('SIGTERM')
  t.match(await cli.ended, { code: 0 })
})

t.test('npm start passes SIGTERM on', async (t) => {
  const file = configFile(t, MEMORY + SLOW_BATCHES)
  const cli = new Cli(t, ['start', '--', '-c', file], {}, ['npm'])
  await post(await cli.logged('started'), 'push', event(1))
  cli.child.kill('SIGTERM')
  // npm is gone at once; the output closes with the collector.
  const { err } = await cli.ended
  t.match(logLines(err).at(-1), { event: 'shutdown_done', delivered_while_stopping: 1, undelivered: 0 })
  t.equal(archived(join(file, '../archive')), event(1))
})

function archived(folder: string): string {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')
}

const SILENT_RECEIVER = (port: number) => `
${MEMORY}sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { out: { type: http, url: "http://127.0.0.1:${port}/", batch: { max_age: 10ms } } }
`

/** Takes connections and never answers; resolves `asked` when a request has come. */
async function silentReceiver(test: Test): Promise<{ port: number; asked: Promise<unknown> }> {
  const server = createServer()
  const asked = new Promise((resolve) => {
    server.on('connection', (socket) => {
      test.teardown(() => socket.destroy())
      socket.on('error', () => {}).once('data', resolve)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, asked }
}

t.test('SIGINT twice ends at once, and says how much is lost', async (t) => {
  const { port, asked } = await silentReceiver(t)
  const cli = new Cli(t, ['run', '-c', configFile(t, SILENT_RECEIVER(port))])
  await post(await cli.logged('started'), 'push', event(1) + event(2))
  await asked
  cli.child.kill('SIGINT')
  await cli.logged('stopping')
  cli.child.kill('SIGINT')
  const { code, err } = await cli.ended
  t.equal(code, 1)
  t.match(logLines(err).at(-1), { event: 'stop_broken_off', level: 'error', signal: 'SIGINT', held: 2 })
})

t.test('in memory mode what is left at shutdown_timeout goes to the dead letters, exit code 1', async (t) => {
  const { port, asked } = await silentReceiver(t)
  const file = configFile(t, `shutdown_timeout: 100ms\n${SILENT_RECEIVER(port)}`)
  const cli = new Cli(t, ['run', '-c', file])
  await post(await cli.logged('started'), 'push', event(1) + event(2))
  await asked
  cli.child.kill('SIGTERM')
  const { code, err } = await cli.ended
  t.equal(code, 1)
  t.match(logLines(err).at(-1), { event: 'shutdown_done', delivered_while_stopping: 0, undelivered: 2 })
  const letters = logLines(archived(join(file, '../data/dlq')))
  t.match(letters, [
    { category: 'undelivered', sink: 'out', record: event(1).trimEnd() },
    { category: 'undelivered', sink: 'out', record: event(2).trimEnd() },
  ])
})

t.test('LOG_LEVEL', async (t) => {
  const quiet = new Cli(t, ['run', '-c', configFile(t, MEMORY + SLOW_BATCHES)], { LOG_LEVEL: 'warn' })
  await quiet.logged('memory_mode')
  quiet.child.kill('SIGTERM')
  const { code, err } = await quiet.ended
  t.equal(code, 0)
  t.same(
    logLines(err).map((line) => line.event),
    ['memory_mode'],
    'nothing below WARN',
  )
  const wrong = new Cli(t, ['run', '-c', configFile(t, SLOW_BATCHES)], { LOG_LEVEL: 'loud' })
  t.match(await wrong.logged('log_level_unknown'), { level: 'warn', level_asked: 'loud' })
  t.ok(await wrong.logged('started'), 'it starts all the same')
})
