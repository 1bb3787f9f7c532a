import { chmodSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { reasonOf, SpillwayError, spwError } from '../../base/errors.ts'
import { KIB } from '../../base/units.ts'
import { socketName } from './socket-path.ts'
import type { SocketName } from './socket-path.ts'

const BODY_BYTES_MAX = 64 * KIB
const CONNECTIONS_MAX = 16
const HEADER_BYTES_MAX = 4 * KIB
/** For a request to be there, whole. */
const REQUEST_TIMEOUT_MS = 5000
const CHECK_INTERVAL_MS = 1000

/** What a command may ask for: body to answer, both JSON. What it throws as a SpillwayError, the command throws. */
export type ControlHandler = (body: unknown) => Promise<object>

export interface ControlServerOptions {
  /** `data_dir/control.sock`; `data_dir` is there and locked. */
  readonly path: string
  /** By method, such as `journal/detach`. */
  readonly handlers: Readonly<Record<string, ControlHandler>>
  /** A handler failed with something else than a SpillwayError. */
  readonly onError?: (error: unknown) => void
}

interface Answer {
  readonly status: number
  readonly body: object
}

/**
 * Commands that change state reach a running collector here: `POST /<method>` over a Unix socket that only its owner can
 * connect to, one request a connection. Answers: 200 with what the handler says; 422 with code, message and details of a
 * SpillwayError; 400, 404, 405, 413 and 500 with a message.
 */
export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #server: Server
  readonly #answering = new Set<Promise<void>>()
  #socket: SocketName | null = null

  constructor(options: ControlServerOptions) {
    this.#options = options
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    })
    this.#server.maxConnections = CONNECTIONS_MAX
    this.#server.maxRequestsPerSocket = 1
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const answering = this.#handle(request, response).finally(() => this.#answering.delete(answering))
      this.#answering.add(answering)
    })
  }

  /** Resolves when it listens. Throws SPW_ERR_CONTROL_UNUSABLE. */
  async start(): Promise<void> {
    const { path } = this.#options
    try {
      // Nobody listens there: the directory is ours. A killed process has left it.
      await rm(path, { force: true })
      this.#socket = socketName(path)
      await this.#listen(this.#socket.name)
    } catch (error) {
      throw spwError('SPW_ERR_CONTROL_UNUSABLE', { path, reason: reasonOf(error) }, { cause: error })
    }
    // A connection that could not be accepted, for want of descriptors say, must not end the collector.
    this.#server.on('error', (error) => this.#options.onError?.(error))
  }

  /** What is being done is done, and answered; nothing else. The socket goes. May be called twice and before `start`. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await Promise.all(this.#answering)
    this.#server.closeAllConnections()
    await closed
    this.#socket?.close()
  }

  #listen(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ path: name, exclusive: true }, () => {
        this.#server.off('error', reject)
        resolve()
      })
      // It is bound when `listen` returns, and nobody is served before this turn is over.
      if (this.#server.listening) chmodSync(name, 0o600)
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer
    try {
      answer = await this.#answer(request)
    } catch (error) {
      answer = this.#failure(error)
    }
    const body = `${JSON.stringify(answer.body)}\n`
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    })
    if (response.destroyed) return
    await new Promise<void>((resolve) => {
      response.once('close', resolve)
      response.end(body)
    })
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { handlers } = this.#options
    const method = request.url!.slice(1)
    if (request.method !== 'POST') return refusal(405, 'only POST')
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
    if (handler === undefined) return refusal(404, `there is no method ${method}`)
    const text = await readBody(request)
    if (text === null) return refusal(413, `the body is longer than ${BODY_BYTES_MAX} bytes, or broke off`)
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      return refusal(400, 'the body is no JSON')
    }
    return { status: 200, body: await handler(body) }
  }

  #failure(error: unknown): Answer {
    if (error instanceof SpillwayError) {
      const { code, message, details } = error
      return { status: 422, body: { code, message, details } }
    }
    this.#options.onError?.(error)
    return refusal(500, reasonOf(error))
  }
}

function refusal(status: number, message: string): Answer {
  return { status, body: { message } }
}

/** Null where it is too long or breaks off. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // Left early, the request would take the connection with it, and the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) return null
      chunks.push(chunk)
    }
  } catch {
    return null
  }
  return Buffer.concat(chunks).toString()
}
