import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Status } from '../src/app/admin/status.ts'
import { parseGcTrace } from './gc-trace.ts'
import type { GcPause } from './gc-trace.ts'
import { monotonicMs } from './load/tally.ts'
import { processUsage } from './process-usage.ts'
import type { ProcessUsage } from './process-usage.ts'

const CONFIG = 'config.yaml'
export type StartCollector = (config: object) => Promise<CollectorProcess>

/** Of Node, unless others are given. */
const TRACE_GC: readonly string[] = ['--trace-gc']
const LAUNCHER = fileURLToPath(new URL('../src/spillway.js', import.meta.url))

/** What the collector logs once it takes events. */
export interface Started {
  readonly sources: Readonly<Record<string, string>>
  readonly admin: string
  readonly workers: number
  readonly memory_limit_bytes: number
}

/** A collector as a user runs it, but for options of Node: unless told, it prints its garbage collections. */
export class CollectorProcess {
  static readonly #running = new Map<ChildProcess, string>()
  readonly started: Started
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #nodeOptions: readonly string[]
  readonly #bornAtMs: number
  readonly #output: { text: string }

  private constructor(
    child: ChildProcess,
    directory: string,
    nodeOptions: readonly string[],
    bornAtMs: number,
    output: { text: string },
    started: Started,
  ) {
    this.#child = child
    this.#directory = directory
    this.#nodeOptions = nodeOptions
    this.#bornAtMs = bornAtMs
    this.#output = output
    this.started = started
  }

  /** Resolves when it takes events. Its data is in a directory of its own, below TMPDIR, removed at the end. */
  static async start(this: void, config: object, nodeOptions = TRACE_GC): Promise<CollectorProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
    const whole = { data_dir: './data', admin: { listen: '127.0.0.1:0' }, ...config }
    await writeFile(join(directory, CONFIG), JSON.stringify(whole))
    return CollectorProcess.#spawn(directory, nodeOptions)
  }

  static async #spawn(directory: string, nodeOptions: readonly string[]): Promise<CollectorProcess> {
    const file = join(directory, CONFIG)
    const bornAtMs = monotonicMs()
    const child = spawn(process.execPath, [...nodeOptions, LAUNCHER, 'run', '-c', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LOG_LEVEL: 'info' },
    })
    const output = { text: '' }
    CollectorProcess.#running.set(child, directory)
    child.once('close', () => CollectorProcess.#running.delete(child))
    child.stdout.setEncoding('latin1').on('data', (text: string) => (output.text += text))
    try {
      return new CollectorProcess(child, directory, nodeOptions, bornAtMs, output, await readStarted(child))
    } catch (error) {
      await rm(directory, { recursive: true, force: true })
      throw error
    }
  }

  /** For a process that ends before its time: no collector outlives it, and no data of one. */
  static killAll(): void {
    for (const [child, directory] of CollectorProcess.#running) {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    }
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Where its segments are. */
  get journal(): string {
    return join(this.#directory, 'data', 'journal')
  }

  /** Kills it; its data stays until `stop`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  /** Resolves to another one over the same data, when that takes events. Only once this one has been killed. */
  again(): Promise<CollectorProcess> {
    return CollectorProcess.#spawn(this.#directory, this.#nodeOptions)
  }

  /** Where its debugger listens, from now on; needs the option `--inspect-port=0` to be one of its own. */
  inspectorUrl(): Promise<string> {
    const lines = createInterface(this.#child.stderr!)
    const listening = new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        const url = /^Debugger listening on (ws:\S+)/.exec(line)?.[1]
        if (url !== undefined) resolve(url)
      })
    })
    this.#child.kill('SIGUSR1')
    return listening
  }

  port(source: string): number {
    return Number(this.started.sources[source]!.split(':').at(-1))
  }

  usage(): ProcessUsage {
    return processUsage(this.#child.pid!)
  }

  async status(): Promise<Status> {
    const response = await fetch(`http://${this.started.admin}/status`)
    const status: Status = JSON.parse(await response.text())
    return status
  }

  /** Values by name and labels, as they are written. */
  async metrics(): Promise<Map<string, number>> {
    const text = await (await fetch(`http://${this.started.admin}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end))]
      }),
    )
  }

  /** Value of a metric, summed over its labels, or of those that hold this one, as `stat="p99"`. */
  async metric(name: string, label = ''): Promise<number> {
    return [...(await this.metrics())]
      .filter(([series]) => (series === name || series.startsWith(`${name}{`)) && series.includes(label))
      .reduce((sum, [, value]) => sum + value, 0)
  }

  /** Stops it and resolves to all its garbage collections, in milliseconds of the monotonic clock. May be called twice. */
  async stop(): Promise<GcPause[]> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM')
      await once(this.#child, 'close')
    }
    await rm(this.#directory, { recursive: true, force: true })
    return parseGcTrace(this.#output.text).map(({ atMs, pauseMs }) => ({
      atMs: atMs + this.#bornAtMs,
      pauseMs,
    }))
  }
}

/** Reads the log to its end, so that it never waits for its reader; rejects with the log when the collector ends first. */
export function readStarted(child: ChildProcess): Promise<Started> {
  const lines: string[] = []
  return new Promise((resolve, reject) => {
    let done = false
    createInterface(child.stderr!).on('line', (line) => {
      if (done) return
      lines.push(line)
      if (!line.includes('"event":"started"')) return
      done = true
      const started: Started = JSON.parse(line)
      resolve(started)
    })
    child.once('close', () => reject(new Error(`the collector did not start:\n${lines.join('\n')}`)))
  })
}
