import type { SecureContext } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { connector } from '../../pipeline/http/connect.ts'
import { Connection } from '../../pipeline/http/connection.ts'

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly connectionsMax: number
  readonly connectTimeoutMs: number
  readonly verify: boolean
  readonly secure: SecureContext
  /** Without our certificate. */
  readonly secureForOthers: SecureContext
}

interface Idle {
  readonly to: string
  readonly connection: Connection
}

/** Connections to whatever servers, kept open for the next request; at most `connectionsMax` in all. */
export class Connections {
  readonly #options: ConnectionsOptions
  /** The one that was used longest ago first. */
  readonly #idle: Idle[] = []
  /** Where each of them leads. */
  readonly #all = new Map<Connection, string>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Those that are open, or may be. */
  get count(): number {
    return this.#all.size
  }

  /** A connection to the server of `url`; one that was not asked for by the user is not shown our certificate. */
  take(url: URL, asked: boolean): Connection {
    const to = `${asked ? 'asked' : 'other'} ${url.origin}`
    const found = this.#idle.findLastIndex((idle) => idle.to === to)
    if (found !== -1) return this.#idle.splice(found, 1)[0]!.connection
    const { connectionsMax, clock, connectTimeoutMs, verify, secure, secureForOthers } = this.#options
    if (this.#all.size >= connectionsMax) {
      const oldest = this.#idle.shift()
      if (oldest !== undefined) this.drop(oldest.connection)
    }
    const options = { secure: asked ? secure : secureForOthers, verify, connectTimeoutMs }
    const connection = new Connection(url.origin, connector(url, options, clock))
    this.#all.set(connection, to)
    return connection
  }

  /** Its answer was read to the end. */
  giveBack(connection: Connection): void {
    const to = this.#all.get(connection)
    if (to === undefined || connection.socket()?.destroyed !== false) this.drop(connection)
    else this.#idle.push({ to, connection })
  }

  /** Closes it at once, whatever is under way on it. */
  drop(connection: Connection): void {
    this.#all.delete(connection)
    void connection.close()
  }

  async close(): Promise<void> {
    const open = [...this.#all.keys()]
    this.#all.clear()
    this.#idle.length = 0
    await Promise.all(open.map((connection) => connection.close()))
  }
}
