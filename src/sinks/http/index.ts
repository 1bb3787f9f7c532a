/** Sink `http`: each batch is the body of one request. */
import type { Dispatcher } from 'undici'
import { spwError } from '../../base/errors.ts'
import { connector, secureContext } from '../../pipeline/http/connect.ts'
import type { Connect } from '../../pipeline/http/connect.ts'
import { Connection } from '../../pipeline/http/connection.ts'
import { requestHeaders } from '../../pipeline/http/request-headers.ts'
import type { Outcome, Payload, Sink, SinkContext } from '../../pipeline/sink.ts'
import type { HttpSinkConfig } from './config.ts'
import { Exchange } from './request.ts'

export class HttpSink implements Sink {
  readonly #config: HttpSinkConfig
  readonly #context: SinkContext
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  #connect: Connect | null = null
  /** The last one used is the next: under little load the others time out. At most `concurrency`. */
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #inFlight = new Set<Exchange>()

  constructor(config: HttpSinkConfig, context: SinkContext) {
    this.#config = config
    this.#context = context
    this.#url = new URL(config.url)
    this.#headers = requestHeaders(config, context.version)
  }

  async start(): Promise<void> {
    const { tls, request, name } = this.#config
    const refuse = (reason: string, cause: unknown): never => {
      throw spwError('SPW_ERR_SINK_TLS', { sink: name, reason }, { cause })
    }
    const secure = this.#url.protocol === 'https:' ? secureContext(tls, refuse) : null
    const options = { secure, verify: tls.verify, connectTimeoutMs: request.connectTimeoutMs }
    this.#connect = connector(this.#url, options, this.#context.clock)
  }

  async send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const connect = this.#connect
    if (connect === null || signal.aborted) return STOPPED
    const connection = this.#idle.pop() ?? this.#open(connect)
    const { clock } = this.#context
    const { timeoutMs } = this.#config.request
    const exchange = new Exchange(clock, connection.socket)
    const abort = (): void => exchange.giveUp(STOPPED)
    const timer = clock.setTimeout(() => exchange.giveUp(timedOut(timeoutMs)), timeoutMs)
    signal.addEventListener('abort', abort)
    this.#inFlight.add(exchange)
    connection.dispatch(this.#request(payload), exchange)
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
    const connection = new Connection(this.#url.origin, connect)
    this.#all.add(connection)
    return connection
  }

  /** A connection whose socket is gone is not used again: a request that was given up could still wait in its queue. */
  async #giveBack(connection: Connection): Promise<void> {
    if (this.#connect !== null && connection.socket()?.destroyed === false) {
      this.#idle.push(connection)
      return
    }
    this.#all.delete(connection)
    await connection.close()
  }

  #request({ views, bytes, contentType, contentEncoding }: Payload): Dispatcher.DispatchOptions {
    const headers: Record<string, string> = { 'content-type': contentType, ...this.#headers }
    headers['content-length'] = String(bytes)
    if (contentEncoding !== '') headers['content-encoding'] = contentEncoding
    return {
      path: this.#url.pathname + this.#url.search,
      method: this.#config.method,
      headers,
      // PUT too is sent once: whether it is sent again is the pipeline's to decide.
      idempotent: false,
      body: views.length === 1 ? views[0]! : severalViews(views),
    }
  }
}

const STOPPED: Outcome = { kind: 'retry', category: 'unknown', reason: 'given up: the sink stops' }

function timedOut(timeoutMs: number): Outcome {
  return { kind: 'retry', category: 'timeout', reason: `no answer after ${timeoutMs} ms` }
}

/** undici writes any iterable of views, one after another; of all ways the cheapest, but its types don't name it. */
function severalViews(views: readonly Uint8Array[]): Uint8Array {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return views as unknown as Uint8Array
}
