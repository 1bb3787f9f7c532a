/**
 * A collector like any other, for some seconds: lines over TCP, journal on the disk, batches over HTTP to a receiver that
 * answers at once. It is a process of its own, so that what it takes can be told from what sender and receiver take.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../app/admin/status.ts'
import { formatBytes, KIB } from '../../base/units.ts'
import type { Thread } from '../demo/thread.ts'
import type { LoadOrder, LoadReport } from './load-thread.ts'
import { threadTimes, timesBetween } from './thread-times.ts'
import type { ThreadTimes } from './thread-times.ts'

const CONNECTIONS = 2
/** Share of the time after which its code is compiled. */
const WARM_UP_SHARE = 0.4
/**
 * The warm-up, and what is measured, go on until so much came through, but no longer than a multiple of their time: of
 * a host that is busy otherwise they would see code that is not compiled, and batches of a few events.
 */
const BYTES_PER_MS_MIN = 24 * KIB
const TIMES_LATE_MAX = 5
const LOOK_INTERVAL_MS = 50
const START_MS_MAX = 20_000
const STOP_MS_MAX = 10_000

export interface RehearsalPlan {
  /** Of an own; removed by whoever made it. */
  readonly directory: string
  readonly journalMaxBytes: number
  readonly schema: string
  /** As a configuration has them. */
  readonly schemas: unknown
  readonly budgetMs: number
  /** Of an event. */
  readonly meanBytes: number
}

export interface Rehearsal {
  readonly seconds: number
  readonly events: number
  /** With the sender and the receiver on the same CPUs. */
  readonly events_per_second: number
  readonly rejected_share: number
  readonly workers: number
  /** CPU seconds of the collector per million events. */
  readonly cpu_s_per_million: number
  readonly by_thread: {
    readonly main: number
    readonly workers: number
    readonly pool: number
    readonly v8: number
  }
  /** The ledger balanced, and the journal was durable throughout. */
  readonly sound: boolean
}

/** @throws Error where it could not be measured: no /proc, no collector, or nothing came through in the time. */
export async function rehearse(plan: RehearsalPlan, load: Thread<LoadReport, LoadOrder>): Promise<Rehearsal> {
  const collector = await Child.start(plan, load.latest!.port)
  try {
    const sent = load.final({ port: collector.port, connections: CONNECTIONS })
    const start = await collector.moment()
    const eventsMin = (plan.budgetMs * BYTES_PER_MS_MIN) / plan.meanBytes
    const before = await collector.momentAfter(start, plan.budgetMs * WARM_UP_SHARE, eventsMin)
    const after = await collector.momentAfter(before, plan.budgetMs * (1 - WARM_UP_SHARE), eventsMin)
    load.tell('stop')
    await sent
    return compared(before, after, collector.workers)
  } finally {
    await collector.stop()
  }
}

interface Moment {
  readonly atMs: number
  readonly times: ThreadTimes
  readonly ledger: Status['ledger']
  readonly healthy: boolean
}

function compared(before: Moment, after: Moment, workers: number): Rehearsal {
  const events = deliveredIn(after) - deliveredIn(before)
  const seconds = (after.atMs - before.atMs) / 1000
  const { mainS, workersS, poolS, v8S } = timesBetween(before.times, after.times)
  const millions = events / 1e6
  if (events <= 0) throw new Error('no event came through in the time')
  const { received, rejected } = after.ledger.sources['in']!
  return {
    seconds,
    events,
    events_per_second: events / seconds,
    rejected_share: Object.values(rejected).reduce((sum, count) => sum + count, 0) / received,
    workers,
    cpu_s_per_million: (mainS + workersS + poolS + v8S) / millions,
    by_thread: {
      main: mainS / millions,
      workers: workersS / millions,
      pool: poolS / millions,
      v8: v8S / millions,
    },
    sound: after.ledger.balanced && after.healthy,
  }
}

/** Refused ones count as done: a dead letter is no cheaper. */
function deliveredIn({ ledger }: Moment): number {
  const delivered = Object.values(ledger.sinks['out']!.delivered)
  const rejected = Object.values(ledger.sources['in']!.rejected)
  return [...delivered, ...rejected].reduce((sum, count) => sum + count, 0)
}

interface Started {
  readonly sources: Readonly<Record<string, string>>
  readonly admin: string
  readonly workers: { readonly max: number }
}

class Child {
  readonly #child: ChildProcess
  readonly #started: Started

  private constructor(child: ChildProcess, started: Started) {
    this.#child = child
    this.#started = started
  }

  static async start(
    { directory, journalMaxBytes, schema, schemas }: RehearsalPlan,
    receiverPort: number,
  ): Promise<Child> {
    const file = join(directory, 'rehearsal.yaml')
    const config = {
      data_dir: './data',
      admin: { listen: '127.0.0.1:0' },
      journal: { max_bytes: formatBytes(journalMaxBytes) },
      ...(schemas === undefined ? undefined : { schemas }),
      sources: { in: { type: 'tcp', listen: '127.0.0.1:0', schema } },
      sinks: { out: { type: 'http', url: `http://127.0.0.1:${receiverPort}/` } },
    }
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
    // The launcher that this command was started with.
    const child = spawn(process.execPath, [process.argv[1]!, 'run', '-c', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LOG_LEVEL: 'info' },
    })
    // Before its directory is removed.
    const end = () => void child.kill('SIGKILL')
    process.prependOnceListener('exit', end)
    child.once('close', () => process.off('exit', end))
    try {
      return new Child(child, await startedOf(child))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  get port(): number {
    return Number(this.#started.sources['in']!.split(':').at(-1))
  }

  get workers(): number {
    return this.#started.workers.max
  }

  async moment(): Promise<Moment> {
    const response = await fetch(`http://${this.#started.admin}/status`)
    const { ledger, journal }: Status = JSON.parse(await response.text())
    const times = threadTimes(this.#child.pid!)
    if (times === null) throw new Error('the system does not tell the CPU time of threads')
    return { atMs: performance.now(), times, ledger, healthy: journal?.healthy === true }
  }

  async momentAfter(before: Moment, budgetMs: number, eventsMin: number): Promise<Moment> {
    const lastMs = before.atMs + TIMES_LATE_MAX * budgetMs
    await sleep(budgetMs)
    /* oxlint-disable no-await-in-loop -- until enough has come */
    for (;;) {
      const moment = await this.moment()
      if (deliveredIn(moment) - deliveredIn(before) >= eventsMin || moment.atMs >= lastMs) return moment
      await sleep(LOOK_INTERVAL_MS)
    }
    /* oxlint-enable no-await-in-loop */
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX)
    await closed
    clearTimeout(late)
  }
}

/** Reads the log to its end, so that it never waits for its reader. */
function startedOf(child: ChildProcess): Promise<Started> {
  const lines: string[] = []
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`the collector of the rehearsal did not start:\n${lines.join('\n')}`))
    const late = setTimeout(fail, START_MS_MAX)
    createInterface(child.stderr!).on('line', (line) => {
      if (lines.length < 20) lines.push(line)
      if (!line.includes('"event":"started"')) return
      clearTimeout(late)
      const started: Started = JSON.parse(line)
      resolve(started)
    })
    child.once('close', () => {
      clearTimeout(late)
      fail()
    })
  })
}
