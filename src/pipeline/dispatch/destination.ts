import type { Clock } from '../../base/clock.ts'
import { ADAPTIVE_CONCURRENCY_MAX } from '../limits.ts'
import type { Outcome } from '../sink.ts'
import { AdaptiveConcurrency, FixedConcurrency } from './adaptive-concurrency.ts'
import type { AnswerVerdict, Concurrency } from './adaptive-concurrency.ts'
import { Breaker } from './breaker.ts'
import type { BreakerConfig } from './breaker.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import { RetryBudget } from './retry-budget.ts'
import { SittingOut } from './sitting-out.ts'

/** A destination can't ask for a longer pause than this. */
export const RETRY_AFTER_MAX_MS = 24 * 3_600_000
/** What it does not take is found out anew after so long: operators raise what a server takes. */
export const BODY_LEARNED_FOR_MS = 3_600_000
/** What was asked to come back at one moment comes back spread over so much more of the pause. */
const PAUSE_SPREAD = 0.02

export interface DestinationOptions {
  readonly name: string
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** On hold, so often. */
  readonly probeEveryMs: number
  readonly breaker: BreakerConfig
  readonly concurrency: number | 'adaptive'
  readonly events?: Partial<DispatchEvents>
}

/** So many items of a request that are to be sent again mean that the destination takes too much; fewer fail by themselves. */
const PUSHBACK_SHARE = 0.1

interface Hold {
  readonly reason: string
  readonly sinceMs: number
}

/**
 * What a sink's answers say about the destination as a whole, beyond the batch that was answered: one state, shared by
 * everything that sends to it.
 *
 * - **paused**: it named a time to come back at (Retry-After); nothing is sent before, probes neither.
 * - **on hold**: the operator must act; one probe every `retry.max`.
 * - **breaker**: it is down; probes with a growing cooldown.
 * - **concurrency**: how many requests it takes at once.
 */
export class Destination {
  /** Answers by which it took something. */
  acks = 0
  /** Sent so far, which is the number of the latest. */
  requests = 0
  /** Number of the latest request of which it took something; 0: of none. */
  acceptedRequest = 0
  /** What went wrong last; '' when nothing did. */
  lastFailure = ''
  /** It asked not to be sent anything before this moment. */
  pausedUntilMs = 0
  /** Single events refused since it last took something. */
  refusedInARow = 0
  /** It takes no compressed bodies. */
  refusesCompression = false
  /** It answered a health probe as one that it doesn't know or allow: whether it works, a batch has to tell. */
  refusesProbe = false
  readonly breaker: Breaker
  readonly concurrency: Concurrency
  readonly budget: RetryBudget
  readonly #options: DestinationOptions
  readonly #events: Partial<DispatchEvents>
  readonly #sittingOut = new SittingOut()
  #hold: Hold | null = null
  #holdProbeAtMs = 0
  #bodyBytesMax = Infinity
  #bodyLearnedAtMs = -Infinity

  constructor(options: DestinationOptions) {
    const { name, clock, random, breaker, concurrency, events = {} } = options
    this.#options = options
    this.#events = events
    this.breaker = new Breaker(name, breaker, clock, random, events)
    this.concurrency =
      concurrency === 'adaptive'
        ? new AdaptiveConcurrency({ max: ADAPTIVE_CONCURRENCY_MAX })
        : new FixedConcurrency(concurrency)
    this.budget = new RetryBudget(clock.now())
  }

  /** Why the operator must act before anything but probes is sent; null when nothing is in the way. */
  get holdReason(): string | null {
    return this.#hold?.reason ?? null
  }

  get onHold(): boolean {
    return this.#hold !== null
  }

  /** Nothing may be sent but a probe, at `probeAtMs`, one at a time. */
  get probesOnly(): boolean {
    return this.onHold || this.breaker.state !== 'closed'
  }

  get probeAtMs(): number {
    return Math.max(this.onHold ? this.#holdProbeAtMs : this.breaker.probeAtMs, this.pausedUntilMs)
  }

  /** Most bytes of a body that it takes, by what it lately refused as too large; Infinity while it refused none. */
  get bodyBytesMax(): number {
    const isKnown = this.#options.clock.now() - this.#bodyLearnedAtMs < BODY_LEARNED_FOR_MS
    return isKnown ? this.#bodyBytesMax : Infinity
  }

  /** Requests that may be in flight now. */
  get allowed(): number {
    return this.probesOnly ? 1 : this.concurrency.allowed
  }

  /** A request leaves; `inFlight` counts it. Answers with its number. */
  sent(inFlight: number): number {
    this.breaker.probing()
    this.concurrency.started(inFlight, this.#options.clock.now())
    return ++this.requests
  }

  /**
   * What an answer tells of the destination, before what it means for its batch. True when everything that waited out an
   * outage may go on.
   */
  answered(request: number, outcome: Outcome, sentAtMs: number, delivered: number): boolean {
    const { clock } = this.#options
    const nowMs = clock.now()
    const before = this.concurrency.allowed
    this.refusesProbe = false
    this.concurrency.answered(nowMs - sentAtMs, verdictOf(outcome, delivered), nowMs)
    if (outcome.kind === 'retry') this.#sitOut(sentAtMs)
    else this.#sittingOut.succeeded()
    if ('afterMs' in outcome && outcome.afterMs !== undefined) this.#pause(outcome.afterMs, outcome)
    if (delivered > 0) {
      this.acks++
      this.acceptedRequest = Math.max(this.acceptedRequest, request)
      this.refusedInARow = 0
    }
    const isDown =
      outcome.kind === 'retry' || (outcome.kind === 'partial' && delivered === 0 && isAllRetries(outcome))
    let resumed = false
    // While the operator must act, that is what is probed for.
    if (isDown) {
      if (!this.onHold) this.breaker.failed(sentAtMs, reasonOf(outcome))
    } else resumed = this.breaker.succeeded()
    if (delivered > 0 && this.#resume()) resumed = true
    if (resumed) this.concurrency.reset()
    if (this.concurrency.allowed !== before)
      this.#events.concurrencyChanged?.(this.#options.name, this.concurrency.allowed)
    return resumed
  }

  /** The answer to a health probe while the breaker is open. True when everything may go on. */
  probed(outcome: Outcome, sentAtMs: number): boolean {
    if ('afterMs' in outcome && outcome.afterMs !== undefined) this.#pause(outcome.afterMs, outcome)
    if (outcome.kind !== 'ack') {
      this.refusesProbe = outcome.kind === 'hold' || outcome.kind === 'reject'
      this.breaker.failed(sentAtMs, reasonOf(outcome))
      return false
    }
    this.concurrency.reset()
    return this.breaker.succeeded()
  }

  /** Nothing but probes until something is accepted. */
  hold(reason: string, status: number | undefined): void {
    this.#hold = { reason, sinceMs: this.#hold?.sinceMs ?? this.#options.clock.now() }
    this.#events.sinkHeld?.(this.#options.name, reason, status)
    this.probeLater()
  }

  /** A probe has failed while on hold: the next one is due when it would be for the first failure. */
  probeLater(): void {
    this.#holdProbeAtMs = this.#options.clock.now() + this.#options.probeEveryMs
  }

  /** Moments, spread a little, at which what was told to come back at `pausedUntilMs` does. */
  comeBackAtMs(): number {
    const { clock, random } = this.#options
    const pauseMs = Math.max(0, this.pausedUntilMs - clock.now())
    return this.pausedUntilMs + pauseMs * PAUSE_SPREAD * random()
  }

  /** A body of so many bytes was too large, and that of a single event was not alone in it. */
  refusedBody(bytes: number): void {
    const halfBytes = Math.max(1, Math.floor(bytes / 2))
    if (halfBytes >= this.bodyBytesMax) return
    this.#bodyBytesMax = halfBytes
    this.#bodyLearnedAtMs = this.#options.clock.now()
    this.#events.bodyLimitLearned?.(this.#options.name, halfBytes)
  }

  /** Only where it is found out what the destination takes: with a fixed number of requests the backoff does. */
  #sitOut(sentAtMs: number): void {
    const { rttMs } = this.concurrency.status()
    if (rttMs === null) return
    const untilMs = this.#sittingOut.failed(sentAtMs, rttMs, this.#options.clock.now())
    this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs)
  }

  #pause(afterMs: number, outcome: Outcome): void {
    const nowMs = this.#options.clock.now()
    const untilMs = nowMs + Math.min(afterMs, RETRY_AFTER_MAX_MS)
    if (untilMs <= this.pausedUntilMs) return
    this.pausedUntilMs = untilMs
    const status = 'status' in outcome ? outcome.status : undefined
    this.#events.sinkPaused?.(this.#options.name, untilMs - nowMs, reasonOf(outcome), status)
  }

  #resume(): boolean {
    if (this.#hold === null) return false
    this.#events.sinkResumed?.(this.#options.name, this.#options.clock.now() - this.#hold.sinceMs)
    this.#hold = null
    return true
  }
}

function verdictOf(outcome: Outcome, delivered: number): AnswerVerdict {
  if (outcome.kind === 'ack') return 'ok'
  if (outcome.kind === 'retry') return 'pushback'
  if (outcome.kind !== 'partial') return 'other'
  const { items } = outcome
  const retried = items.reduce((count, { kind }) => (kind === 'retry' ? count + 1 : count), 0)
  return retried > 0 && retried >= (delivered + items.length) * PUSHBACK_SHARE ? 'pushback' : 'ok'
}

function isAllRetries(outcome: Extract<Outcome, { kind: 'partial' }>): boolean {
  return outcome.items.every(({ kind }) => kind === 'retry')
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === 'ack') return 'it named a time to come back at'
  return outcome.kind === 'partial' ? (outcome.items[0]?.reason ?? '') : outcome.reason
}
