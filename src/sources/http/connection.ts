import type { Socket } from 'node:net'
import { formatAddress } from '../../base/address.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Exchange } from './exchange.ts'

/** How long a client has to read an answer that came before it had sent all. */
const LINGER_MS = 1000

/** A client's connection; it outlives the requests on it. */
export class Connection {
  readonly socket: Socket
  readonly peer: string
  readonly #clock: Clock
  /** Requests not yet answered: one, or with pipelining several; then only the last one's body can be coming. */
  readonly exchanges = new Set<Exchange>()
  /** The newest of them, also when it is answered. */
  latest: Exchange | null = null
  /** The answer to `latest` ends the connection: what comes behind it is not taken, as its client could not be told. */
  closing = false
  #lingering: Timer | null = null

  constructor(socket: Socket, clock: Clock) {
    this.socket = socket
    this.peer = formatAddress(socket.remoteAddress, socket.remotePort)
    this.#clock = clock
  }

  /** Runs `then` after a while, unless the connection is gone before. */
  linger(then: () => void): void {
    this.#lingering ??= this.#clock.setTimeout(then, LINGER_MS)
  }

  /** The source can wait no longer: who waits for what is in already is told so, everything else is broken off. */
  cutOff(): void {
    const told = [...this.exchanges].filter((exchange) => exchange.leaveToStop()).length
    if (told === 0) this.socket.destroy()
    else {
      this.socket.destroySoon()
      this.linger(() => this.socket.destroy())
    }
  }

  gone(): void {
    this.#lingering?.clear()
    for (const exchange of this.exchanges) exchange.connectionGone()
    this.exchanges.clear()
  }
}
