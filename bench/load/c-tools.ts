/**
 * A generator `gen` and a receiver `sink` in C, for machines where they are at hand: they take less of the processor than
 * threads of this process do. The flags used are all that is known of them:
 *
 *     gen  --data FILE --port P --mode tcp|http --conns N --count N --batch EVENTS --out JSON
 *     sink --port P --expect N --idle-s S --max-s S --wait-s S --range N --out JSON --series FILE [--plan "2:503,12:ok"] [--bad FILE --lines N]
 *
 * `gen` sends the lines of the file over and over, with the ten digits of `"seq":` counting up from 1000000000; event k
 * is line k modulo the number of lines. `sink` ends when N events came, or none came for a time. Datagrams, and events that
 * are asked for, come from a thread of this process all the same.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { distinctEvents, numberedLines } from '../events.ts'
import type { NumberedLine } from '../events.ts'
import type { StreamPlan } from './stream.ts'
import { NEARLY_ALL } from './load.ts'
import type { Load, LoadPlan, LoadReport } from './load.ts'
import type { ServedPlan } from './poll-server-thread.ts'
import { SendingThread } from './sending-thread.ts'
import { Tally } from './tally.ts'

const DISTINCT_EVENTS = 100_000
const CONNECT_TRIES = 200
const RETRY_MS = 25

interface SinkReport {
  readonly unique_good: number
  readonly duplicates: number
  readonly bad_passed: number
  readonly first_ns: number
  readonly requests_refused: number
}

interface GenReport {
  readonly bytes: number
  readonly first_ns: number
  readonly last_ns: number
  readonly retries: number
}

/** What is known of the sender. */
type SenderReport = Pick<LoadReport, 'bytes' | 'firstSentAtMs' | 'lastSentAtMs' | 'retries'>

export class CTools implements Load {
  readonly urls: readonly string[]
  served: readonly string[] = []
  readonly #plan: LoadPlan
  readonly #folder: string
  readonly #directory: string
  readonly #lines: readonly NumberedLine[]
  readonly #port: number
  #children: ChildProcess[] = []
  /** Of a thread that sends: only this one writes it. */
  #tally: Tally | null = null
  #thread: SendingThread | null = null

  private constructor(plan: LoadPlan, folder: string, directory: string, port: number) {
    this.#plan = plan
    this.#folder = folder
    this.#directory = directory
    this.#port = port
    const distinct = distinctEvents(plan.form, Math.min(plan.events, DISTINCT_EVENTS))
    this.#lines = numberedLines(distinct, plan.malformedShare, plan.form)
    this.urls = [`http://127.0.0.1:${port}/`]
  }

  get url(): string {
    return this.urls[0]!
  }

  /** `folder` holds the two programs, built. */
  static async start(plan: LoadPlan, folder: string): Promise<CTools> {
    if ((plan.receivers ?? 1) > 1) throw new RangeError('the C tools are one receiver')
    const directory = await mkdtemp(join(tmpdir(), 'spillway-load-'))
    const tools = new CTools(plan, folder, directory, await freePort())
    const malformed = tools.#lines.flatMap((line, index) => (line.malformed ? [`${index}\n`] : []))
    await writeFile(tools.#file('lines'), Buffer.concat(tools.#lines.map(({ bytes }) => bytes)))
    await writeFile(tools.#file('bad'), malformed.join(''))
    if (plan.served !== null) await tools.#listen(plan.served)
    return tools
  }

  /** They don't tell. */
  latenciesMs(): null {
    return null
  }

  async send(streams: readonly StreamPlan[], idleMs: number): Promise<LoadReport> {
    const sink = await this.#startSink(idleMs)
    return this.#report(await this.#sendUntil(once(sink, 'exit'), streams))
  }

  /** Nobody listens where the collector delivers to. */
  async feed(stream: StreamPlan): Promise<void> {
    await once(this.#startGen(stream), 'exit')
  }

  async drain(idleMs: number): Promise<LoadReport> {
    await once(await this.#startSink(idleMs), 'exit')
    return this.#report(await this.#readGenReport())
  }

  async #report(sender: SenderReport): Promise<LoadReport> {
    const receiver = await readReport<SinkReport>(this.#file('sink.json'))
    return {
      sent: this.#plan.events,
      malformed: this.#malformedSent(),
      ...sender,
      unique: receiver.unique_good ?? 0,
      duplicates: receiver.duplicates ?? 0,
      strange: receiver.bad_passed ?? 0,
      firstReceivedAtMs: receiver.first_ns === undefined ? null : receiver.first_ns / 1e6,
      nearlyAllAtMs: await this.#nearlyAllAtMs((receiver.first_ns ?? 0) / 1e6),
      refused: receiver.requests_refused ?? 0,
      answers: [],
    }
  }

  async stop(): Promise<void> {
    await this.#thread?.stop()
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL')
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #listen(served: ServedPlan): Promise<void> {
    const { events } = this.#plan
    this.#tally = Tally.create(events)
    const server = await SendingThread.listen({ ...served, events, tally: this.#tally.buffers })
    this.#thread = server.thread
    this.served = server.urls
  }

  /** What was not sent when all that comes has come, nobody waits for. */
  async #sendUntil(received: Promise<unknown>, streams: readonly StreamPlan[]): Promise<SenderReport> {
    if (this.#thread === null && streams.every(({ mode }) => mode !== 'udp')) {
      return this.#sendByGen(received, streams)
    }
    const { form, malformedShare, events } = this.#plan
    const { buffers } = (this.#tally ??= Tally.create(events))
    this.#thread?.serve()
    this.#thread ??= SendingThread.generate({ tally: buffers, streams, form, malformedShare })
    await received
    const { bytes = 0, retries = 0, lastSentAtMs = null } = this.#thread.sent ?? {}
    return { bytes, retries, lastSentAtMs, firstSentAtMs: this.#tally.firstSentAtMs }
  }

  async #sendByGen(received: Promise<unknown>, streams: readonly StreamPlan[]): Promise<SenderReport> {
    if (streams.length !== 1) throw new RangeError('the C tools send one stream')
    const gen = this.#startGen(streams[0]!)
    await received
    if (gen.exitCode === null) {
      const killing = setTimeout(() => gen.kill('SIGKILL'), 2000)
      await once(gen, 'exit')
      clearTimeout(killing)
    }
    return this.#readGenReport()
  }

  async #readGenReport(): Promise<SenderReport> {
    const generated = await readReport<GenReport>(this.#file('gen.json'))
    return {
      bytes: generated.bytes ?? 0,
      retries: generated.retries ?? 0,
      firstSentAtMs: (generated.first_ns ?? 0) / 1e6,
      lastSentAtMs: generated.last_ns === undefined ? null : generated.last_ns / 1e6,
    }
  }

  async #startSink(idleMs: number): Promise<ChildProcess> {
    const { events, malformedShare, outage } = this.#plan
    const idleS = String(idleMs / 1000)
    const sink = this.#start('sink', [
      '--port',
      String(this.#port),
      '--expect',
      String(events - this.#malformedSent()),
      '--idle-s',
      idleS,
      '--wait-s',
      idleS,
      '--max-s',
      '600',
      '--range',
      String(events),
      '--out',
      this.#file('sink.json'),
      '--series',
      this.#file('series'),
      ...(outage === null ? [] : ['--plan', `${outage.fromS}:${outage.status ?? 'close'},${outage.toS}:ok`]),
      ...(malformedShare === 0 ? [] : ['--bad', this.#file('bad'), '--lines', String(this.#lines.length)]),
    ])
    await listening(this.#port)
    return sink
  }

  #startGen({ port, mode, connections, events, eventsPerWrite }: StreamPlan): ChildProcess {
    return this.#start('gen', [
      '--data',
      this.#file('lines'),
      '--port',
      String(port),
      '--mode',
      mode,
      '--conns',
      String(connections),
      '--count',
      String(events),
      '--batch',
      String(eventsPerWrite),
      '--out',
      this.#file('gen.json'),
    ])
  }

  #start(program: string, args: readonly string[]): ChildProcess {
    const child = spawn(join(this.#folder, program), args, { stdio: ['ignore', 'ignore', 'inherit'] })
    this.#children.push(child)
    return child
  }

  /** From the lines of `sink --series`: second since the first record, and how many came in it, taken as evenly spread. */
  async #nearlyAllAtMs(firstAtMs: number): Promise<number | null> {
    const perSecond = (await readFile(this.#file('series'), 'utf8'))
      .split('\n')
      .map((line) => line.split(' '))
    let missing = NEARLY_ALL * this.#plan.events
    for (const [second, count] of perSecond) {
      if (Number(count) >= missing) return firstAtMs + (Number(second) + missing / Number(count)) * 1000
      missing -= Number(count ?? 0)
    }
    return null
  }

  #malformedSent(): number {
    const malformed = this.#lines.map((line) => (line.malformed ? 1 : 0))
    const ofWhole = malformed.reduce<number>((sum, one) => sum + one, 0)
    const rest = malformed.slice(0, this.#plan.events % malformed.length)
    const wholeTimes = Math.floor(this.#plan.events / malformed.length)
    return wholeTimes * ofWhole + rest.reduce<number>((sum, one) => sum + one, 0)
  }

  #file(name: string): string {
    return join(this.#directory, name)
  }
}

/** Empty where the program left none. */
async function readReport<T>(path: string): Promise<Partial<T>> {
  try {
    const report: Partial<T> = JSON.parse(await readFile(path, 'utf8'))
    return report
  } catch {
    return {}
  }
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

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < CONNECT_TRIES; tries++) {
    const socket = connect(port, '127.0.0.1')
    const connected = once(socket, 'connect').then(
      () => true,
      () => false,
    )
    const done = await connected // oxlint-disable-line no-await-in-loop -- one try after another
    socket.destroy()
    if (done) return
    await sleep(RETRY_MS) // oxlint-disable-line no-await-in-loop
  }
  throw new Error('the receiver does not listen')
}
