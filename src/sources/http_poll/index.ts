/** Source `http_poll`: servers are asked for events, and the answers stream into the arena. */
import { spwError } from '../../base/errors.ts'
import { version } from '../../base/version.ts'
import { secureContext } from '../../pipeline/http/connect.ts'
import { requestHeaders } from '../../pipeline/http/request-headers.ts'
import type { Source, SourceContext, UrlStatus } from '../../pipeline/source.ts'
import { Attempt } from './attempt.ts'
import type { AttemptContext } from './attempt.ts'
import type { HttpPollSourceConfig } from './config.ts'
import { PollConcurrency } from './concurrency.ts'
import { Connections } from './connections.ts'
import { Poll } from './poll.ts'
import { Schedule } from './schedule.ts'
import type { Outcome } from './verdict.ts'

/** At start, URLs are asked one after another, so far apart. */
const SPREAD_MS = 100
const ACCEPT = 'application/json, application/x-ndjson, */*;q=0.5'
/** What Inflation takes. */
const ACCEPT_ENCODING = 'gzip, zstd'

export class HttpPollSource implements Source {
  readonly address: string
  readonly #config: HttpPollSourceConfig
  readonly #context: SourceContext
  readonly #polls: readonly Poll[]
  readonly #concurrency: PollConcurrency
  readonly #schedule: Schedule
  #attempts: AttemptContext | null = null
  /** Those that still read. */
  readonly #reading = new Set<Attempt>()
  #noneReads: (() => void) | null = null
  #waitsForRoom = false
  #stopped: Promise<void> | null = null

  constructor(config: HttpPollSourceConfig, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#polls = config.urls.map((url) => new Poll(url, config, context.random))
    const [first] = this.#polls
    const others = this.#polls.length - 1
    this.address = others > 0 ? `${first!.shown} and ${others} more` : first!.shown
    this.#concurrency = new PollConcurrency({
      most: config.concurrency,
      fill: () => context.intake.fill,
      onChange: (from, to, cause) => context.events.pollConcurrencyChanged(config.name, from, to, cause),
    })
    this.#schedule = new Schedule({
      clock: context.clock,
      concurrency: () => this.#concurrency.allowed,
      mayBegin: () => this.#mayBegin(),
      begin: (index) => this.#begin(index),
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stopped !== null) return
    this.#attempts = this.#attemptContext()
    const { clock, random } = this.#context
    const spreadMs = Math.min(SPREAD_MS, this.#config.intervalMs / this.#polls.length)
    const now = clock.now()
    for (const index of this.#polls.keys()) this.#schedule.plan(index, now + (index + random()) * spreadMs)
  }

  /** Rejects certificates and keys that can't be used (SPW_ERR_SOURCE_TLS). */
  #attemptContext(): AttemptContext {
    const config = this.#config
    const { intake, clock } = this.#context
    const refuse = (reason: string, cause: unknown): never => {
      throw spwError('SPW_ERR_SOURCE_TLS', { source: config.name, reason }, { cause })
    }
    const { ca } = config.tls
    const connections = new Connections({
      clock,
      connectionsMax: config.concurrency,
      connectTimeoutMs: config.request.connectTimeoutMs,
      verify: config.tls.verify,
      secure: secureContext(config.tls, refuse),
      secureForOthers: secureContext(ca === undefined ? {} : { ca }, refuse),
    })
    const general = { accept: ACCEPT, 'accept-encoding': ACCEPT_ENCODING }
    const headers = { ...general, ...requestHeaders(config, version) }
    const headersForOthers = { ...general, ...requestHeaders({ headers: {} }, version) }
    return { config, clock, intake, connections, headers, headersForOthers }
  }

  /** What is under way goes on; no request begins while there is no room for its answer, or too many are under way. */
  #mayBegin(): boolean {
    const { intake } = this.#context
    this.#concurrency.beforeOne()
    if (this.#schedule.underWay >= this.#concurrency.allowed) return false
    if (!intake.full && this.#context.accepting()) return true
    if (!this.#waitsForRoom) {
      this.#waitsForRoom = true
      intake.onRoom(() => {
        this.#waitsForRoom = false
        this.#schedule.wake()
      })
    }
    return false
  }

  #begin(index: number): void {
    const poll = this.#polls[index]!
    const { clock } = this.#context
    const beganAtMs = clock.now()
    poll.begin(beganAtMs)
    const attempt = new Attempt(this.#attempts!, poll.nextRequest(), {
      ended: () => {
        this.#reading.delete(attempt)
        if (this.#reading.size === 0) this.#noneReads?.()
      },
      done: (outcome) => this.#done(index, outcome, clock.now() - beganAtMs),
    })
    this.#reading.add(attempt)
    attempt.begin()
  }

  #done(index: number, outcome: Outcome, durationMs: number): void {
    const { clock, events } = this.#context
    const { name } = this.#config
    const poll = this.#polls[index]!
    const { attempts } = poll
    const { dueAtMs, result } = poll.settle(outcome, clock.now(), clock.wallClock())
    events.pollRequest(name, result, durationMs)
    const reason = outcome.kind === 'ok' ? '' : outcome.reason
    // What a stop has broken off is no fault of the server.
    if (result === 'failed' && this.#stopped === null)
      events.pollFailed(name, poll.shown, reason, attempts, outcome.kind === 'failed')
    if (result === 'throttled') events.pollThrottled(name, poll.shown, reason, dueAtMs - clock.now())
    this.#concurrency.afterOne()
    this.#schedule.plan(index, dueAtMs)
  }

  polls(): readonly UrlStatus[] {
    const { clock } = this.#context
    return this.#polls.map(({ shown, lastSuccess, lastError }, index) => {
      const inMs = this.#schedule.dueAtMs(index) - clock.now()
      const nextRequest = inMs > 0 && inMs < Infinity ? new Date(clock.wallClock() + inMs) : null
      return { url: shown, lastSuccess, lastError, nextRequest }
    })
  }

  pollsAtOnce(): number {
    return this.#concurrency.allowed
  }

  stop(deadline?: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  /** Answers under way are read to their end, until `deadline` or for as long as a request may take. */
  async #stop(deadline: AbortSignal | undefined): Promise<void> {
    this.#schedule.stop()
    if (this.#reading.size > 0) {
      const cutOff = () => {
        for (const attempt of this.#reading) attempt.giveUp('the collector stops')
      }
      const noneReads = new Promise<void>((resolve) => (this.#noneReads = resolve))
      const late = this.#context.clock.setTimeout(cutOff, this.#config.request.timeoutMs)
      if (deadline?.aborted === true) cutOff()
      deadline?.addEventListener('abort', cutOff, { once: true })
      await noneReads
      deadline?.removeEventListener('abort', cutOff)
      late.clear()
    }
    await this.#attempts?.connections.close()
  }
}
