import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Connect } from './connect.ts'
import { Client } from './undici-client.ts'

/** Idle connections are closed when the server says when it will, a second earlier; else after this. */
const KEEP_ALIVE_MS = 4000
const KEEP_ALIVE_MS_MAX = 600_000
const KEEP_ALIVE_MARGIN_MS = 1000
const ANSWER_HEADER_BYTES_MAX = 16 * 1024

/** One connection, used for one request after another and opened anew when it is gone. */
export class Connection {
  readonly #client: Client
  #socket: Socket | null = null

  constructor(origin: string, connect: Connect) {
    this.#client = new Client(origin, {
      pipelining: 1,
      allowH2: false,
      // The caller's own timer is for the request as a whole.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS_MAX,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
      // Answers are cut off by the exchange, which can still make sense of what it has.
      maxResponseSize: -1,
      strictContentLength: true,
      connect: (_options, callback) => {
        this.#socket = connect((error, socket) => {
          if (error === null) callback(null, socket)
          else callback(error, null)
        })
      },
    })
  }

  /** The socket in use or being connected; null before the first. */
  readonly socket = (): Socket | null => this.#socket

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler)
  }

  async close(): Promise<void> {
    this.#socket?.destroy()
    await this.#client.destroy()
  }
}
