/** Sink `http`: each batch is the body of one request. */
import { classify } from '../../pipeline/http/classify.ts'
import type { AnswerReader } from '../../pipeline/http/exchange.ts'
import { healthProbe } from '../../pipeline/http/health-probe.ts'
import { requestHeaders } from '../../pipeline/http/request-headers.ts'
import { Requester } from '../../pipeline/http/requester.ts'
import { RESPONSE_BODY_BYTES } from '../../pipeline/limits.ts'
import type { Outcome, Payload, Sink, SinkContext } from '../../pipeline/sink.ts'
import type { HttpSinkConfig } from './config.ts'

export class HttpSink implements Sink {
  /** There where `breaker.probe` is. */
  readonly probe?: (signal: AbortSignal) => Promise<Outcome>
  readonly #config: HttpSinkConfig
  readonly #url: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #requester: Requester
  readonly #reader: AnswerReader

  constructor(config: HttpSinkConfig, { clock, version }: SinkContext) {
    this.#config = config
    this.#url = new URL(config.url)
    this.#headers = requestHeaders(config, version)
    this.#requester = new Requester({ ...config, url: this.#url, clock })
    this.#reader = {
      bodyBytesMax: RESPONSE_BODY_BYTES,
      classify: (answer) => classify(answer, clock.wallClock()),
    }
    const { probe } = config.breaker
    if (probe !== undefined)
      this.probe = healthProbe(this.#requester, { probe, headers: this.#headers, clock })
  }

  async start(): Promise<void> {
    this.#requester.start()
  }

  async send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const { views, bytes, contentType, contentEncoding, idempotencyKey } = payload
    const headers: Record<string, string> = { 'content-type': contentType, ...this.#headers }
    headers['content-length'] = String(bytes)
    if (contentEncoding !== '') headers['content-encoding'] = contentEncoding
    // A string of structured fields (draft-ietf-httpapi-idempotency-key-header); the digest needs no escapes.
    if (idempotencyKey !== '') headers['idempotency-key'] = `"${idempotencyKey}"`
    const { method } = this.#config
    const path = this.#url.pathname + this.#url.search
    return await this.#requester.send({ method, path, headers, views }, this.#reader, signal)
  }

  async stop(): Promise<void> {
    await this.#requester.stop()
  }
}
