/** `spillway run` over standard input, as its users run it: pipes, files, terminals, signals. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { temporaryDirectory } from '../../helpers/collector.ts'
import { Receiver } from '../../helpers/receiver.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { until } from '../../helpers/until.ts'

const launcher = join(import.meta.dirname, '../../../src/spillway.js')

/** Without the coverage of this process. Each run need not compile it all anew. */
const env = {
  ...process.env,
  LOG_LEVEL: 'info',
  NODE_COMPILE_CACHE: temporaryDirectory(t),
  NODE_V8_COVERAGE: undefined,
  NODE_OPTIONS: undefined,
}
t.jobs = 2

const ARCHIVE = `
sources: { in: { type: stdin } }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 1h } } }
`

const lines = (count: number) => Array.from({ length: count }, (_, n) => `${socEvent(n)}\n`).join('')

interface Ended {
  readonly code: number | null
  readonly log: readonly Readonly<Record<string, unknown>>[]
  readonly err: string
}

/** A run in a directory of its own, which holds `spillway.yaml` and its data. */
class Run {
  readonly directory: string
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #err = ''
  #look = () => {}

  /** `shell`: how it is started, where `"$@"` is the command. */
  constructor(
    test: Test,
    options: { config: string; input?: StdioOptions; shell?: string; directory?: string },
  ) {
    this.directory = options.directory ?? temporaryDirectory(test)
    writeFileSync(join(this.directory, 'spillway.yaml'), `admin: { listen: none }\n${options.config}`)
    const { input = 'ignore', shell = 'exec "$@"' } = options
    const command = [process.execPath, launcher, 'run', '-c', 'spillway.yaml']
    this.child = spawn('sh', ['-c', shell, 'sh', ...command], {
      cwd: this.directory,
      env,
      stdio: [...[input].flat(), 'ignore', 'pipe'] as StdioOptions,
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text
      this.#look()
    })
    this.ended = once(this.child, 'close').then(([code]) => ({ code, log: this.log, err: this.#err }))
    test.teardown(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  get log(): Ended['log'] {
    const whole = this.#err.split('\n').slice(0, -1)
    return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  }

  /** Resolves once an event is in the log. */
  logged(event: string): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.log.some((line) => line.event === event)) resolve()
      }
      this.#look()
    })
  }

  /** What lies in files of the data directory's folder `archive` or `data/dlq`. */
  files(folder: string): string {
    const path = join(this.directory, folder)
    if (!existsSync(path)) return ''
    const names = readdirSync(path).filter((name) => name.endsWith('.ndjson'))
    return names
      .toSorted()
      .map((name) => readFileSync(join(path, name), 'utf8'))
      .join('')
  }
}

const shutdown = ({ log }: Ended) => log.find(({ event }) => event === 'shutdown_done')

t.test('a pipe: everything is delivered behind its end, and it ends by itself', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'events.ndjson'), lines(3) + socEvent(3))
  const run = new Run(t, { config: ARCHIVE, shell: 'cat events.ndjson | "$@"', directory })
  const ended = await run.ended
  t.equal(ended.code, 0, ended.err)
  t.match(ended.log, [{ event: 'started' }, { event: 'input_ended' }])
  t.match(shutdown(ended), { delivered_while_stopping: 4 })
  t.equal(run.files('archive'), lines(4), 'the last line may be without its line feed')
})

t.test('a file, larger than the arena, with refused lines in it', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'events.ndjson')
  writeFileSync(path, `${lines(30_000)}no event\n${lines(2)}`)
  const fd = openSync(path, 'r')
  const config = `
memory: { slab_bytes: 128KiB, arena_bytes: 2MiB }
sources: { in: { type: stdin, max_record_bytes: 32KiB } }
sinks: { archive: { type: file, path: ./archive, batch: { max_bytes: 64KiB } } }
`
  const run = new Run(t, { config, directory, input: [fd] })
  closeSync(fd)
  const ended = await run.ended
  t.equal(ended.code, 0, ended.err)
  t.ok(run.files('archive') === lines(30_000) + lines(2))
  t.match(JSON.parse(run.files('data/dlq')), { source: 'in', peer: 'stdin', record: 'no event' })
})

t.test('a standard input that is closed is one that has ended', async (t) => {
  const ended = await new Run(t, { config: ARCHIVE, shell: 'exec "$@" <&-' }).ended
  t.equal(ended.code, 0, ended.err)
  t.match(ended.log, [{ event: 'started' }, { event: 'input_ended' }])
})

t.test('what cannot be read is told, exit code 1', async (t) => {
  const ended = await new Run(t, { config: ARCHIVE, shell: 'exec "$@" 0> out' }).ended
  t.equal(ended.code, 1)
  const failed = ended.log.find(({ event }) => event === 'input_failed')
  t.match(failed, { level: 'error', component: 'in', reason: /EBADF/ })
})

const noScript = hasScript() ? false : 'no script(1)'

function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version']).toString().includes('util-linux')
  } catch {
    return false
  }
}

t.test('a terminal: lines that are typed, until Ctrl-D', { skip: noScript }, async (t) => {
  // `script` makes the terminal; the log goes past it.
  const shell = 'script -qec "$* 2>log" /dev/null'
  const run = new Run(t, { config: ARCHIVE, shell, input: ['pipe'] })
  run.child.stdin!.write(lines(2))
  run.child.stdin!.end()
  t.equal((await run.ended).code, 0, readFileSync(join(run.directory, 'log'), 'utf8'))
  t.equal(run.files('archive'), lines(2))
})

/** A pipe with a name, open for reading and writing, so that neither end is ever closed. */
function namedPipe(test: Test): { path: string; fd: number } {
  const path = join(temporaryDirectory(test), 'pipe')
  execFileSync('mkfifo', [path])
  const fd = openSync(path, 'r+')
  test.teardown(() => closeSync(fd))
  return { path, fd }
}

t.test('SIGTERM while a full collector leaves its input unread: what was not read stays there', async (t) => {
  const receiver = await Receiver.start(t)
  const answer = Promise.withResolvers<number>()
  receiver.answer = () => answer.promise
  const { path, fd } = namedPipe(t)
  const config = `
journal: { mode: memory }
memory: { slab_bytes: 128KiB, arena_bytes: 2MiB }
sources: { in: { type: stdin, max_record_bytes: 32KiB } }
sinks: { siem: { type: http, url: "${receiver.url}", batch: { max_bytes: 64KiB }, request: { concurrency: 1 } } }
`
  const run = new Run(t, { config, shell: `exec "$@" < ${path}` })
  const all = lines(40_000)
  writeFileSync(join(run.directory, 'all.ndjson'), all)
  const writer = spawn('sh', ['-c', 'exec cat "$0" > "$1"', join(run.directory, 'all.ndjson'), path])
  const writerEnded = once(writer, 'close')
  await run.logged('source_paused')
  run.child.kill('SIGTERM')
  await run.logged('stopping')
  answer.resolve(200)
  const ended = await run.ended
  t.equal(ended.code, 0, ended.err)
  const rest = await readRest(fd, all, writerEnded)
  // The line in the middle of which it stopped is a dead letter, with what was read of it.
  const letters = run.files('data/dlq')
  const broken = letters === '' ? '' : String(JSON.parse(letters).record)
  if (letters !== '') t.match(JSON.parse(letters), { category: 'bad_framing' })
  const delivered = receiver.lines.map((line) => `${line}\n`).join('')
  t.ok(delivered.length > 0 && rest.length > 0)
  t.ok(delivered + broken + rest === all, 'each byte is in one place')
})

/** Reads what is left in a pipe whose writer writes `all` and ends. */
async function readRest(fd: number, all: string, writerEnded: Promise<unknown>): Promise<string> {
  const buffer = Buffer.alloc(64 * 1024)
  const chunks: Buffer[] = []
  // The last line is in the pipe at the end, unless all was read before.
  while (!Buffer.concat(chunks.slice(-2)).toString().endsWith(all.slice(-100))) {
    const length = readSync(fd, buffer)
    chunks.push(Buffer.from(buffer.subarray(0, length)))
  }
  await writerEnded
  return Buffer.concat(chunks).toString()
}

t.test('in memory mode a sink that takes nothing is waited for, and SIGTERM ends that', async (t) => {
  const receiver = await Receiver.start(t)
  receiver.answer = () => 503
  const config = `
journal: { mode: memory }
shutdown_timeout: 100ms
sources: { in: { type: stdin } }
sinks: { siem: { type: http, url: "${receiver.url}", batch: { max_age: 10ms } } }
`
  const run = new Run(t, { config, input: ['pipe'] })
  run.child.stdin!.end(lines(1))
  await run.logged('input_ended')
  await until(() => receiver.requests > 0)
  run.child.kill('SIGTERM')
  const ended = await run.ended
  t.equal(ended.code, 1)
  t.match(shutdown(ended), { delivered_while_stopping: 0, undelivered: 1 })
  t.match(JSON.parse(run.files('data/dlq')), { category: 'undelivered' })
})

t.test('beside a listener it goes on behind the end', async (t) => {
  const config = `
sources: { in: { type: stdin }, lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 10ms } } }
`
  const run = new Run(t, { config, input: ['pipe'] })
  await run.logged('started')
  run.child.stdin!.end(lines(1))
  await until(() => run.files('archive') === lines(1))
  const { sources } = run.log.find(({ event }) => event === 'started') as { sources: { lines: string } }
  connect(Number(sources.lines.split(':')[1]), '127.0.0.1').end(lines(1))
  await until(() => run.files('archive') === lines(1) + lines(1))
  run.child.kill('SIGTERM')
  const ended = await run.ended
  t.equal(ended.code, 0)
  t.notOk(ended.log.some(({ event }) => event === 'input_ended'))
})
