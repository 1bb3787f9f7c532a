import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from './batch.ts'
import { connectError, lostError } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Tally } from './tally.ts'

/** How long the receiver may take to read the rest and close, when all was sent. */
const CLOSE_TIMEOUT_MS = 30_000

export interface TcpOptions {
  /** As the user wrote it. */
  readonly to: string
  readonly host: string
  readonly port: number
  readonly tally: Tally
}

/** Bytes one way. A receiver that doesn't read holds the sender up: a batch is given back once the kernel has it. */
export class TcpConnection implements Connection {
  readonly batchesMax = 3
  readonly #options: TcpOptions
  #socket: Socket | null = null
  #broken: Error | null = null

  constructor(options: TcpOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const { to, host, port } = this.#options
    const socket = connect({ host, port, noDelay: true })
    this.#socket = socket
    try {
      await once(socket, 'connect')
    } catch (error) {
      throw connectError(to, error)
    }
    socket.on('error', (error) => (this.#broken ??= error))
    // Whatever comes back is thrown away; unread it would hide the end.
    socket.on('end', () => (this.#broken ??= new Error('the receiver closed the connection'))).resume()
  }

  async send(batch: Batch): Promise<boolean> {
    const { to, tally } = this.#options
    if (this.#broken !== null) throw lostError(to, this.#broken)
    await new Promise<void>((resolve, reject) => {
      this.#socket!.write(batch.filled, (error) => {
        // oxlint-disable-next-line no-eq-null -- null or undefined, by the Node version
        if (error == null) resolve()
        else reject(lostError(to, this.#broken ?? error))
      })
    })
    tally.took(batch, batch.length)
    return true
  }

  /** Half-closes, and waits until the receiver has read all of it and closes too. */
  async close(atOnce: AbortSignal): Promise<void> {
    const socket = this.#socket
    if (socket === null) return
    if (!socket.closed && !atOnce.aborted && this.#broken === null) {
      const closed = new AbortController()
      const signal = AbortSignal.any([closed.signal, atOnce])
      socket.end()
      await Promise.race([once(socket, 'close'), sleep(CLOSE_TIMEOUT_MS, undefined, { signal })]).catch(
        () => {},
      )
      closed.abort()
    }
    socket.destroy()
  }
}
