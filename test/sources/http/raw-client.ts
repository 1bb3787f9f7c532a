import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { request } from 'undici'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: Record<string, any>
}

/** One POST through undici. */
export async function post(
  url: string,
  body: string | Uint8Array | AsyncIterable<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const {
    statusCode,
    headers: answered,
    body: stream,
  } = await request(url, {
    method: 'POST',
    body: body as Uint8Array,
    headers,
  })
  const text = await stream.text()
  return { status: statusCode, headers: answered, text, json: JSON.parse(text) }
}

/** A client that sends exactly what it is told, and parses answers that have a content-length. */
export class RawClient {
  readonly socket: Socket
  readonly port: number
  #received = ''
  /** The server closed its side. */
  ended = false
  reset = false
  #more: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    this.port = socket.localPort!
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#got(() => (this.#received += text)))
    socket.on('end', () => this.#got(() => (this.ended = true)))
    socket.on('error', () => this.#got(() => (this.reset = true)))
    socket.on('close', () => this.#got(() => (this.ended = true)))
  }

  static async connect(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...options })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  /** The next whole answer; throws when the connection ends before it. */
  async answer(): Promise<Answer> {
    for (;;) {
      const parsed = this.#parse()
      if (parsed !== null) return parsed
      if (this.ended || this.reset) throw new Error(`the connection ended after: ${this.#received}`)
      await new Promise<void>((resolve) => this.#more.push(resolve))
    }
  }

  async end(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.#more.push(resolve))
  }

  destroy(): void {
    this.socket.destroy()
  }

  #got(change: () => void): void {
    change()
    for (const resolve of this.#more.splice(0)) resolve()
  }

  #parse(): Answer | null {
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return null
    const [first, ...lines] = this.#received.slice(0, headEnd).split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) {
      const colon = line.indexOf(':')
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
    }
    const bodyEnd = headEnd + 4 + Number(headers['content-length'] ?? 0)
    if (this.#received.length < bodyEnd) return null
    const text = this.#received.slice(headEnd + 4, bodyEnd)
    this.#received = this.#received.slice(bodyEnd)
    return {
      status: Number(first!.split(' ')[1]),
      headers,
      text,
      json: text === '' ? {} : JSON.parse(text),
    }
  }
}

/** The head of a POST with a body of known length, or in chunks (`null`). */
export function head(contentLength: number | null, headers: Record<string, string> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = contentLength === null ? 'Transfer-Encoding: chunked' : `Content-Length: ${contentLength}`
  return `POST / HTTP/1.1\r\nHost: test\r\n${length}\r\n${lines.join('')}\r\n`
}

/** `count` events of about `bytes` bytes, numbered from 0. */
export function makeEvents(count: number, bytes = 100): string[] {
  const pad = 'x'.repeat(Math.max(0, bytes - 20))
  return Array.from({ length: count }, (_, seq) => `{"seq":${seq},"pad":"${pad}"}`)
}
