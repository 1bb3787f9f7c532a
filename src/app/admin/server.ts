import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { formatAddress } from '../../base/address.ts'
import { listenError } from '../../base/listen-error.ts'
import { KIB } from '../../base/units.ts'
import { isLoopback } from '../../pipeline/config-checks.ts'
import { DASHBOARD_CSP, DASHBOARD_HTML } from './dashboard.ts'
import { exportDelivery } from './delivery-metrics.ts'
import { exportLedger } from './ledger-metrics.ts'
import type { Observed } from './observed.ts'
import { readinessOf, statusOf } from './status.ts'

const CONNECTIONS_MAX = 64
const HEADER_BYTES_MAX = 8 * KIB
const HEADERS_TIMEOUT_MS = 5000
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 5000
/** Neither sending nor reading: a client that doesn't take its answer. */
const SOCKET_TIMEOUT_MS = 15_000
const CHECK_INTERVAL_MS = 2000
const REQUESTS_PER_CONNECTION_MAX = 1000

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AdminServerOptions {
  /** `admin.listen`; port 0 is any free one, null: it never listens. */
  readonly listen: { readonly host: string; readonly port: number } | null
  readonly registry: Registry
  readonly observed: Observed
  /** A provider threw: the request was answered with 500. */
  readonly onError?: (error: unknown) => void
}

/**
 * Health, metrics, status and the dashboard over HTTP. It only reads: GET and HEAD, no CORS, and on a loopback address
 * only for a Host that is loopback too, so that no web page can read it through a name that it points there (DNS
 * rebinding).
 */
export class AdminServer {
  readonly #options: AdminServerOptions
  readonly #server: Server
  readonly #routes: Readonly<Record<string, () => Answer | Promise<Answer>>>

  constructor(options: AdminServerOptions) {
    this.#options = options
    const { observed, registry } = options
    exportLedger(registry, observed)
    exportDelivery(registry, observed)
    this.#routes = {
      '/': () => ({
        status: 200,
        contentType: 'text/html; charset=utf-8',
        body: DASHBOARD_HTML,
        headers: { 'content-security-policy': DASHBOARD_CSP },
      }),
      '/health/live': () => json(200, { live: true }),
      '/health/ready': () => {
        const readiness = readinessOf(observed)
        return json(readiness.ready ? 200 : 503, readiness)
      },
      '/status': () => json(200, statusOf(observed)),
      '/metrics': async () => ({
        status: 200,
        contentType: registry.contentType,
        body: await registry.metrics(),
      }),
    }
    this.#server = this.#createServer()
  }

  /** Where it listens, as host:port; '' before `start` and after `stop`. */
  get address(): string {
    const address = this.#server.address()
    return address === null || typeof address === 'string' ? '' : formatAddress(address.address, address.port)
  }

  /** Resolves when it listens, if it is to. Throws SPW_ERR_LISTEN_IN_USE or SPW_ERR_LISTEN_FAILED. */
  start(): Promise<void> {
    const { listen } = this.#options
    if (listen === null) return Promise.resolve()
    const { host, port } = listen
    return new Promise((resolve, reject) => {
      const failed = (cause: Error) => reject(listenError('admin.listen', listen, cause))
      this.#server.once('error', failed)
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed)
        // A connection that could not be accepted, for want of descriptors say, must not end the collector.
        this.#server.on('error', (error) => this.#options.onError?.(error))
        resolve()
      })
    })
  }

  /** May be called twice and before `start`. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #createServer(): Server {
    const server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      requireHostHeader: true,
      noDelay: true,
    })
    server.maxConnections = CONNECTIONS_MAX
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    server.setTimeout(SOCKET_TIMEOUT_MS)
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response)
    server.on('request', onRequest)
    // Whoever asks before sending a body is answered at once, without being told to go on.
    server.on('checkContinue', onRequest)
    return server
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer
    try {
      answer = await this.#answer(request)
    } catch (error) {
      this.#options.onError?.(error)
      answer = json(500, { error: 'internal error, see the log' })
    }
    // A body is never read, so the connection can't be used again behind it.
    if (hasBody(request)) response.setHeader('connection', 'close')
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      ...answer.headers,
    })
    response.end(request.method === 'HEAD' ? undefined : answer.body)
  }

  #answer(request: IncomingMessage): Answer | Promise<Answer> {
    const { host } = request.headers
    const { listen } = this.#options
    if (listen !== null && isLoopback(listen.host) && host !== undefined && !isLoopbackHost(host)) {
      return json(421, { error: `this address is not served as ${host}` })
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { ...json(405, { error: 'only GET and HEAD' }), headers: { allow: 'GET, HEAD' } }
    }
    const path = request.url?.split('?', 1)[0] ?? ''
    const route = Object.hasOwn(this.#routes, path) ? this.#routes[path] : undefined
    return route?.() ?? json(404, { error: 'no such page', pages: Object.keys(this.#routes) })
  }
}

function json(status: number, body: unknown): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Of a Host header: `localhost:9600`, `127.0.0.1`, `[::1]:9600`. */
function isLoopbackHost(header: string): boolean {
  const host = /^\[([^\]]*)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')
  return isLoopback(host.toLowerCase())
}
