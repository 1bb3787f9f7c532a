/** Who sends, and who takes batches over HTTP, in a thread beside the collector that is measured. Loopback only. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { KIB, MIB } from '../../base/units.ts'
import { listenOnLoopback } from './loopback-port.ts'

/** Send there, as much as is taken, until the order to stop. */
export type LoadOrder = { readonly port: number; readonly connections: number } | 'stop'

export interface LoadReport {
  /** Where batches are taken. */
  readonly port: number
  /** What the last order came to. */
  readonly events: number
  readonly bytes: number
}

/** What the thread is given. */
export interface LoadData {
  /** Whole lines. */
  readonly block: Uint8Array
  readonly events: number
}

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const READ_BYTES = 256 * KIB
const HEAD_BYTES_MAX = 64 * KIB

const { block, events }: LoadData = workerData
const sending = { stopped: true }

/** Answers each request when all of its body is there, and looks at no byte of it. */
function takeBatches(socket: Socket): void {
  let head: Buffer = Buffer.alloc(0)
  let bodyLeft = 0
  const take = (chunk: Buffer): void => {
    for (let rest = chunk; rest.length > 0;) {
      if (bodyLeft === 0) {
        head = Buffer.concat([head, rest])
        const end = head.indexOf(HEAD_END)
        if (end === -1 && head.length < HEAD_BYTES_MAX) return
        bodyLeft = Number(/^content-length: *(\d+)/im.exec(head.toString('latin1', 0, end))?.[1] ?? NaN)
        if (!(bodyLeft >= 0)) return void socket.destroy()
        rest = head.subarray(end + HEAD_END.length)
        head = Buffer.alloc(0)
      }
      const taken = Math.min(bodyLeft, rest.length)
      bodyLeft -= taken
      rest = rest.subarray(taken)
      if (bodyLeft === 0) socket.write(ANSWER)
    }
  }
  socket.on('data', take).on('error', () => {})
}

/** As much as is taken, in pieces of about 1 MiB; resolves when the receiver has read all of it. */
async function send({ port, connections }: Exclude<LoadOrder, 'stop'>): Promise<Partial<LoadReport>> {
  sending.stopped = false
  const blocks = Math.max(1, Math.round(MIB / block.length))
  // A copy, in plain memory as a program that sends would have it.
  const piece = Buffer.concat(Array.from({ length: blocks }, () => block))
  const sent = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      const closed = once(socket, 'close')
      await once(socket, 'connect')
      let pieces = 0
      for (; !sending.stopped && !socket.destroyed; pieces++) {
        // oxlint-disable-next-line no-await-in-loop -- the receiver sets the pace
        await new Promise<void>((resolve) => void socket.write(piece, () => resolve()))
      }
      socket.end()
      await closed
      return pieces
    }),
  )
  const pieces = sent.reduce((sum, count) => sum + count, 0)
  return { events: pieces * blocks * events, bytes: pieces * piece.length }
}

const server = createServer({ highWaterMark: READ_BYTES, noDelay: true }, takeBatches)
const port = await listenOnLoopback(server)
const tell = (report: object) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage({ port, events: 0, bytes: 0, ...report })
}
parentPort!.on('message', (order: LoadOrder) => {
  if (order === 'stop') sending.stopped = true
  else void send(order).then((sent) => tell({ ...sent, asked: true }))
})
tell({})
