import type { Clock } from '../../base/clock.ts'
import { formatBytes, formatDurationMs } from '../../base/units.ts'
import { codingOf, framingOf } from '../../pipeline/http/body-form.ts'
import type { Intake } from '../../pipeline/intake/intake.ts'
import { RESPONSE_BODY_BYTES } from '../../pipeline/limits.ts'
import { BAD_FRAMING, Body } from './body.ts'
import type { BodyOwner } from './body.ts'
import type { HttpPollSourceConfig } from './config.ts'
import type { Connections } from './connections.ts'
import { Hop } from './hop.ts'
import type { HopTarget } from './hop.ts'
import { peerOf } from './shown-url.ts'
import { TimeLeft } from './time-left.ts'
import { headerOf, redirectTarget, verdictOf, verdictOfError } from './verdict.ts'
import type { Outcome, ResponseHeaders } from './verdict.ts'

const REDIRECTS_MAX = 5

/** What an attempt needs of its source. */
export interface AttemptContext {
  readonly config: HttpPollSourceConfig
  readonly clock: Clock
  readonly intake: Intake
  readonly connections: Connections
  /** Of every request, and of those to servers that the user didn't name: these get nothing that could be a secret. */
  readonly headers: Readonly<Record<string, string>>
  readonly headersForOthers: Readonly<Record<string, string>>
}

export interface AttemptEvents {
  /** Nothing is read any more. */
  ended(): void
  /** All that was taken is committed. Not called before `ended`. */
  done(outcome: Outcome): void
}

/**
 * One request, with the redirects that it follows, from its sending to the last byte of its answer in the intake.
 *
 *     asking --2xx--> body --last byte--> committing --> done
 *      ^  |            '--broken: what there is stays----^
 *      |  +--redirect: what it says is thrown away--.    |
 *      '--------------------------------------------'    |
 *         '--any other answer, or none-------------------'
 */
export class Attempt implements HopTarget, BodyOwner {
  readonly #context: AttemptContext
  readonly #events: AttemptEvents
  readonly #timeLeft: TimeLeft
  readonly #first: URL
  #url: URL
  #redirects = 0
  #hop: Hop | null = null
  #body: Body | null = null
  /** Where the answer that is being thrown away leads. */
  #next: URL | null = null
  #outcome: Outcome | null = null
  #receivedBytes = 0
  #ended = false

  constructor(context: AttemptContext, url: URL, events: AttemptEvents) {
    this.#context = context
    this.#events = events
    this.#first = this.#url = url
    const { timeoutMs } = context.config.request
    const { idleTimeoutMs } = context.config
    this.#timeLeft = new TimeLeft(context.clock, { totalMs: timeoutMs, idleMs: idleTimeoutMs }, (which) =>
      this.giveUp(
        which === 'total'
          ? `no whole answer within request.timeout, ${formatDurationMs(timeoutMs)}`
          : `nothing came for idle_timeout, ${formatDurationMs(idleTimeoutMs)}`,
      ),
    )
  }

  /** Sends the request. */
  begin(): void {
    const { connections, config, headers, headersForOthers } = this.#context
    const asked = this.#url.origin === this.#first.origin
    this.#receivedBytes = 0
    this.#hop = new Hop(connections.take(this.#url, asked), this)
    this.#hop.send(this.#url, config.method, asked ? headers : headersForOthers)
  }

  /** Ends it where it is. */
  giveUp(reason: string): void {
    this.failed(new Error(reason))
  }

  // ---- what the server says

  head(status: number, headers: ResponseHeaders): void {
    this.#timeLeft.touch()
    const verdict = verdictOf(status, headers, this.#context.clock.wallClock())
    if (verdict.kind === 'body') this.#takeBody(headers)
    else if (verdict.kind === 'redirect') this.#follow(verdict.location)
    else this.#outcome = verdict
  }

  #follow(location: string): void {
    const target = redirectTarget(this.#url, location)
    if (typeof target === 'string') this.#outcome = { kind: 'failed', reason: target }
    else if (this.#redirects === REDIRECTS_MAX) {
      this.#outcome = { kind: 'failed', reason: `redirected more than ${REDIRECTS_MAX} times` }
    } else this.#next = target
  }

  #takeBody(headers: ResponseHeaders): void {
    const { maxResponseBytes, maxInflatedBytes } = this.#context.config
    const encoding = headerOf(headers, 'content-encoding')
    const coding = codingOf(encoding)
    if (coding === null) {
      this.#fail(`has the content-encoding ${encoding!.slice(0, 64)}, which is not known here`)
    } else if (Number(headerOf(headers, 'content-length') ?? 0) > maxResponseBytes) {
      this.#fail(`is longer than max_response_bytes, ${formatBytes(maxResponseBytes)}`)
    } else {
      const framing = framingOf(headerOf(headers, 'content-type'))
      const { intake } = this.#context
      this.#body = new Body({ intake, peer: peerOf(this.#url), framing, coding, maxInflatedBytes }, this)
    }
  }

  /** An answer of no use, that would be so again. */
  #fail(reason: string): void {
    this.#outcome = { kind: 'failed', reason: `the answer ${reason}` }
    this.#dropConnection()
    this.#end()
  }

  data(chunk: Buffer): void {
    this.#timeLeft.touch()
    this.#receivedBytes += chunk.length
    const { maxResponseBytes } = this.#context.config
    if (this.#body === null) {
      if (this.#receivedBytes > RESPONSE_BODY_BYTES) this.#answered(false)
    } else if (this.#receivedBytes > maxResponseBytes) {
      this.bodyBroken(`is longer than max_response_bytes, ${formatBytes(maxResponseBytes)}`, true)
      this.#body.breakOff()
    } else this.#body.write(chunk)
  }

  end(): void {
    if (this.#body === null) this.#answered(true)
    else {
      this.#timeLeft.clear()
      this.#giveConnectionBack()
      this.#body.end()
    }
  }

  failed(error: Error): void {
    if (this.#ended) return
    this.#outcome ??= verdictOfError(error)
    this.#next = null
    this.#dropConnection()
    if (this.#body === null) this.#end()
    else this.#body.breakOff()
  }

  /** An answer whose body means nothing was read, to its end (`whole`) or for long enough. */
  #answered(whole: boolean): void {
    if (whole) this.#giveConnectionBack()
    else this.#dropConnection()
    if (this.#next === null) {
      this.#end()
      return
    }
    this.#url = this.#next
    this.#next = null
    this.#redirects++
    this.begin()
  }

  // ---- what the body says

  pauseBody(): void {
    this.#hop?.pause()
  }

  resumeBody(): void {
    this.#hop?.resume()
  }

  bodyWaits(waits: boolean): void {
    this.#timeLeft.held = waits
  }

  bodyBroken(reason: string, lasting: boolean): void {
    this.#outcome ??= { kind: lasting ? 'failed' : 'retry', reason: `the answer ${reason}` }
    this.#dropConnection()
  }

  bodyEnded(): void {
    this.#timeLeft.clear()
    this.#ended = true
    this.#events.ended()
  }

  bodyDone(badFraming: boolean): void {
    const unframed: Outcome = { kind: 'failed', reason: `the answer ${BAD_FRAMING}` }
    this.#events.done(this.#outcome ?? (badFraming ? unframed : { kind: 'ok' }))
  }

  // ---- its end

  #giveConnectionBack(): void {
    if (this.#hop !== null) this.#context.connections.giveBack(this.#hop.connection)
    this.#hop = null
  }

  #dropConnection(): void {
    this.#hop?.forget()
    if (this.#hop !== null) this.#context.connections.drop(this.#hop.connection)
    this.#hop = null
  }

  /** Without a body. */
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#timeLeft.clear()
    this.#events.ended()
    this.#events.done(this.#outcome!)
  }
}
