import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Status } from '../../src/app/admin/status.ts'
import type { Started } from '../collector-process.ts'
import { readStarted } from '../collector-process.ts'

const LAUNCHER = fileURLToPath(new URL('../../src/spillway.js', import.meta.url))

/** So long at most the collector may leave its operator without an answer. */
const ANSWER_MS_MAX = 10_000

export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly { readonly component: string; readonly reason: string }[]
}

export interface Audit {
  readonly code: number
  readonly text: string
}

/** A collector as a user runs it, over one directory that outlives its deaths. */
export class Victim {
  readonly directory: string
  readonly dataDir: string
  readonly #file: string
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | null = null
  #admin = ''
  #url = ''
  /** Ends that nobody asked for. */
  readonly surprises: string[] = []

  /** `dataDir`: where it keeps what must not be lost; a folder of `directory` unless told. */
  constructor(directory: string, config: object, dataDir = join(directory, 'data')) {
    this.directory = directory
    this.dataDir = dataDir
    this.#file = join(directory, 'config.yaml')
    // Each process need not compile it all anew. A killed one leaves nothing for the next: that is up to others.
    const compiled = process.env['NODE_COMPILE_CACHE'] ?? join(directory, 'compiled')
    this.#env = { ...process.env, LOG_LEVEL: 'info', NODE_COMPILE_CACHE: compiled }
    delete this.#env['NODE_V8_COVERAGE']
    delete this.#env['NODE_OPTIONS']
    const whole = { data_dir: dataDir, admin: { listen: '127.0.0.1:0' }, ...config }
    writeFileSync(this.#file, JSON.stringify(whole))
  }

  /** Resolves when it takes events, rejects with its log when it ends before. */
  async start(): Promise<Started> {
    const child = spawn(process.execPath, [LAUNCHER, 'run', '-c', this.#file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: this.#env,
    })
    this.#child = child
    // Nobody else would end it.
    const orphaned = () => void child.kill('SIGKILL')
    process.once('exit', orphaned)
    child.once('close', () => process.off('exit', orphaned))
    child.stderr.on('data', (text: Buffer) => appendFileSync(join(this.directory, 'collector.log'), text))
    child.once('close', (code, signal) => {
      if (this.#child === child) this.surprises.push(`the collector ended by itself: ${code ?? signal}`)
    })
    const started = await readStarted(child)
    this.#admin = started.admin
    this.#url = `http://${started.sources['push']}/`
    return started
  }

  /** Where it takes events. */
  get url(): string {
    return this.#url
  }

  get pid(): number {
    return this.#child!.pid!
  }

  /** The hard way. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Resolves to its exit code. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    this.#child = null
    if (child === null) return null
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'close')
    }
    return child.exitCode
  }

  async audit(): Promise<Audit> {
    return await new Promise((resolve) => {
      const args = [LAUNCHER, 'audit', '-c', this.#file]
      execFile(process.execPath, args, { env: this.#env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: `${out}${err}` })
      })
    })
  }

  async status(): Promise<Status> {
    const status: Status = JSON.parse(await this.#ask('/status'))
    return status
  }

  async readiness(): Promise<Readiness> {
    const readiness: Readiness = JSON.parse(await this.#ask('/health/ready'))
    return readiness
  }

  /** Rejects when there is no answer in time: somebody stands still. */
  async #ask(path: string): Promise<string> {
    const response = await fetch(`http://${this.#admin}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    return await response.text()
  }
}
