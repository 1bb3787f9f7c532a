import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A SIEM endpoint that keeps what it accepted. `answer` may decide otherwise than 200. */
export class Receiver {
  readonly lines: string[] = []
  requests = 0
  url = ''
  answer: (request: IncomingMessage, body: string) => number | Promise<number> = () => 200
  readonly #waiters: (() => void)[] = []
  readonly #server = createServer((request, response) => void this.#take(request, response))

  static async start(test: Test): Promise<Receiver> {
    const receiver = new Receiver()
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve))
    receiver.url = `http://127.0.0.1:${(receiver.#server.address() as AddressInfo).port}/`
    test.teardown(() => {
      receiver.#server.closeAllConnections()
      receiver.#server.close()
    })
    return receiver
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    this.requests++
    const status = await this.answer(request, body)
    if (status === 200) this.lines.push(...body.split('\n').filter((line) => line !== ''))
    response.writeHead(status).end()
    for (const waiter of this.#waiters) waiter()
  }

  /** Resolves when so many lines were accepted. */
  async received(count: number): Promise<string[]> {
    while (this.lines.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.lines
  }
}
