/** Finds the programs of the peers, and runs one in a process group of its own. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { groupUsage } from './group-usage.ts'
import type { GroupUsage } from './group-usage.ts'
import type { Peer, WayIn } from './peer.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const UNPACKED = join(root, '.ci/cache/clients/bin')

const START_MAX_MS = 60_000
const STOP_MAX_MS = 3000
const RETRY_MS = 25
const PROBE_MAX_MS = 60_000

const run = promisify(execFile)

/** Without what a test, or a benchmark that calls another, has set for its own process. */
const { NODE_V8_COVERAGE: _coverage, NODE_OPTIONS: _options, ...environment } = process.env

export interface FoundPeer {
  readonly peer: Peer
  readonly path: string
  /** First line of what it says of itself. */
  readonly version: string
}

/** A peer of this machine, or the reason why it is none. */
export async function findPeer(peer: Peer): Promise<FoundPeer | string> {
  const path = peer.program === 'node' ? process.execPath : findProgram(peer.program)
  if (path === undefined) return `no ${peer.program} on the PATH`
  try {
    const options = { timeout: PROBE_MAX_MS, env: environment }
    const { stdout, stderr } = await run(path, [...peer.probe], options)
    return { peer, path, version: (stdout || stderr).trim().split('\n')[0]! }
  } catch (error) {
    return `${peer.program} lacks something: ${String(error).trim().split('\n').at(-1)}`
  }
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', UNPACKED]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export class PeerProcess {
  static readonly #running = new Set<PeerProcess>()
  readonly port: number
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(child: ChildProcess, directory: string, port: number) {
    this.#child = child
    this.#directory = directory
    this.port = port
  }

  /** Resolves when it listens; rejects with the end of what it wrote where it does not. */
  static async start({ peer, path }: FoundPeer, way: WayIn, url: string): Promise<PeerProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'spillway-peer-'))
    const port = await freePort()
    const sinkPort = new URL(url).port
    const config = join(directory, 'config')
    const values = { port, url, sink_port: sinkPort, directory, way, config: configName(peer, way, config) }
    const file = peer.ways[way]
    if (typeof file === 'string') {
      const template = readFileSync(new URL(`./${peer.name}/${file}`, import.meta.url), 'utf8')
      await writeFile(values.config, filledIn(template, values))
    }
    const log = openSync(join(directory, 'log'), 'w')
    const args = peer.args.map((arg) => filledIn(arg, values))
    const options = { cwd: root, detached: true, env: environment, stdio: ['ignore', log, log] as const }
    const child = spawn(path, args, { ...options, stdio: [...options.stdio] })
    closeSync(log)
    const running = new PeerProcess(child, directory, port)
    PeerProcess.#running.add(running)
    try {
      await once(child, 'spawn')
      await running.#listening()
    } catch (error) {
      const said = readFileSync(join(directory, 'log'), 'utf8').trim().split('\n').slice(-5).join('\n')
      await running.stop()
      throw new Error(`${peer.name} did not start: ${said}`, { cause: error })
    }
    return running
  }

  usage(): GroupUsage {
    return groupUsage(this.#child.pid!)
  }

  /** For a process that ends before its time: a group of its own outlives its parent. */
  static killAll(): void {
    for (const running of PeerProcess.#running) {
      running.#signal('SIGKILL')
      rmSync(running.#directory, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  async stop(): Promise<void> {
    const ended = () => this.#child.exitCode !== null || this.#child.signalCode !== null
    if (this.#child.pid !== undefined && !ended()) {
      const closed = once(this.#child, 'close')
      this.#signal('SIGTERM')
      await Promise.race([closed, sleep(STOP_MAX_MS)])
      this.#signal('SIGKILL')
      if (!ended()) await closed
    }
    PeerProcess.#running.delete(this)
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** To all of its group, of which some may live on without their parent. */
  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#child.pid!, signal)
    } catch {
      // Nobody is left.
    }
  }

  async #listening(): Promise<void> {
    const giveUpAtMs = performance.now() + START_MAX_MS
    while (performance.now() < giveUpAtMs && this.#child.exitCode === null) {
      const socket = connect(this.port, '127.0.0.1')
      const tried = Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ])
      const done = await tried.catch(() => false) // oxlint-disable-line no-await-in-loop -- one try after another
      socket.destroy()
      if (done) return
      await sleep(RETRY_MS) // oxlint-disable-line no-await-in-loop
    }
    throw new Error('it does not listen')
  }
}

/** Some want to know by its ending how a configuration is written. */
function configName(peer: Peer, way: WayIn, path: string): string {
  return `${path}${/\.\w+$/.exec(peer.ways[way] ?? '')?.[0] ?? ''}`
}

function filledIn(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}
