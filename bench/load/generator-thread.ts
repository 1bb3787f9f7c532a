/** A thread that sends events, each with a number of its own, as fast as they are taken or at a given rate. */
import { parentPort, workerData } from 'node:worker_threads'
import { numberedLines } from '../events.ts'
import { Block } from './block.ts'
import { Sender } from './sender.ts'
import { StreamCursor } from './stream.ts'
import type { StreamPlan } from './stream.ts'
import { Tally } from './tally.ts'
import type { TallyBuffers } from './tally.ts'

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

async function main({ tally: buffers, streams, malformedShare }: GeneratorTask): Promise<void> {
  const tally = new Tally(buffers)
  const atOnce = streams.reduce(
    (sum, { connections, eventsPerWrite }) => sum + connections * eventsPerWrite,
    0,
  )
  const events = streams.reduce((sum, stream) => sum + stream.events, 0)
  const distinct = Math.min(events, DISTINCT_EVENTS)
  const turns = Math.max(1, Math.floor(distinct / atOnce))
  const lines = numberedLines(distinct, malformedShare)
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
    events,
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
