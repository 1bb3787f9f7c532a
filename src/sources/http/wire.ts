import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Of a request, what decides about it. */
export type RequestHead = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/**
 * What brings a request and takes its answer: node:http, or the front. It tells the exchange of the body, by `body` and, at
 * its end, `bodyEnded`.
 */
export interface Wire {
  /** The chunks of the body lie in a buffer that is used again. */
  readonly reusesBuffer: boolean
  /** The exchange wants to hear of the body. */
  listen(exchange: Exchange): void
  /** Until `resume`, nothing of the body comes, nor its end. */
  pause(): void
  resume(): void
  /** The answer; `whole`: nothing of the request is outstanding, else `end` will follow. */
  answer(status: number, headers: OutgoingHttpHeaders, body: string, whole: boolean): void
  /** What follows an answer that was not `whole`, which had `connection: close`. */
  end(): void
}

/** A request that came through node:http. */
export class NodeWire implements Wire {
  readonly reusesBuffer = false
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
    response.sendDate = false
  }

  listen(exchange: Exchange): void {
    this.#request.on('data', (chunk: Buffer) => exchange.body(chunk))
    this.#request.on('end', () => exchange.bodyEnded())
  }

  pause(): void {
    this.#request.pause()
  }

  resume(): void {
    this.#request.resume()
  }

  writeContinue(): void {
    this.#response.writeContinue()
  }

  answer(status: number, headers: OutgoingHttpHeaders, body: string, whole: boolean): void {
    this.#response.writeHead(status, headers)
    if (whole) this.#response.end(body)
    // The client can read all of it now. Node closes at `end`, and a close with bytes unread may destroy it.
    else this.#response.write(body)
  }

  end(): void {
    this.#response.end()
  }
}
