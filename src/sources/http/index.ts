/** Source `http`: each request body holds events, and the answer says what became of them. */
import assert from 'node:assert'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { formatAddress } from '../../base/address.ts'
import type { Timer } from '../../base/clock.ts'
import { listenError } from '../../base/listen-error.ts'
import { KIB } from '../../base/units.ts'
import { HTTP_HEAD_BYTES_MAX, HTTP_HEAD_FIELDS_MAX, HTTP_SCRATCH_BYTES } from '../../pipeline/limits.ts'
import type { Source, SourceContext } from '../../pipeline/source.ts'
import { kernelReadWorks, readFromKernel } from '../../pipeline/tcp/kernel-read.ts'
import { Admission } from './admission.ts'
import { refusalBody } from './answer.ts'
import type { Refusal } from './answer.ts'
import type { HttpSourceConfig } from './config.ts'
import { Connection } from './connection.ts'
import { Exchange } from './exchange.ts'
import { Front } from './front.ts'
import type { FrontDoor } from './front.ts'
import { NodeWire } from './wire.ts'
import type { RequestHead, Wire } from './wire.ts'

/** What a request keeps of a paused body, beside the read under way. */
const PAUSED_BODY_BYTES = 4 * KIB
const LISTEN_BACKLOG = 1024
const SWEEP_MS_MIN = 25
const SWEEP_MS_MAX = 1000

/**
 * A listener for requests. Those that are plain are read by the front, straight from the kernel; everything else by node:http,
 * which is on the same server: ../README.md.
 */
export class HttpSource implements Source, FrontDoor {
  readonly config: HttpSourceConfig
  readonly context: SourceContext
  readonly admission: Admission
  readonly keepAliveFields: string
  readonly #server: Server
  readonly #canReadFromKernel: () => Promise<boolean>
  /** Where the connections of the front are read to, one after another. */
  readonly #scratch = Buffer.allocUnsafeSlow(HTTP_SCRATCH_BYTES)
  readonly #fronts = new Set<Front>()
  /** What node:http does with a connection. */
  #serve: ((socket: Socket) => void) | null = null
  readonly #connections = new Map<Duplex, Connection>()
  /**
   * Admitted requests that are not as safe as `ack` wants them; at most `max_requests`. Those answered 503 before that count
   * on, unless all that they wait for are sinks.
   */
  #inHand = 0
  #sweepTimer: Timer | null = null
  #stopped: Promise<void> | null = null
  address = ''

  /** `canReadFromKernel`: whether this Node can; else node:http has it all. For tests that hold the two side by side. */
  constructor(config: HttpSourceConfig, context: SourceContext, canReadFromKernel = kernelReadWorks) {
    this.config = config
    this.context = context
    this.admission = new Admission(config, context)
    this.keepAliveFields = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(config.idleTimeoutMs / 1000)}\r\n`
    this.#canReadFromKernel = canReadFromKernel
    this.#server = this.#createServer()
  }

  get stopping(): boolean {
    return this.#stopped !== null
  }

  /** Requests admitted and not yet as safe as `ack` wants them. */
  get requestsInHand(): number {
    return this.#inHand
  }

  async start(signal: AbortSignal): Promise<void> {
    const { host, port } = this.config.listen
    const server = this.#server
    if (await this.#canReadFromKernel()) this.#putFrontBefore(server)
    else this.context.events.kernelReadMissing(this.config.name)
    if (this.stopping) return
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(listenError(`sources.${this.config.name}.listen`, this.config.listen, error)),
      )
      server.listen({ host, port, backlog: LISTEN_BACKLOG }, resolve)
    })
    server.removeAllListeners('error')
    server.on('error', () => this.#refusedConnection('?', 'error'))
    const bound = server.address()
    assert(bound !== null && typeof bound === 'object')
    this.address = formatAddress(bound.address, bound.port)
    if (signal.aborted) await this.stop()
    else this.#scheduleSweep()
  }

  stop(deadline?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  released(): void {
    this.#inHand--
  }

  #createServer(): Server {
    const { idleTimeoutMs, maxConnections } = this.config
    const server = createServer({
      maxHeaderSize: HTTP_HEAD_BYTES_MAX,
      headersTimeout: idleTimeoutMs,
      // From chunk to chunk, and not while we don't read: `sweep`.
      requestTimeout: 0,
      connectionsCheckingInterval: sweepMs(idleTimeoutMs),
      keepAliveTimeout: idleTimeoutMs,
      keepAliveTimeoutBuffer: 0,
      highWaterMark: PAUSED_BODY_BYTES,
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: false,
      noDelay: true,
      keepAlive: false,
    })
    server.timeout = idleTimeoutMs
    server.maxConnections = maxConnections
    server.maxHeadersCount = HTTP_HEAD_FIELDS_MAX
    server.maxRequestsPerSocket = 0
    // A client may close its side when it has sent all, and still wants its answer. (Not in the types of Node.)
    Object.assign(server, { httpAllowHalfOpen: true })
    server.on('connection', (socket: Socket) => this.#connected(socket))
    server.on('drop', (drop) => {
      this.#refusedConnection(formatAddress(drop?.remoteAddress, drop?.remotePort), 'limit')
    })
    server.on('request', (request, response) => this.#take(request, response, 'sent'))
    server.on('checkContinue', (request, response) => this.#take(request, response, 'waits'))
    server.on('checkExpectation', (request, response) => this.#take(request, response, 'unknown expectation'))
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#clientError(error, socket))
    server.on('timeout', (socket: Socket) => {
      // Requests in hand are minded by `sweep`.
      if (this.#connections.get(socket)?.exchanges.size === 0) socket.destroy()
    })
    return server
  }

  /** What is accepted goes to the front, and to node:http when that says so. (`pauseOnConnect` is no option of node:http.) */
  #putFrontBefore(server: Server): void {
    const [serve] = server.listeners('connection')
    server.removeAllListeners('connection')
    this.#serve = (socket) => serve!.call(server, socket)
    Object.assign(server, { pauseOnConnect: true })
    server.on('connection', (accepted: Socket) => this.#accept(accepted))
  }

  #accept(accepted: Socket): void {
    // Closed again by its peer before we came to it.
    if (accepted.destroyed) return
    const { socket } = readFromKernel(accepted, {
      buffer: () => this.#scratch,
      onRead: (length) => front.read(this.#scratch.subarray(0, length)),
    })
    const front = new Front(this, this.#connected(socket))
    this.#fronts.add(front)
    socket.on('close', () => this.#fronts.delete(front))
    socket.resume()
  }

  handOver(front: Front, socket: Socket): void {
    this.#fronts.delete(front)
    this.#serve!(socket)
  }

  #connected(socket: Socket): Connection {
    const connection = new Connection(socket, this.context.clock)
    this.#connections.set(socket, connection)
    socket.on('close', () => {
      this.#connections.delete(socket)
      connection.gone()
    })
    return connection
  }

  #refusedConnection(peer: string, reason: 'limit' | 'idle' | 'error'): void {
    this.context.events.connectionRefused(this.config.name, peer, reason)
  }

  #take(
    request: IncomingMessage,
    response: ServerResponse,
    body: 'sent' | 'waits' | 'unknown expectation',
  ): void {
    const connection = this.#connections.get(request.socket)
    if (connection === undefined || connection.closing) {
      request.resume()
      return
    }
    const wire = new NodeWire(request, response)
    const exchange = this.#begin(connection, request, wire)
    const refusal =
      body === 'unknown expectation'
        ? UNKNOWN_EXPECTATION
        : this.admission.refusal(request, this.#inHand, this.stopping)
    if (refusal !== null) {
      exchange.refuse(refusal)
      return
    }
    this.#inHand++
    if (body === 'waits') wire.writeContinue()
    exchange.admit()
  }

  #begin(connection: Connection, head: RequestHead, wire: Wire): Exchange {
    const exchange = new Exchange(this, connection, head, wire)
    connection.exchanges.add(exchange)
    connection.latest = exchange
    return exchange
  }

  admitted(connection: Connection, head: RequestHead, wire: Wire): Exchange | null {
    if (this.admission.refusal(head, this.#inHand, this.stopping) !== null) return null
    this.#inHand++
    return this.#begin(connection, head, wire)
  }

  brokenOff(connection: Connection): void {
    this.#clientError(INVALID_EOF, connection.socket)
  }

  /** What came is not HTTP, or a head took too long. */
  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    if (connection.closing) return
    connection.closing = true
    // What came before it in the same read is on its way to its request, the end of a body included.
    setImmediate(() => this.#protocolBroken(connection, refusalOfProtocol(error)))
  }

  #protocolBroken(connection: Connection, refusal: Refusal): void {
    const last = [...connection.exchanges].at(-1)
    if (last?.reading === true) {
      last.protocolBroken(refusal)
      return
    }
    const { context, config } = this
    if (refusal.status === 408) this.#refusedConnection(connection.peer, 'idle')
    else context.events.requestRefused(config.name, connection.peer, refusal.status, refusal.reason)
    // Those before it are answered, the last of them with `Connection: close`.
    if (last !== undefined) return
    const { socket } = connection
    const body = refusalBody(refusal, null)
    socket.end(
      `HTTP/1.1 ${refusal.status} ${refusal.reason}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    connection.linger(() => socket.destroy())
  }

  #scheduleSweep(): void {
    const { idleTimeoutMs, ackTimeoutMs } = this.config
    this.#sweepTimer = this.context.clock.setTimeout(
      () => {
        const now = this.context.clock.now()
        for (const front of this.#fronts) front.sweep(now)
        for (const { socket, exchanges } of this.#connections.values()) {
          for (const exchange of exchanges) exchange.sweep(now)
          if (this.stopping && exchanges.size === 0) socket.destroySoon()
        }
        this.#scheduleSweep()
      },
      sweepMs(Math.min(idleTimeoutMs, ackTimeoutMs)),
    )
  }

  /** Requests in hand are answered; what stands still all the while is cut off. */
  async #stop(deadline: AbortSignal | undefined): Promise<void> {
    if (this.#server.listening) {
      const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
      for (const connection of this.#connections.values()) {
        connection.closing = true
        if (connection.exchanges.size === 0) connection.socket.destroySoon()
      }
      const cutOff = () => {
        for (const connection of this.#connections.values()) connection.cutOff()
      }
      const late = this.context.clock.setTimeout(cutOff, this.config.idleTimeoutMs)
      if (deadline?.aborted === true) cutOff()
      deadline?.addEventListener('abort', cutOff, { once: true })
      await closed
      deadline?.removeEventListener('abort', cutOff)
      late.clear()
    }
    this.#sweepTimer?.clear()
    this.#sweepTimer = null
  }
}

function sweepMs(idleTimeoutMs: number): number {
  return Math.min(Math.max(Math.floor(idleTimeoutMs / 4), SWEEP_MS_MIN), SWEEP_MS_MAX)
}

/** As node:http says it. */
const INVALID_EOF = Object.assign(new Error('Parse Error'), {
  code: 'HPE_INVALID_EOF_STATE',
})

const UNKNOWN_EXPECTATION: Refusal = {
  status: 417,
  reason: 'Expectation Failed',
  error: 'of the Expect header only 100-continue is known',
}

function refusalOfProtocol({ code, message }: NodeJS.ErrnoException): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        reason: 'Request Header Fields Too Large',
        error: `the head of a request is at most ${HTTP_HEAD_BYTES_MAX / KIB} KiB and ${HTTP_HEAD_FIELDS_MAX} fields`,
      }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        status: 408,
        reason: 'Request Timeout',
        error: 'the head of the request did not come within idle_timeout',
      }
    default:
      return { status: 400, reason: 'Bad Request', error: `this is not HTTP/1.1: ${message}` }
  }
}
