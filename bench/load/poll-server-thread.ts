/** A thread that plays an API which is asked for events: large answers, each with numbers of its own, until all are given. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { numberedLines } from '../events.ts'
import { Block } from './block.ts'
import type { Sent } from './sending-thread.ts'
import { Tally, monotonicMs } from './tally.ts'
import type { TallyBuffers } from './tally.ts'

export interface ServedPlan {
  /** `array`: a document `{"logs":[...]}`. */
  readonly form: 'array' | 'ndjson'
  /** Each has its own, and is asked for one answer at a time. */
  readonly urls: number
  /** The events of a load are a multiple of it. */
  readonly eventsPerAnswer: number
}

export interface PollServerTask extends ServedPlan {
  readonly tally: TallyBuffers
  readonly events: number
}

const DISTINCT_EVENTS = 20_000
const EVENTS_PER_WRITE_MAX = 500
const KEEP_ALIVE_MS = 60_000

const task: PollServerTask = workerData
const tally = new Tally(task.tally)
const envelope = {
  ndjson: { type: 'application/x-ndjson', open: '', close: '', separatorBytes: 0 },
  array: { type: 'application/json', open: '{"logs":[', close: ']}', separatorBytes: 1 },
}[task.form]

const eventsPerWrite = greatestDivisor(task.eventsPerAnswer, EVENTS_PER_WRITE_MAX)
const writesPerAnswer = task.eventsPerAnswer / eventsPerWrite
const lines = numberedLines(Math.min(task.events, DISTINCT_EVENTS), 0, task.form)
let nextLine = 0
const blocksByUrl = Array.from({ length: task.urls }, () =>
  Array.from(
    { length: Math.max(1, Math.floor(lines.length / eventsPerWrite / task.urls)) },
    () =>
      new Block(
        Array.from({ length: eventsPerWrite }, () => lines[nextLine++ % lines.length]!),
        Buffer.alloc(0),
        tally,
      ),
  ),
)

let given = 0
let underWay = 0
let bytes = 0
const serving = new Promise((resolve) => parentPort!.once('message', resolve))

const server = createServer(({ url = '' }, response) => void answer(Number(url.slice(1)), response))
server.keepAliveTimeout = KEEP_ALIVE_MS
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address !== 'object') return
  tell(blocksByUrl.map((_, index) => `http://127.0.0.1:${address.port}/${index}`))
})

async function answer(urlIndex: number, response: ServerResponse): Promise<void> {
  await serving
  const first = given
  const events = Math.min(task.eventsPerAnswer, task.events - given)
  given += events
  underWay += events
  if (events === 0) {
    response.writeHead(200, { 'content-type': envelope.type }).end(envelope.open + envelope.close)
    return
  }
  const blocks = blocksByUrl[urlIndex]!
  let length = envelope.open.length + envelope.close.length - envelope.separatorBytes
  for (let write = 0; write < writesPerAnswer; write++) length += blocks[write % blocks.length]!.bytes.length
  response.writeHead(200, { 'content-type': envelope.type, 'content-length': length })
  if (envelope.open !== '') response.write(envelope.open)
  for (let write = 0; write < writesPerAnswer; write++) {
    const block = blocks[write % blocks.length]!
    block.number(first + write * eventsPerWrite)
    const isLast = write === writesPerAnswer - 1
    const part = isLast ? block.bytes.subarray(0, block.bytes.length - envelope.separatorBytes) : block.bytes
    // oxlint-disable-next-line no-await-in-loop -- the block is used again
    await new Promise((resolve) => response.write(part, resolve))
  }
  response.end(envelope.close)
  bytes += length
  underWay -= events
  if (given === task.events && underWay === 0) allGiven()
}

function allGiven(): void {
  const lastSentAtMs = monotonicMs()
  const sent: Sent = { events: given, malformed: 0, bytes, lastSentAtMs, retries: 0, refused: 0, answers: [] }
  tell(sent)
}

function tell(message: Sent | readonly string[]): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(message)
}

function greatestDivisor(of: number, atMost: number): number {
  let divisor = Math.min(of, atMost)
  while (of % divisor !== 0) divisor--
  return divisor
}
