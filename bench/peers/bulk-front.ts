/** For what delivers to Elasticsearch only: hands the bodies on, and answers as `_bulk` does when it has taken all. */
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const TAKEN = '{"took":1,"errors":false,"items":[]}'
const HEALTHY = '{"status":"green"}'

export class BulkFront {
  readonly url: string
  readonly #server: Server
  readonly #agent: Agent

  private constructor(server: Server, agent: Agent, url: string) {
    this.#server = server
    this.#agent = agent
    this.url = url
  }

  static async listen(url: string): Promise<BulkFront> {
    const agent = new Agent({ keepAlive: true })
    const server = createServer((incoming, response) => {
      if (incoming.method === 'POST') handOn(incoming, response, agent, url)
      else answer(response, 200, HEALTHY)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return new BulkFront(server, agent, `http://127.0.0.1:${address.port}/`)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    this.#agent.destroy()
  }
}

function handOn(incoming: IncomingMessage, response: ServerResponse, agent: Agent, url: string): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.once('end', () => {
    const body = Buffer.concat(chunks)
    const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length }
    const outgoing = request(url, { method: 'POST', agent, headers }, (taken) => {
      taken.resume().once('end', () => answer(response, taken.statusCode!, TAKEN))
    })
    outgoing.once('error', () => response.destroy())
    outgoing.end(body)
  })
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length }).end(text)
}
