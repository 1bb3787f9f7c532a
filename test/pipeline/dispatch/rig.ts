import { encode } from '../../../src/encode/encode.ts'
import { group } from '../../../src/scan/group.ts'
import type { DeadLetters } from '../../../src/dlq/dead-letters.ts'
import type { Clock } from '../../../src/base/clock.ts'
import type { Log } from '../../../src/journal/log.ts'
import { MemoryLog } from '../../../src/journal/memory-log.ts'
import type { DispatchEvents } from '../../../src/pipeline/dispatch/dispatch-events.ts'
import { Dispatcher } from '../../../src/pipeline/dispatch/dispatcher.ts'
import type {
  DispatcherConfig,
  DispatcherOptions,
} from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import type { Encoder } from '../../../src/pipeline/encoder.ts'
import { Ledger, SinkCounts, SourceCounts } from '../../../src/pipeline/ledger.ts'
import type { Outcome, Payload, Sink } from '../../../src/pipeline/sink.ts'
import type { SlabOwner } from '../../../src/memory/slab-pool.ts'
import { MadeFrames, SOURCES } from './made-frames.ts'
import type { MadeRecord } from './made-frames.ts'
import { SimulatedClock, settled } from './simulated-clock.ts'

/** A request that the destination has not answered yet. */
export interface Request {
  readonly text: string
  /** As sent; the payload's views must still say the same when it is answered. */
  readonly bytes: Uint8Array
  readonly payload: Payload
  readonly signal: AbortSignal
  readonly atMs: number
  answer(outcome: Outcome): Promise<void>
}

export interface DeadLetterLine {
  readonly source: string
  readonly category: string
  readonly reason: string
  readonly sink: string
  readonly attempts: number
  readonly status?: number
  readonly record: string
}

/** A destination that records what it is sent and answers when, and what, the test says. */
export class ScriptedSink implements Sink {
  readonly requests: Request[] = []
  readonly open: Request[] = []
  /** Answers at once where it returns an outcome. */
  reply: (text: string) => Outcome | null = () => null
  probe?: (signal: AbortSignal) => Promise<Outcome>
  readonly #clock: SimulatedClock

  constructor(clock: SimulatedClock) {
    this.#clock = clock
  }

  async start(): Promise<void> {}

  send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const bytes = Buffer.concat(payload.views)
    const text = bytes.toString()
    return new Promise((resolve) => {
      const request: Request = {
        text,
        bytes,
        payload,
        signal,
        atMs: this.#clock.now(),
        answer: async (outcome) => {
          const place = this.open.indexOf(request)
          if (place !== -1) this.open.splice(place, 1)
          resolve(outcome)
          await settled()
        },
      }
      this.requests.push(request)
      this.open.push(request)
      const now = this.reply(text)
      if (now !== null) void request.answer(now)
      else
        signal.addEventListener('abort', () => {
          void request.answer({ kind: 'retry', category: 'unknown', reason: 'aborted' })
        })
    })
  }

  async stop(): Promise<void> {}
}

export class RecordedDeadLetters implements DeadLetters {
  readonly healthy = true
  readonly lines: DeadLetterLine[] = []
  readonly #ledger: () => Ledger

  constructor(ledger: () => Ledger) {
    this.#ledger = ledger
  }

  async write(source: string, lines: Uint8Array, count: number): Promise<void> {
    const text = Buffer.from(lines).toString()
    const parsed = text.split('\n').slice(0, -1)
    if (parsed.length !== count || !text.endsWith('\n')) throw new Error('count of dead letters')
    for (const line of parsed) {
      const letter = JSON.parse(line) as DeadLetterLine
      if (letter.source !== source) throw new Error('source of a dead letter')
      this.lines.push(letter)
    }
    this.#ledger().dlq.queued += count
  }
}

const DEFAULTS: DispatcherConfig = {
  encoding: 'ndjson',
  compression: 'none',
  batch: { maxBytes: 4096, maxEvents: 100, maxAgeMs: 100 },
  retry: { initialMs: 100, maxMs: 1000 },
  /** Stays closed: tests of it say otherwise. */
  breaker: { failures: 1e6, cooldownMs: 100, maxCooldownMs: 1000 },
  order: 'none',
  request: { timeoutMs: 5000, concurrency: 2 },
  maxRecordBytes: 2048,
}

/** A dispatcher with everything around it real but the clock, the destination and the dead-letter queue's disk. */
export class Rig {
  readonly clock = new SimulatedClock()
  readonly log: Log
  readonly frames: MadeFrames
  readonly sink = new ScriptedSink(this.clock)
  readonly sources = SOURCES.map((name) => new SourceCounts(name))
  readonly counts = new SinkCounts('siem', [0, 1])
  readonly ledger = new Ledger(this.sources, [this.counts])
  readonly letters = new RecordedDeadLetters(() => this.ledger)
  readonly slabOwner: SlabOwner
  readonly options: DispatcherOptions
  readonly dispatcher: Dispatcher
  encodes = 0
  encoder: Encoder
  /** Names of what was told, with the arguments behind the sink's name. */
  readonly told: [string, ...unknown[]][] = []

  constructor(
    config: Partial<DispatcherConfig> = {},
    options: Partial<DispatcherOptions> = {},
    slabs = 24,
    makeLog = (clock: Clock, _frames: MadeFrames): Log => new MemoryLog(clock),
  ) {
    this.frames = new MadeFrames(slabs)
    this.log = makeLog(this.clock, this.frames)
    const { arena, pool } = this.frames
    this.encoder = {
      encode: async (task) => {
        this.encodes++
        const schemas = SOURCES.map((name) => ({ name, schema: { name: 'any', version: '' } }))
        return encode(arena, schemas, task)
      },
    }
    this.slabOwner = pool.addOwner('siem', 2, 0)
    this.options = {
      name: 'siem',
      sink: this.sink,
      log: this.log,
      inputs: this.counts.inputs,
      filterIndex: -1,
      config: { ...DEFAULTS, ...config },
      counts: this.counts,
      pool,
      owner: this.slabOwner,
      arena,
      encoder: { encode: (task) => this.encoder.encode(task) },
      grouper: { group: async (task) => group(arena, task) },
      deadLetters: this.letters,
      clock: this.clock,
      random: () => 1,
      events: this.#events(),
      ...options,
    }
    this.dispatcher = new Dispatcher(this.options)
    this.dispatcher.start()
  }

  /** Commits a frame, as the intake does: counted and appended in one step. False when the arena is full. */
  commit(source: number, records: readonly MadeRecord[]): boolean {
    const frame = this.frames.make(source, records, this.clock.wallClock())
    if (frame === null) return false
    this.sources[source]!.received += records.length
    this.sources[source]!.accepted += records.length
    this.log.append({ frame, committed: () => {} })
    return true
  }

  /** Commits a frame and lets what follows from it happen. */
  async add(texts: readonly string[], source = 0): Promise<void> {
    this.commit(
      source,
      texts.map((text) => ({ text })),
    )
    await settled()
  }

  /** What was told under a name. */
  toldOf(name: keyof DispatchEvents): unknown[][] {
    return this.told.filter(([told]) => told === name).map(([, ...rest]) => rest)
  }

  #events(): DispatchEvents {
    const tell =
      (name: string) =>
      (_sink: string, ...rest: unknown[]) =>
        void this.told.push([name, ...rest])
    return {
      sinkRequest: tell('sinkRequest'),
      sinkRetry: tell('sinkRetry'),
      sinkHeld: tell('sinkHeld'),
      sinkResumed: tell('sinkResumed'),
      batchRefused: tell('batchRefused'),
      eventsDeadLettered: tell('eventsDeadLettered'),
      sinkTaskFailed: tell('sinkTaskFailed'),
      eventsDelivered: tell('eventsDelivered'),
      breakerChanged: tell('breakerChanged'),
      concurrencyChanged: tell('concurrencyChanged'),
      sinkPaused: tell('sinkPaused'),
      rateLimited: tell('rateLimited'),
      batchSplit: tell('batchSplit'),
      itemsSettled: tell('itemsSettled'),
      limiterKeysFull: tell('limiterKeysFull'),
      compressionRefused: tell('compressionRefused'),
      bodyLimitLearned: tell('bodyLimitLearned'),
    }
  }

  get slabsInUse(): number {
    const { pool } = this.frames
    return pool.slabCount - pool.freeCount
  }
}
