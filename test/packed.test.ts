/** The package as it is published, installed somewhere else: Node strips no types below node_modules. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t from 'tap'
import type { Test } from 'tap'
import { temporaryDirectory } from './helpers/collector.ts'
import { Receiver } from './helpers/receiver.ts'
import { socEvent } from './helpers/soc-event.ts'
import { until } from './helpers/until.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..')
const COMMAND_TIMEOUT_MS = 110_000

const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_prefer_offline: 'true',
}

/** A command without the loader that the test runner gives to every child process, which is none for other projects. */
function outside(command: string, ...args: string[]): [string, string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', command, ...args]]
}

async function output(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(...outside(command, ...args), { cwd, env, timeout: COMMAND_TIMEOUT_MS })
  return stdout
}

const examples = ['batcher.js', 'service.ts'] as const

/** What a strict project would have; the types of Node are those of the checkout. */
const tsconfig = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'nodenext',
    target: 'es2023',
    noEmit: true,
    typeRoots: [join(root, 'node_modules/@types')],
    types: ['node'],
  },
  include: ['*.ts'],
}

/** Packs the checkout and installs the tarball into a project of its own; returns the project's directory. */
async function installPacked(test: Test): Promise<string> {
  const directory = temporaryDirectory(test)
  const packed: readonly { filename: string; files: readonly { path: string }[] }[] = JSON.parse(
    await output(root, 'npm', 'pack', '--json', '--pack-destination', directory),
  )
  const { filename, files } = packed[0]!
  const paths = files.map(({ path }) => path)
  for (const path of ['LICENSE', 'README.md', 'package.json', 'src/spillway.js', 'dist/src/index.d.ts']) {
    test.ok(paths.includes(path), path)
  }
  test.same(
    paths.filter((path) => /(?<!\.d)\.ts$|^(?:dist\/)?(?:test|bench)\//.test(path)),
    [],
    'no sources, no tests',
  )
  const project = join(directory, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
  // The scanner works without simdjson, which would be compiled here.
  await output(project, 'npm', 'install', '--omit=optional', '--ignore-scripts', join(directory, filename))
  return project
}

const event = (n: number) => `${socEvent(n)}\n`

t.test('the packed collector', async (t) => {
  const project = await installPacked(t)
  const bin = join(project, 'node_modules/.bin/spillway')
  writeFileSync(
    join(project, 'spillway.yaml'),
    `
data_dir: ./data
admin: { listen: 127.0.0.1:0 }
sources: { lines: { type: tcp, listen: 127.0.0.1:0 } }
sinks: { archive: { type: file, path: ./archive, compression: none, batch: { max_age: 10ms } } }
`,
  )

  await t.test('answers --version and check', async (t) => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    t.equal(await output(project, bin, '--version'), `${version}\n`)
    const checked = await output(project, 'npx', 'spillway', 'check', '-c', 'spillway.yaml')
    t.match(checked, /# Memory at most/)
  })

  await t.test('can be imported', async (t) => {
    const script = `
      import { errorTable, loadConfig } from 'spillway'
      process.stdout.write(loadConfig('spillway.yaml').config.sinks[0].name + Object.keys(errorTable)[0])
    `
    const names = await output(project, 'node', '--input-type=module', '-e', script)
    t.match(names, /^archiveSPW_ERR_/)
  })

  const folder = join(project, 'examples')
  mkdirSync(folder)
  for (const name of examples) copyFileSync(join(root, 'test/examples', name), join(folder, name))

  await t.test('its examples run, in JavaScript', async (t) => {
    const receiver = await Receiver.start(t)
    env.SIEM_URL = receiver.url
    t.equal(await output(folder, 'node', 'batcher.js'), '1000 delivered, 0 dead-lettered\n')
    t.same(
      receiver.lines.map((line) => JSON.parse(line).attempt),
      Array.from({ length: 1000 }, (_, n) => n),
    )
  })

  await t.test('its examples run, in TypeScript, and keep to its types', async (t) => {
    const receiver = await Receiver.start(t)
    env.SIEM_URL = receiver.url
    // What the example before it has counted would be found in the journal.
    rmSync(join(folder, 'data'), { recursive: true })
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
    t.equal(await output(folder, join(root, 'node_modules/.bin/tsc'), '-p', '.'), '')
    const child = spawn(...outside('node', 'service.ts'), {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'close')
    t.teardown(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async () => String((await lines.next()).value)
    const listening = await next()
    const socket = connect(Number(listening.split(':').at(-1)), '127.0.0.1')
    socket.resume().end(event(1))
    await once(socket, 'close')
    child.kill('SIGTERM')
    t.same(JSON.parse(await next()), { balanced: true, received: 3, missed: 0, undelivered: 0, urgent: 1 })
    t.same(await ended, [0, null])
    t.equal(JSON.parse(receiver.lines.join('\n')).event_id, '2')
  })

  await t.test('takes events over TCP into the archive', async (t) => {
    const child = spawn(...outside(bin, 'run', '-c', 'spillway.yaml'), {
      cwd: project,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ended = once(child, 'close')
    t.teardown(async () => {
      child.kill('SIGKILL')
      await ended
    })
    const log: Record<string, unknown>[] = []
    const lines = createInterface(child.stderr)
    for await (const line of lines) {
      const entry = JSON.parse(line)
      log.push(entry)
      if (entry.event === 'started') break
    }
    child.stderr.resume()
    t.match(log.at(-1), { event: 'started', sources: { lines: /^127\.0\.0\.1:\d+$/ } })
    const port = Number((log.at(-1)!.sources as { lines: string }).lines.split(':')[1])
    const socket = connect(port, '127.0.0.1')
    socket.resume().end(event(1) + event(2))
    await once(socket, 'close')
    const archive = join(project, 'archive')
    const archived = () =>
      readdirSync(archive)
        .filter((name) => name.endsWith('.ndjson'))
        .map((name) => readFileSync(join(archive, name), 'utf8'))
        .join('')
    await until(() => archived().split('\n').length > 2)
    child.kill('SIGTERM')
    t.same(await ended, [0, null])
    t.equal(archived(), event(1) + event(2))
  })
})

const otherNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path) && isOld(path))

function isOld(node: string): boolean {
  const [major, minor] = execFileSync(node, ['-p', 'process.versions.node'], { env: {} })
    .toString()
    .split('.')
    .map(Number)
  return major! < 22 || (major === 22 && minor! < 19)
}

const skip = otherNode === undefined ? 'no older Node here' : false
t.test('under an older Node, the launcher says which one it needs', { skip }, async (t) => {
  const failed = execute(...outside(otherNode!, join(root, 'src/spillway.js'), '--version'), { env })
  await t.rejects(failed, {
    code: 2,
    stdout: '',
    stderr: /^spillway needs Node\.js 22\.19 or newer, this is v\d+\.\d+\.\d+\n$/,
  })
})
