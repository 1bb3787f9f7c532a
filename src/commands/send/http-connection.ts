import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Client } from 'undici'
import type { Dispatcher } from 'undici'
import { spwError } from '../../base/errors.ts'
import { KIB } from '../../base/units.ts'
import { printable } from '../../pipeline/http/failure.ts'
import { retryAfterMs } from '../../pipeline/http/retry-after.ts'
import type { Batch } from './batch.ts'
import { connectError, lostError } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Tally } from './tally.ts'

const ANSWER_BYTES_MAX = 64 * KIB
const ANSWER_TIMEOUT_MS = 300_000
/** Until there was an answer, it may be that none will ever come: a port of another protocol is silent. */
const FIRST_ANSWER_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 10_000
const RETRY_AFTER_MS_DEFAULT = 1000
const RETRY_AFTER_MS_MAX = 300_000
/** A receiver that was there and is gone, say while it starts anew, is tried so often, a second apart. */
const RECONNECTS_MAX = 30
const RECONNECT_MS = 1000

/** Come back later: the same request can succeed. */
const LATER = new Set([429, 502, 503, 504])
/** Every other request would be refused in the same way. */
const IN_VAIN = new Set([401, 403, 404, 405, 415])

const compress = promisify(gzip)

export interface HttpOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly gzip: boolean
  readonly tally: Tally
  /** Longest time that `Retry-After` is obeyed. */
  readonly retryAfterMsMax?: number
  readonly firstAnswerTimeoutMs?: number
  /** Ends waiting to send again. */
  readonly stop: AbortSignal
}

interface Answer {
  readonly status: number
  readonly retryAfter: string
  readonly body: string
}

/** A keep-alive connection with one request at a time; 429 and 503 are obeyed, and the request sent again. */
export class HttpConnection implements Connection {
  readonly batchesMax = 1
  readonly #options: HttpOptions
  readonly #client: Client
  #answeredOnce = false

  constructor(options: HttpOptions) {
    this.#options = options
    this.#client = new Client(options.url.origin, {
      pipelining: 1,
      allowH2: false,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    })
  }

  /** The first request connects. */
  async open(): Promise<void> {}

  async send(batch: Batch): Promise<boolean> {
    const body = this.#options.gzip ? await compress(batch.filled) : batch.filled
    for (let failures = 0; ;) {
      const answer = await this.#request(body) // oxlint-disable-line no-await-in-loop -- one request at a time
      if (answer instanceof Error) {
        if (!this.#answeredOnce) throw connectError(this.#options.url.href, answer)
        if (++failures > RECONNECTS_MAX) throw lostError(this.#options.url.href, answer)
      } else {
        this.#answeredOnce = true
        failures = 0
        if (!LATER.has(answer.status)) return this.#settle(batch, body.length, answer)
        this.#options.tally.complain(`HTTP ${answer.status}: ${wordsOf(answer)}`)
      }
      const { retryAfterMsMax = RETRY_AFTER_MS_MAX } = this.#options
      const waitMs =
        answer instanceof Error
          ? RECONNECT_MS
          : Math.min(retryAfterMs(answer.retryAfter, Date.now()) ?? RETRY_AFTER_MS_DEFAULT, retryAfterMsMax)
      if (!(await this.#wait(waitMs))) return false // oxlint-disable-line no-await-in-loop
      this.#options.tally.resent++
    }
  }

  async #request(body: Buffer): Promise<Answer | Error> {
    const { url, headers, tally, firstAnswerTimeoutMs = FIRST_ANSWER_TIMEOUT_MS } = this.#options
    const headersTimeout = this.#answeredOnce ? ANSWER_TIMEOUT_MS : firstAnswerTimeoutMs
    const startMs = performance.now()
    try {
      const path = url.pathname + url.search
      const response = await this.#client.request({ path, method: 'POST', headers, body, headersTimeout })
      const answer = await read(response)
      tally.answered(performance.now() - startMs)
      return answer
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Counts what an answer that is final says. */
  #settle(batch: Batch, bytes: number, answer: Answer): boolean {
    const { tally, url } = this.#options
    const { status } = answer
    const counts = countsOf(answer)
    if (status >= 200 && status < 300) {
      tally.took(batch, bytes)
      tally.accepted += counts?.accepted ?? batch.events
      tally.rejected += counts?.rejected ?? 0
      if (counts?.complaint !== undefined) tally.complain(counts.complaint)
      return true
    }
    const complaint = `HTTP ${status}: ${wordsOf(answer)}`
    tally.complain(complaint)
    tally.refused += batch.events
    if (IN_VAIN.has(status)) throw spwError('SPW_ERR_SEND_REFUSED', { to: url.href, reason: complaint })
    return true
  }

  /** False when the run stops meanwhile. */
  async #wait(waitMs: number): Promise<boolean> {
    const { stop } = this.#options
    return await sleep(waitMs, true, { signal: stop }).catch(() => false)
  }

  async close(): Promise<void> {
    await this.#client.destroy()
  }
}

/** An answer up to ANSWER_BYTES_MAX; a longer one costs its connection. */
async function read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > ANSWER_BYTES_MAX) break
    chunks.push(buffer)
  }
  const retryAfter = headers['retry-after']
  return {
    status: statusCode,
    retryAfter: typeof retryAfter === 'string' ? retryAfter : '',
    body: Buffer.concat(chunks).toString(),
  }
}

interface AnswerCounts {
  readonly accepted: number
  readonly rejected: number
  readonly complaint: string | undefined
}

/** What a Spillway collector answers; undefined for the answer of something else. */
function countsOf({ body }: Answer): AnswerCounts | undefined {
  const answer = parsed(body)
  if (answer === undefined || typeof answer['accepted'] !== 'number') return undefined
  const { accepted, rejected, errors } = answer
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  return {
    accepted,
    rejected: typeof rejected === 'number' ? rejected : 0,
    complaint: first === undefined ? undefined : complaintOf(first),
  }
}

/** `schema_violation at /severity: must be <= 10`. */
function complaintOf(error: unknown): string {
  const { category, path, expected } = { category: 'rejected', path: '', expected: '', ...Object(error) }
  const where = path === '' ? '' : ` at ${path}`
  return printable(`${category}${where}${expected === '' ? '' : `: ${expected}`}`)
}

function wordsOf({ body }: Answer): string {
  const error = parsed(body)?.['error']
  return printable(typeof error === 'string' ? error : body)
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
