import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Block } from './block.ts'
import type { Answer } from './load.ts'
import type { StreamCursor } from './stream.ts'
import { monotonicMs } from './tally.ts'

/** Linux takes all of 127.0.0.0/8 for its own. */
const FIRST_ADDRESS = 2
/** How often it looks whether what waits to be sent has gone. */
const QUEUE_POLL_MS = 1

/** All senders of a UDP stream, who take turns datagram by datagram; what is lost is not sent again. */
export class UdpSender {
  readonly #cursor: StreamCursor
  readonly #blocks: readonly Block[]
  #sockets: readonly Socket[] = []
  readonly malformed = 0
  readonly retries = 0
  readonly refused = 0
  readonly answers: readonly Answer[] = []
  bytes = 0

  constructor(cursor: StreamCursor, blocks: readonly Block[]) {
    this.#cursor = cursor
    this.#blocks = blocks
  }

  /** Resolves when all is sent; the sockets stay open. */
  async run(): Promise<void> {
    const { connections, port } = this.#cursor.plan
    this.#sockets = await Promise.all(
      Array.from({ length: connections }, (_, index) => open(`127.0.0.${FIRST_ADDRESS + index}`, port)),
    )
    let turn = 0
    for (let first = this.#cursor.take(); first !== -1; first = this.#cursor.take()) {
      const dueAtMs = this.#cursor.dueAtMs(first)
      const waitMs = dueAtMs - monotonicMs()
      // oxlint-disable-next-line no-await-in-loop -- one burst after another
      if (waitMs > 0) await sleep(waitMs)
      const block = this.#blocks[turn++ % this.#blocks.length]!
      block.number(first, dueAtMs || monotonicMs())
      this.#send(block)
      // oxlint-disable-next-line no-await-in-loop -- the block is used again
      while (this.#queued()) await sleep(QUEUE_POLL_MS)
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #send({ bytes, events }: Block): void {
    this.bytes += bytes.length
    for (let i = 0; i < events.length; i++) this.#sockets[i % this.#sockets.length]!.send(events[i]!)
  }

  /** The kernel takes a datagram at once, as a rule. */
  #queued(): boolean {
    return this.#sockets.some((socket) => socket.getSendQueueCount() > 0)
  }
}

/** A connected socket: it costs less a datagram. */
async function open(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind({ address, port: 0, exclusive: true }, resolve))
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
  // Nobody listens any more: it shows as events that are missing.
  socket.on('error', () => {})
  return socket
}
