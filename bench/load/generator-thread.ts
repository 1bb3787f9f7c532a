/** A thread that sends events, each with a number of its own, as fast as they are taken or at a given rate. */
import { parentPort, workerData } from 'node:worker_threads'
import { numberedLines } from '../events.ts'
import { Block } from './block.ts'
import { Sender } from './sender.ts'
import { Tally } from './tally.ts'
import type { TallyBuffers } from './tally.ts'

/** What goes to one source of the collector. */
export interface StreamPlan {
  readonly mode: 'tcp' | 'http'
  readonly port: number
  readonly connections: number
  /** Events of one write, over HTTP of one request; `events` is a multiple of it. */
  readonly eventsPerWrite: number
  /** Index of the first event; the streams of a run don't overlap. */
  readonly firstIndex: number
  readonly events: number
  /** Over all connections; null: as fast as they are taken. */
  readonly eventsPerSecond: number | null
}

export interface GeneratorTask {
  readonly tally: TallyBuffers
  readonly streams: readonly StreamPlan[]
  readonly malformedShare: number
}

/** What was sent: told once all was taken, over HTTP once all was answered. */
export interface Sent {
  readonly events: number
  readonly malformed: number
  readonly bytes: number
  /** Requests answered 429 or 503, and sent again. */
  readonly retries: number
  /** Requests answered otherwise than 2xx, 429 or 503: their events are not sent again. */
  readonly refused: number
}

/** Different events that are sent, about: more than a processor learns by heart. */
const DISTINCT_EVENTS = 20_000

/** Gives each write of a stream its events and the time when it is due. */
export class StreamCursor {
  readonly plan: StreamPlan
  #taken = 0
  #startMs = 0

  constructor(plan: StreamPlan) {
    this.plan = plan
  }

  /** Index of the first event of the next write; -1 when all are taken. */
  take(): number {
    if (this.#taken >= this.plan.events) return -1
    const first = this.plan.firstIndex + this.#taken
    this.#taken += this.plan.eventsPerWrite
    return first
  }

  /** Milliseconds until the write that begins with this event is due. */
  dueInMs(index: number): number {
    const { eventsPerSecond, firstIndex } = this.plan
    if (eventsPerSecond === null) return 0
    // The first is due when its connection stands.
    if (this.#startMs === 0) this.#startMs = performance.now()
    return this.#startMs + ((index - firstIndex) / eventsPerSecond) * 1000 - performance.now()
  }
}

async function main({ tally: buffers, streams, malformedShare }: GeneratorTask): Promise<void> {
  const tally = new Tally(buffers)
  const atOnce = streams.reduce(
    (sum, { connections, eventsPerWrite }) => sum + connections * eventsPerWrite,
    0,
  )
  const turns = Math.max(1, Math.floor(DISTINCT_EVENTS / atOnce))
  const lines = numberedLines(Math.min(atOnce * turns, DISTINCT_EVENTS), malformedShare)
  let nextLine = 0
  const blockOf = (plan: StreamPlan) => {
    const chosen = Array.from({ length: plan.eventsPerWrite }, () => lines[nextLine++ % lines.length]!)
    return new Block(chosen, plan, tally)
  }
  const senders = streams.flatMap((plan) => {
    const cursor = new StreamCursor(plan)
    const blocks = () => Array.from({ length: turns }, () => blockOf(plan))
    return Array.from({ length: plan.connections }, () => new Sender(cursor, blocks()))
  })
  parentPort!.on('message', () => {
    for (const sender of senders) sender.close()
    parentPort!.close()
  })
  await Promise.all(senders.map((sender) => sender.run()))
  const sum = (of: (sender: Sender) => number) => senders.reduce((total, sender) => total + of(sender), 0)
  const sent: Sent = {
    events: streams.reduce((total, { events }) => total + events, 0),
    malformed: sum(({ malformed }) => malformed),
    bytes: sum(({ bytes }) => bytes),
    retries: sum(({ retries }) => retries),
    refused: sum(({ refused }) => refused),
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(sent)
}

const generatorTask: GeneratorTask = workerData
await main(generatorTask)
