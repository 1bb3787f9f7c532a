/** A thread that plays the SIEM: answers as its plan says, and marks the number of every event that it accepted. */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { readFromKernel } from '../../src/pipeline/tcp/kernel-read.ts'
import { NumberFinder, WAITING_BYTES } from './number-finder.ts'
import { PostReader } from './post-reader.ts'
import { Tally, monotonicMs } from './tally.ts'
import type { TallyBuffers } from './tally.ts'

/** The receiver is out of order from so many seconds after the first request until `toS`. */
export interface Outage {
  /** It answers so; null: nobody listens. */
  readonly status: number | null
  readonly fromS: number
  readonly toS: number
  /** Again and again, where it answers: seconds count from 0 whenever so many have passed. */
  readonly everyS?: number
}

export interface ReceiverTask {
  /** Of what comes to `/`. */
  readonly tally: TallyBuffers
  /** Of what comes to `/1` and so on. */
  readonly others?: readonly TallyBuffers[]
  readonly outage: Outage | null
  /** It refuses everything until it is told to come back, by any message. */
  readonly dead: boolean
}

const READ_BYTES = 256 * 1024

const task: ReceiverTask = workerData
const { outage } = task
const tallies = [task.tally, ...(task.others ?? [])].map((buffers) => new Tally(buffers))
/** All connections read into it, in turn: what was read is done with before the next read. */
const memory = Buffer.alloc(WAITING_BYTES + READ_BYTES)
const sockets = new Set<Socket>()
let firstAtMs = 0
let { dead } = task
parentPort!.on('message', () => (dead = false))

const server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
  const finder = new NumberFinder()
  const buffer = memory.subarray(WAITING_BYTES)
  const { socket } = readFromKernel(accepted, {
    buffer: () => buffer,
    onRead(length) {
      reader.take(memory, WAITING_BYTES, WAITING_BYTES + length)
      return true
    },
  })
  const reader = new PostReader(socket, finder, (target) => answered(target, finder))
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  // A sender that goes away shows as events that are missing.
  socket.on('error', () => socket.destroy())
  socket.resume()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address !== 'object') return
  if (outage?.status === null) goAwayOnTime(address.port, outage)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(address.port)
})

function answered(target: number, { numbers, count }: NumberFinder): number {
  const nowMs = monotonicMs()
  if (firstAtMs === 0) firstAtMs = nowMs
  const tally = tallies[target]
  if (tally === undefined) return 404
  const status = statusAt((nowMs - firstAtMs) / 1000)
  if (status === 200) tally.received(numbers, count, nowMs)
  else tally.refused()
  return status
}

function statusAt(seconds: number): number {
  if (dead) return 503
  if (outage === null || outage.status === null) return 200
  const at = outage.everyS === undefined ? seconds : seconds % outage.everyS
  return at >= outage.fromS && at < outage.toS ? outage.status : 200
}

function goAwayOnTime(port: number, { fromS, toS }: Outage): void {
  server.once('connection', () => {
    setTimeout(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }, fromS * 1000)
    setTimeout(() => server.listen(port, '127.0.0.1'), toS * 1000)
  })
}
