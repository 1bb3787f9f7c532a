/** A thread with a destination for each sink: it answers as its mood says, and tells the witness of every event it took. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { NUMBER_DIGITS, monotonicMs } from '../load/tally.ts'
import { MOOD, moodOf } from './receiver.ts'
import type { ReceiverTask } from './receiver.ts'
import { Witness } from './witness.ts'

const KEY = Buffer.from('"seq":')
const DIGIT_0 = 0x30
const SLOW_MS = 60

const { witness: buffers, moods, startedAtMs, token }: ReceiverTask = workerData
const witness = new Witness(buffers)

const ports = await Promise.all(Array.from({ length: witness.sinks }, (_, sink) => listen(sink)))
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage(ports)

function listen(sink: number): Promise<number> {
  const server = createServer((request, response) => {
    // A collector of somebody else, whose destination had this port.
    if (request.url !== `/${token}`) {
      request.socket.destroy()
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      answer(sink, response, Buffer.concat(chunks)).catch(() => response.destroy())
    })
  })
  server.on('connection', (socket) => {
    if (moodOf(moods, sink) === MOOD.dead) socket.destroy()
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : 0)
    })
  })
}

async function answer(sink: number, response: ServerResponse, body: Buffer): Promise<void> {
  const mood = moodOf(moods, sink)
  if (mood === MOOD.dead) {
    response.destroy()
    return
  }
  if (mood === MOOD.throttling) {
    witness.refused(sink)
    response.writeHead(503, { 'content-length': 0 }).end()
    return
  }
  if (mood === MOOD.slow) await sleep(SLOW_MS)
  tellNumbers(sink, body)
  response.writeHead(200, { 'content-length': 0 }).end()
}

function tellNumbers(sink: number, body: Buffer): void {
  const nowMs = Math.floor(monotonicMs() - startedAtMs)
  for (let at = body.indexOf(KEY); at !== -1; at = body.indexOf(KEY, at)) {
    at += KEY.length
    let number = 0
    for (const end = at + NUMBER_DIGITS; at < end; at++) number = number * 10 + body[at]! - DIGIT_0
    witness.received(sink, number, nowMs)
  }
}
