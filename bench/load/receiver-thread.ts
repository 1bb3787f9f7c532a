/** A thread that plays the SIEM: answers as its plan says, and marks the number of every event that it accepted. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { NUMBER_DIGITS, Tally, monotonicMs } from './tally.ts'
import type { TallyBuffers } from './tally.ts'

/** The receiver answers `status` from so many seconds after the first request until `toS`. */
export interface Outage {
  readonly status: number
  readonly fromS: number
  readonly toS: number
  /** Again and again: seconds count from 0 whenever so many have passed. */
  readonly everyS?: number
}

export interface ReceiverTask {
  readonly tally: TallyBuffers
  readonly outage: Outage | null
  /** It refuses everything until it is told to come back, by any message. */
  readonly dead: boolean
}

const KEY = Buffer.from('"seq')
/** Between the key and its number; an event that is the text of another has its quotes escaped. */
const BETWEEN: ReadonlySet<number | undefined> = new Set(Buffer.from('\\":'))
const DIGIT_0 = 0x30

const { tally: buffers, outage, ...task }: ReceiverTask = workerData
const tally = new Tally(buffers)
let firstAtMs = 0
let { dead } = task
parentPort!.on('message', () => (dead = false))

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => answer(response, Buffer.concat(chunks)))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  if (address !== null && typeof address === 'object') parentPort!.postMessage(address.port)
})

function answer(response: ServerResponse, body: Buffer): void {
  const nowMs = monotonicMs()
  if (firstAtMs === 0) firstAtMs = nowMs
  const status = statusAt((nowMs - firstAtMs) / 1000)
  if (status === 200) markNumbers(body, nowMs)
  else tally.refused()
  response.writeHead(status, { 'content-length': 0 }).end()
}

function statusAt(seconds: number): number {
  if (dead) return 503
  if (outage === null) return 200
  const at = outage.everyS === undefined ? seconds : seconds % outage.everyS
  return at >= outage.fromS && at < outage.toS ? outage.status : 200
}

function markNumbers(body: Buffer, nowMs: number): void {
  for (let at = body.indexOf(KEY); at !== -1; at = body.indexOf(KEY, at)) {
    at += KEY.length
    while (BETWEEN.has(body[at])) at++
    let number = 0
    for (const end = at + NUMBER_DIGITS; at < end; at++) number = number * 10 + body[at]! - DIGIT_0
    tally.received(number, nowMs)
  }
}
