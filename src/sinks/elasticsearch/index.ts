/** Sink `elasticsearch`: each batch is one `_bulk` request, and each of its events is settled by what the answer says of it. */
import { healthProbe } from '../../pipeline/http/health-probe.ts'
import { requestHeaders } from '../../pipeline/http/request-headers.ts'
import { Requester } from '../../pipeline/http/requester.ts'
import type { Outcome, Payload, Sink, SinkContext } from '../../pipeline/sink.ts'
import { BulkAnswer } from './bulk-answer.ts'
import type { ElasticsearchSinkConfig } from './config.ts'

/** All that settling needs; a whole item is ten times as long. */
const ANSWER_FIELDS = 'items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason'

export class ElasticsearchSink implements Sink {
  /** There where `breaker.probe` is. */
  readonly probe?: (signal: AbortSignal) => Promise<Outcome>
  readonly #path: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #requester: Requester
  readonly #wallClock: () => number

  constructor(config: ElasticsearchSinkConfig, { clock, version }: SinkContext) {
    const url = new URL(config.url)
    this.#path = bulkPath(url, config)
    this.#headers = requestHeaders(config, version)
    this.#requester = new Requester({ ...config, url, clock })
    this.#wallClock = () => clock.wallClock()
    const { probe } = config.breaker
    if (probe !== undefined)
      this.probe = healthProbe(this.#requester, { probe, headers: this.#headers, clock })
  }

  async start(): Promise<void> {
    this.#requester.start()
  }

  async send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const { views, bytes, events, contentType, contentEncoding } = payload
    const headers: Record<string, string> = { 'content-type': contentType, ...this.#headers }
    headers['content-length'] = String(bytes)
    if (contentEncoding !== '') headers['content-encoding'] = contentEncoding
    const request = { method: 'POST', path: this.#path, headers, views } as const
    return await this.#requester.send(request, new BulkAnswer(events, this.#wallClock), signal)
  }

  async stop(): Promise<void> {
    await this.#requester.stop()
  }
}

/** `timeout`: the store gives up, and says what became of the events, before the request does. */
function bulkPath(url: URL, { index, pipeline, request }: ElasticsearchSinkConfig): string {
  const query = new URLSearchParams({
    filter_path: ANSWER_FIELDS,
    timeout: `${Math.ceil(request.timeoutMs * SHARE_OF_STORE)}ms`,
  })
  if (pipeline !== undefined) query.set('pipeline', pipeline)
  const base = url.pathname.replace(/\/+$/, '')
  return `${base}/${encodeURIComponent(index)}/_bulk?${query.toString()}`
}

/** Of `request.timeout`, for what the store itself waits for: a new index, a change of its mapping, its shards. */
const SHARE_OF_STORE = 0.8
