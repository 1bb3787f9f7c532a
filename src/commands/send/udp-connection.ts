import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Batch } from './batch.ts'
import { codeOf, connectError } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Tally } from './tally.ts'
import type { TcpOptions } from './tcp-connection.ts'

/** A datagram for each event. Nobody says whether it came; that nobody listens is told by the next one, on this host. */
export class UdpConnection implements Connection {
  readonly batchesMax = 1
  readonly #options: TcpOptions
  #socket: Socket | null = null

  constructor(options: TcpOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { to, host, port } = this.#options
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    this.#socket = socket
    socket.connect(port, host)
    try {
      await once(socket, 'connect')
    } catch (error) {
      throw connectError(to, error)
    }
    // Each datagram that failed is told by its own callback.
    socket.on('error', () => {})
  }

  async send(batch: Batch): Promise<boolean> {
    const { to, tally } = this.#options
    const failures = await Promise.all(
      Array.from({ length: batch.events }, (_, index) => this.#sendEvent(batch.event(index), tally)),
    )
    const refusals = failures.filter((error) => error !== null)
    tally.refused += refusals.length
    const [first] = refusals
    if (first !== undefined) tally.complain(first.message)
    // It is about a datagram before, which was counted as sent.
    const nobody = refusals.find((error) => codeOf(error) === 'ECONNREFUSED')
    if (nobody !== undefined) throw connectError(to, nobody)
    return true
  }

  #sendEvent(event: Uint8Array, tally: Tally): Promise<Error | null> {
    return new Promise((resolve) => {
      this.#socket!.send(event, (error) => {
        if (error === null) {
          tally.sent++
          tally.bytes += event.length
        }
        resolve(error)
      })
    })
  }

  async close(): Promise<void> {
    const socket = this.#socket
    if (socket === null) return
    this.#socket = null
    socket.close()
    await once(socket, 'close')
  }
}
