/** A thread that sends events, each with a number of its own, as fast as they are taken or at a given rate. */
import { parentPort, workerData } from 'node:worker_threads'
import { distinctEvents, numberedLines } from '../events.ts'
import type { EventForm } from '../events.ts'
import { Block, requestHead } from './block.ts'
import { Sender } from './sender.ts'
import type { Sent } from './sending-thread.ts'
import { StreamCursor } from './stream.ts'
import type { StreamPlan } from './stream.ts'
import { Tally, monotonicMs } from './tally.ts'
import type { TallyBuffers } from './tally.ts'
import { UdpSender } from './udp-sender.ts'

export interface GeneratorTask {
  readonly tally: TallyBuffers
  readonly streams: readonly StreamPlan[]
  readonly form: EventForm
  readonly malformedShare: number
}

/** Different events that are sent, about: more than a processor learns by heart. */
const DISTINCT_EVENTS = 20_000
const NO_HEAD = Buffer.alloc(0)

async function main({ tally: buffers, streams, form, malformedShare }: GeneratorTask): Promise<void> {
  const tally = new Tally(buffers)
  const atOnce = streams.reduce((sum, plan) => sum + sendersOf(plan) * plan.eventsPerWrite, 0)
  const events = streams.reduce((sum, stream) => sum + stream.events, 0)
  const distinct = distinctEvents(form, Math.min(events, DISTINCT_EVENTS))
  const turns = Math.max(1, Math.floor(distinct / atOnce))
  const lines = numberedLines(distinct, malformedShare, form)
  let nextLine = 0
  const blockOf = ({ mode, port, eventsPerWrite }: StreamPlan) => {
    const chosen = Array.from({ length: eventsPerWrite }, () => lines[nextLine++ % lines.length]!)
    return new Block(chosen, mode === 'http' ? requestHead(chosen, port) : NO_HEAD, tally)
  }
  const senders = streams.flatMap((plan): (Sender | UdpSender)[] => {
    const cursor = new StreamCursor(plan)
    const blocks = () => Array.from({ length: turns }, () => blockOf(plan))
    const sender = () =>
      plan.mode === 'udp' ? new UdpSender(cursor, blocks()) : new Sender(cursor, blocks())
    return Array.from({ length: sendersOf(plan) }, sender)
  })
  parentPort!.on('message', () => {
    for (const sender of senders) sender.close()
    parentPort!.close()
  })
  await Promise.all(senders.map((sender) => sender.run()))
  const lastSentAtMs = monotonicMs()
  const sum = (of: (sender: Sender | UdpSender) => number) =>
    senders.reduce((total, sender) => total + of(sender), 0)
  const sent: Sent = {
    events,
    malformed: sum(({ malformed }) => malformed),
    bytes: sum(({ bytes }) => bytes),
    lastSentAtMs,
    retries: sum(({ retries }) => retries),
    refused: sum(({ refused }) => refused),
    answers: senders.flatMap(({ answers }) => answers),
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(sent)
}

/** The sockets of a UDP stream share one, so that their datagrams alternate. */
function sendersOf({ mode, connections }: StreamPlan): number {
  return mode === 'udp' ? 1 : connections
}

const generatorTask: GeneratorTask = workerData
await main(generatorTask)
