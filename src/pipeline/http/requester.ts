import type { Dispatcher } from 'undici'
import type { Clock } from '../../base/clock.ts'
import { spwError } from '../../base/errors.ts'
import type { Outcome } from '../sink.ts'
import type { ClientTls } from './client-config.ts'
import { connector, secureContext } from './connect.ts'
import type { Connect } from './connect.ts'
import { Connection } from './connection.ts'
import { Exchange } from './exchange.ts'
import type { AnswerReader } from './exchange.ts'

/** So long after its last use a connection is closed that fewer requests at once leave without work. */
export const IDLE_MS_MAX = 30_000

interface IdleConnection {
  readonly connection: Connection
  readonly sinceMs: number
}

export interface RequesterOptions {
  /** Of the sink, for errors. */
  readonly name: string
  readonly url: URL
  readonly tls: ClientTls
  readonly request: { readonly timeoutMs: number; readonly connectTimeoutMs: number }
  readonly clock: Clock
}

export interface OutgoingRequest {
  readonly method: Dispatcher.HttpMethod
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Nothing to send where it is empty. */
  readonly views: readonly Uint8Array[]
}

/**
 * Requests of a sink to one server, each on a connection of its own while it lasts: from `send` to what became of it.
 * `start`, `send` and `stop` keep the promises of `Sink`.
 */
export class Requester {
  readonly #options: RequesterOptions
  #connect: Connect | null = null
  /** The last one used is the next, the first is idle for longest. At most as many as sent at once. */
  readonly #idle: IdleConnection[] = []
  readonly #all = new Set<Connection>()
  readonly #inFlight = new Set<Exchange>()

  constructor(options: RequesterOptions) {
    this.#options = options
  }

  start(): void {
    const { name, url, tls, request, clock } = this.#options
    const refuse = (reason: string, cause: unknown): never => {
      throw spwError('SPW_ERR_SINK_TLS', { sink: name, reason }, { cause })
    }
    const secure = url.protocol === 'https:' ? secureContext(tls, refuse) : null
    const options = { secure, verify: tls.verify, connectTimeoutMs: request.connectTimeoutMs }
    this.#connect = connector(url, options, clock)
  }

  async send(request: OutgoingRequest, reader: AnswerReader, signal: AbortSignal): Promise<Outcome> {
    const connect = this.#connect
    if (connect === null || signal.aborted) return STOPPED
    const connection = this.#idle.pop()?.connection ?? this.#open(connect)
    const { clock } = this.#options
    const { timeoutMs } = this.#options.request
    const exchange = new Exchange(reader, connection.socket)
    const abort = (): void => exchange.giveUp(STOPPED)
    const timer = clock.setTimeout(() => exchange.giveUp(timedOut(timeoutMs)), timeoutMs)
    signal.addEventListener('abort', abort)
    this.#inFlight.add(exchange)
    connection.dispatch(dispatchOptions(request), exchange)
    const outcome = await exchange.outcome
    this.#inFlight.delete(exchange)
    signal.removeEventListener('abort', abort)
    timer.clear()
    await this.#giveBack(connection)
    return outcome
  }

  async stop(): Promise<void> {
    this.#connect = null
    for (const exchange of this.#inFlight) exchange.giveUp(STOPPED)
    this.#idle.length = 0
    const open = [...this.#all]
    this.#all.clear()
    await Promise.all(open.map((connection) => connection.close()))
  }

  #open(connect: Connect): Connection {
    const connection = new Connection(this.#options.url.origin, connect)
    this.#all.add(connection)
    return connection
  }

  /** A connection whose socket is gone is not used again: a request that was given up could still wait in its queue. */
  async #giveBack(connection: Connection): Promise<void> {
    if (this.#connect === null || connection.socket()?.destroyed !== false) {
      await this.#close(connection)
      return
    }
    const nowMs = this.#options.clock.now()
    this.#idle.push({ connection, sinceMs: nowMs })
    const longest = this.#idle[0]!
    if (nowMs - longest.sinceMs <= IDLE_MS_MAX) return
    this.#idle.shift()
    await this.#close(longest.connection)
  }

  async #close(connection: Connection): Promise<void> {
    this.#all.delete(connection)
    await connection.close()
  }
}

const STOPPED: Outcome = { kind: 'retry', category: 'unknown', reason: 'given up: the sink stops' }

function timedOut(timeoutMs: number): Outcome {
  return { kind: 'retry', category: 'timeout', reason: `no answer after ${timeoutMs} ms` }
}

function dispatchOptions({ method, path, headers, views }: OutgoingRequest): Dispatcher.DispatchOptions {
  return {
    path,
    method,
    headers,
    // Whether a request is sent again is the pipeline's to decide, whatever its method.
    idempotent: false,
    ...(views.length === 0 ? undefined : { body: views.length === 1 ? views[0]! : severalViews(views) }),
  }
}

/** undici writes any iterable of views, one after another; of all ways the cheapest, but its types don't name it. */
function severalViews(views: readonly Uint8Array[]): Uint8Array {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return views as unknown as Uint8Array
}
