import { hash, timingSafeEqual } from 'node:crypto'
import { formatBytes, formatDurationMs } from '../../base/units.ts'
import type { SourceContext } from '../../pipeline/source.ts'
import type { Refusal } from './answer.ts'
import { codingOf } from '../../pipeline/http/body-form.ts'
import type { HttpSourceConfig } from './config.ts'
import type { RequestHead } from './wire.ts'

/** Decides, by its head alone, whether a request comes in. */
export class Admission {
  readonly #config: HttpSourceConfig
  readonly #context: SourceContext
  readonly #token: Buffer | null

  constructor(config: HttpSourceConfig, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#token = config.auth === undefined ? null : digest(config.auth.bearer)
  }

  /** What the request is refused with, or null; `inHand` requests are admitted and not done with. */
  refusal(request: RequestHead, inHand: number, stopping: boolean): Refusal | null {
    return (
      this.#refusalOfTarget(request) ?? this.#refusalOfBody(request) ?? this.#refusalForRoom(inHand, stopping)
    )
  }

  #refusalOfTarget({ method, url, headers }: RequestHead): Refusal | null {
    if (url !== '/' && pathOf(url!) !== '/') {
      return { status: 404, reason: 'unknown path', error: 'no such path: send events with POST /' }
    }
    if (method !== 'POST') {
      const error = `${method} is not for this path: send events with POST /`
      return { status: 405, reason: `method ${method}`, error, headers: { allow: 'POST' } }
    }
    if (this.#token === null || this.#knows(headers.authorization)) return null
    return {
      status: 401,
      reason: headers.authorization === undefined ? 'no token' : 'wrong token',
      error: 'the bearer token is missing or wrong: send Authorization: Bearer with the token of auth.bearer',
      headers: { 'www-authenticate': 'Bearer' },
    }
  }

  /** Digests have one length, and comparing them tells nothing of the token. */
  #knows(authorization: string | undefined): boolean {
    const match = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')
    return match !== null && timingSafeEqual(digest(match[1]!), this.#token!)
  }

  #refusalOfBody({ headers }: RequestHead): Refusal | null {
    const encoding = headers['content-encoding']
    if (codingOf(encoding) === null) {
      const error = `content-encoding ${encoding!.slice(0, 64)} is not known here: send gzip, zstd or none`
      return { status: 415, reason: 'unknown content-encoding', error }
    }
    if (Number(headers['content-length'] ?? 0) > this.#config.maxBodyBytes)
      return bodyTooLong(this.#config.maxBodyBytes)
    return null
  }

  #refusalForRoom(inHand: number, stopping: boolean): Refusal | null {
    const { intake } = this.#context
    const { maxRequests } = this.#config
    if (stopping) return this.comeBack(503, 'stopping', 'the collector is stopping')
    if (!this.#context.accepting()) {
      const what = this.#context.refusal?.() ?? 'the collector cannot validate events, or not store them'
      return this.comeBack(503, 'not accepting', what)
    }
    if (inHand >= maxRequests) {
      return this.comeBack(
        429,
        'max_requests',
        `as many requests as max_requests (${maxRequests}) are in hand`,
      )
    }
    if (!intake.full) return null
    return intake.overShare
      ? this.comeBack(429, 'over share', 'this source uses up its share of memory')
      : this.comeBack(503, 'full', 'the collector is full')
  }

  /** The request was taken, and waits for too long for what `ack` promises. Sent again its events may come twice. */
  notAcknowledged(stopping: boolean): Refusal {
    const { ack, ackTimeoutMs } = this.#config
    if (ack !== 'delivered') {
      const what = 'the events of this request wait for the disk or for room, and may or may not come in'
      return this.comeBack(503, 'not committed', what)
    }
    const why = stopping
      ? 'the collector is stopping'
      : `they were not delivered within ack_timeout, ${formatDurationMs(ackTimeoutMs)}`
    const what = `the events of this request are in and stay in (sent again they come twice), but ${why}`
    return this.comeBack(503, 'not delivered', what)
  }

  /** A refusal that time mends. */
  comeBack(status: 429 | 503, reason: string, what: string): Refusal {
    const seconds = this.#context.retryAfterSeconds()
    const error = `${what}: send this again after the seconds of Retry-After`
    return { status, reason, error, headers: { 'retry-after': String(seconds) } }
  }
}

export function bodyTooLong(maxBodyBytes: number): Refusal {
  const error = `the body is longer than max_body_bytes, ${formatBytes(maxBodyBytes)}: send shorter ones`
  return { status: 413, reason: 'max_body_bytes', error }
}

export function inflatedTooLong(maxInflatedBytes: number): Refusal {
  const error = `the body inflates to more than max_inflated_bytes, ${formatBytes(maxInflatedBytes)}: send shorter ones`
  return { status: 413, reason: 'max_inflated_bytes', error }
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** The path of a request target in origin-form or absolute-form (RFC 9112 section 3.2). */
function pathOf(target: string): string {
  const match = /^(?:https?:\/\/[^/?#]*)?([^?#]*)/i.exec(target)
  return match?.[1] === '' ? '/' : (match?.[1] ?? target)
}
