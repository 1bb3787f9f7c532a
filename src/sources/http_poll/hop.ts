import type { Dispatcher } from 'undici'
import type { Connection } from '../../pipeline/http/connection.ts'
import type { ResponseHeaders } from './verdict.ts'

/** Who is told of an answer, in this order; after `end` or `failed` no more. */
export interface HopTarget {
  head(status: number, headers: ResponseHeaders): void
  data(chunk: Buffer): void
  end(): void
  failed(error: Error): void
}

/** One request on one connection. */
export class Hop implements Dispatcher.DispatchHandler {
  readonly connection: Connection
  readonly #target: HopTarget
  #controller: Dispatcher.DispatchController | null = null
  #over = false

  constructor(connection: Connection, target: HopTarget) {
    this.connection = connection
    this.#target = target
  }

  send(url: URL, method: 'GET', headers: Readonly<Record<string, string>>): void {
    this.connection.dispatch({ path: url.pathname + url.search, method, headers }, this)
  }

  /** Its target is told nothing any more; the rest of the answer is of no use. */
  forget(): void {
    this.#over = true
  }

  /** From within `head` or `data`: what comes waits. What a connection has read when it ends comes all the same. */
  pause(): void {
    if (!this.#over) this.#controller?.pause()
  }

  resume(): void {
    if (!this.#over) this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(_controller: unknown, status: number, headers: ResponseHeaders): void {
    if (!this.#over && status >= 200) this.#target.head(status, headers)
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (!this.#over) this.#target.data(chunk)
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#over = true
    this.#target.end()
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#target.failed(error)
  }
}
