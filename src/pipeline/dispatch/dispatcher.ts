import type { Clock, Timer } from '../../base/clock.ts'
import type { DeadLetters } from '../../dlq/dead-letters.ts'
import type { Frame } from '../../journal/frame.ts'
import type { FrameReader, MemoryLog } from '../../journal/memory-log.ts'
import type { Arena } from '../../memory/arena.ts'
import type { SlabOwner, SlabPool } from '../../memory/slab-pool.ts'
import type { Encoder } from '../encoder.ts'
import { BULK, FAST } from '../ledger.ts'
import type { SinkCounts } from '../ledger.ts'
import type { Outcome, Sink } from '../sink.ts'
import { backoffMs } from './backoff.ts'
import type { Batch, Part } from './batch.ts'
import { Batcher } from './batcher.ts'
import type { DispatchEvents } from './dispatch-events.ts'
import { GivingUp } from './giving-up.ts'
import type { GiveUpCategory } from './giving-up.ts'
import { Limiter } from './limiter.ts'
import type { RateLimit } from './limiter.ts'
import { PayloadBuilder } from './payload-builder.ts'
import type { PayloadForm } from './payload-builder.ts'
import { RecordWalk, partOf } from './record-walk.ts'

/** Batches refused for their content that are kept aside at most; one more, and the whole sink waits for the operator. */
export const PARKED_BATCHES_MAX = 64
/** A destination can't ask for a longer pause than this. */
export const RETRY_AFTER_MAX_MS = 24 * 3_600_000
/** A sink that has not answered so long after its own time-out, or after it was told to stop, is not waited for. */
export const SEND_GRACE_MS = 2000
/** Longest wait of a timer; Node fires at once what is longer than 2^31 ms. */
const TIMER_MAX_MS = 3_600_000
/** Pause after an encode task failed. */
const ENCODE_PAUSE_MS = 1000
/** Header of a compressed member and what incompressible bytes grow by. */
const compressionOverhead = (bytes: number) => 64 + Math.ceil(bytes / 512)

export interface DispatcherConfig extends PayloadForm {
  readonly batch: { readonly maxBytes: number; readonly maxEvents: number; readonly maxAgeMs: number }
  readonly rateLimit?: RateLimit
  readonly retry: { readonly initialMs: number; readonly maxMs: number; readonly maxAgeMs?: number }
  readonly request: { readonly timeoutMs: number; readonly concurrency: number }
  /** Longest record of its sources. */
  readonly maxRecordBytes: number
}

export interface DispatcherOptions {
  readonly name: string
  readonly sink: Sink
  readonly log: MemoryLog
  /** Indexes of the sources whose events it gets. */
  readonly inputs: readonly number[]
  /** Which bit of the route mask is this sink's `where`; -1: it gets everything. */
  readonly filterIndex: number
  readonly config: DispatcherConfig
  readonly counts: SinkCounts
  readonly pool: SlabPool
  /** Two reserved slabs: for encoded payloads and dead letters. */
  readonly owner: SlabOwner
  readonly arena: Arena
  readonly encoder: Encoder
  readonly deadLetters: DeadLetters
  readonly sourceNames: readonly string[]
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly events?: DispatchEvents
}

export interface Hold {
  readonly reason: string
  readonly status: number | undefined
  readonly sinceMs: number
}

export interface DispatcherStatus {
  readonly state: 'running' | 'waiting_for_operator' | 'draining' | 'stopped'
  /** Why the operator must act; null when nothing asks for it. */
  readonly waitingForOperator: string | null
  /** Batches by what they wait for. */
  readonly batches: {
    readonly sending: number
    readonly ready: number
    readonly retrying: number
    readonly refused: number
    readonly givingUp: number
  }
  readonly framesWaiting: number
  /** The destination asked for a pause of so long. */
  readonly pausedForMs: number
  readonly lastFailure: string
}

export interface DrainResult {
  /** Events delivered since the drain began. */
  readonly delivered: number
  /** Events that became dead letters because time was over. */
  readonly undelivered: number
}

interface Flight {
  readonly controller: AbortController
  readonly overdueAtMs: number
}

/**
 * Takes committed frames to one sink: cuts batches, makes payloads, keeps to the rate limit, sends, and settles every
 * event exactly once, as delivered or as a dead letter. Main thread; it never looks at an event's bytes.
 *
 *     log -> batcher -> line -> in flight -> settled
 *                        ^ ^       |  |  '--> giving up -> settled
 *                        | '-- waiting        (dead letters)
 *                        '---- parked (refused)
 *
 * The line holds what may go as soon as its payload is made and the rate limit allows, first sends in order. Line, in
 * flight and waiting together are never more than `concurrency` batches, parked ones apart, so a dead destination holds
 * that many and the rest stays in the log. Nothing is done inside a caller's step: every reason to act asks for one
 * `#pump`, which runs as a microtask and looks at the whole state.
 */
export class Dispatcher {
  readonly name: string
  readonly #options: DispatcherOptions
  readonly #reader: FrameReader
  readonly #batcher: Batcher
  readonly #limiter: Limiter
  readonly #payloads: PayloadBuilder
  readonly #givingUp: GivingUp
  readonly #routeBit: number

  /** Every batch cut and not settled, wherever it is. */
  readonly #live = new Set<Batch>()
  readonly #line: Batch[] = []
  readonly #inFlight = new Map<Batch, Flight>()
  readonly #waiting = new Set<Batch>()
  readonly #parked = new Set<Batch>()

  #hold: Hold | null = null
  #probeAtMs = 0
  #probeTurn = false
  #pausedUntilMs = 0
  /** Batches that the destination has accepted. */
  #acks = 0
  #lastFailure = ''

  #state: 'new' | 'running' | 'draining' | 'closing' | 'stopped' = 'new'
  #pumpAsked = false
  #waitsForSlab = false
  #timer: Timer | null = null
  #timerAtMs = Infinity
  #onQuiet: (() => void) | null = null
  #onFlightEnded: (() => void) | null = null

  constructor(options: DispatcherOptions) {
    const { name, config, arena, log, inputs, filterIndex, clock, counts, pool } = options
    this.name = name
    this.#options = options
    this.#routeBit = filterIndex === -1 ? 0 : 1 << filterIndex
    const takes = new Set(inputs)
    this.#reader = log.addReader(
      (source) => takes.has(source),
      (frame) => this.#onFrame(frame),
    )
    const overhead = config.compression === 'none' ? 0 : compressionOverhead(config.maxRecordBytes)
    this.#limiter = new Limiter(config.rateLimit ?? {}, config.maxRecordBytes + 2 + overhead, clock.now())
    const { maxBytes } = this.#limiter
    this.#batcher = new Batcher({
      reader: this.#reader,
      walk: new RecordWalk(arena.words, this.#routeBit, config.encoding === 'ndjson'),
      offered: (frame) => this.#offered(frame)[BULK] + this.#offered(frame)[FAST],
      encoding: config.encoding,
      maxBytes: Math.min(
        config.batch.maxBytes,
        config.compression === 'none' ? maxBytes : maxBytes - compressionOverhead(maxBytes),
      ),
      maxEvents: Math.min(config.batch.maxEvents, this.#limiter.maxEvents),
      maxAgeMs: config.batch.maxAgeMs,
    })
    const shared = { ...options, ...config, routeBit: this.#routeBit }
    this.#payloads = new PayloadBuilder(shared)
    this.#givingUp = new GivingUp({
      ...shared,
      sinkName: name,
      onWritten: (parts, category) => this.#settleDead(parts, category),
      onDone: (batch) => this.#onGivenUp(batch),
      onFailure: (error) => options.events?.failed?.(name, error),
    })
    counts.held = () => this.#held()
    pool.onFree(() => this.#onSlabFree())
  }

  /** Begins to send; the sink must have been started. */
  start(): void {
    if (this.#state === 'new') this.#state = 'running'
    this.#askForPump()
  }

  /**
   * Sends what is there without waiting for full batches, until all is settled or `deadline` is aborted; then ends what
   * is in flight and makes dead letters of what is left. Afterwards the dispatcher is stopped. No frame may come any
   * more.
   */
  async drain(deadline: AbortSignal): Promise<DrainResult> {
    const { counts } = this.#options
    const deliveredBefore = counts.delivered[BULK]! + counts.delivered[FAST]!
    const undeliveredBefore = counts.deadLettered.get('undelivered') ?? 0
    if (this.#state === 'running') {
      this.#state = 'draining'
      await this.#quietOr(deadline)
    }
    if (this.#state === 'new' || this.#state === 'draining') {
      this.#state = 'closing'
      await this.#giveUpTheRest()
    }
    await this.stop()
    return {
      delivered: counts.delivered[BULK]! + counts.delivered[FAST]! - deliveredBefore,
      undelivered: (counts.deadLettered.get('undelivered') ?? 0) - undeliveredBefore,
    }
  }

  /** Stops sending and ends what is in flight; what is held stays held. May be called twice and before `start`. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#timer?.clear()
    this.#timer = null
    this.#givingUp.stop()
    this.#onQuiet?.()
    await this.#endFlights()
  }

  /** A batch is parked, or the whole sink on hold: not ready, and why. */
  get waitingForOperator(): string | null {
    if (this.#hold !== null) return this.#hold.reason
    for (const batch of this.#parked) return batch.reason
    return null
  }

  status(): DispatcherStatus {
    const { waitingForOperator } = this
    const state = this.#state === 'closing' ? 'draining' : this.#state === 'new' ? 'running' : this.#state
    return {
      state: state === 'running' && waitingForOperator !== null ? 'waiting_for_operator' : state,
      waitingForOperator,
      batches: {
        sending: this.#inFlight.size,
        ready: this.#line.length,
        retrying: this.#waiting.size,
        refused: this.#parked.size,
        givingUp: this.#givingUp.size,
      },
      framesWaiting: this.#reader.waiting,
      pausedForMs: Math.max(0, this.#pausedUntilMs - this.#options.clock.now()),
      lastFailure: this.#lastFailure,
    }
  }

  // --- what comes in

  /** In the step that commits the frame, so that `accepted = offered + filtered` holds at every moment. */
  #onFrame(frame: Frame): boolean {
    const { counts } = this.#options
    const [bulk, fast] = this.#offered(frame)
    counts.offered[BULK]! += bulk
    counts.offered[FAST]! += fast
    counts.filtered += frame.records - bulk - fast
    if (bulk + fast === 0) return false
    this.#askForPump()
    return true
  }

  #offered(frame: Frame): [number, number] {
    const { filterIndex } = this.#options
    if (filterIndex === -1) return [frame.records - frame.fast, frame.fast]
    return [frame.routed![2 * filterIndex]!, frame.routed![2 * filterIndex + 1]!]
  }

  #onSlabFree(): void {
    this.#givingUp.wake()
    if (this.#waitsForSlab) this.#askForPump()
  }

  // --- the pump

  #askForPump(): void {
    if (this.#pumpAsked) return
    this.#pumpAsked = true
    queueMicrotask(() => {
      this.#pumpAsked = false
      if (this.#state === 'running' || this.#state === 'draining') this.#pump()
    })
  }

  #pump(): void {
    const nowMs = this.#options.clock.now()
    this.#abortOverdue(nowMs)
    if (this.#hold === null) this.#fillLine(nowMs)
    else this.#fillLineWithProbe(nowMs)
    this.#prepareLine(nowMs)
    const waitMs = this.#sendLine(nowMs)
    this.#setTimer(nowMs, Math.min(nowMs + waitMs, this.#nextDueMs(nowMs)))
    if (this.#onQuiet !== null && this.#isQuiet()) this.#onQuiet()
  }

  #fillLine(nowMs: number): void {
    const { concurrency } = this.#options.config.request
    while (this.#line.length + this.#inFlight.size < concurrency) {
      // A probe and other batches take turns, so that neither keeps the other waiting for ever.
      const first = this.#probeTurn ? this.#dueProbe(nowMs) : null
      const batch = first ?? this.#dueRetry(nowMs) ?? this.#cut(nowMs) ?? this.#dueProbe(nowMs)
      if (batch === null) return
      this.#probeTurn = !batch.parked
      this.#line.push(batch)
    }
  }

  /** On hold one batch at a time is let try: the one at the head of the line. */
  #fillLineWithProbe(nowMs: number): void {
    if (nowMs < this.#probeAtMs || this.#inFlight.size > 0 || this.#line.length > 0) return
    const batch = this.#dueRetry(Infinity) ?? this.#cut(nowMs) ?? this.#dueProbe(Infinity)
    if (batch !== null) this.#line.push(batch)
  }

  #dueRetry(nowMs: number): Batch | null {
    for (const batch of this.#waiting) {
      if (batch.dueAtMs > nowMs) continue
      this.#waiting.delete(batch)
      return batch
    }
    return null
  }

  #dueProbe(nowMs: number): Batch | null {
    for (const batch of this.#parked) {
      if (batch.dueAtMs > nowMs || this.#inFlight.has(batch) || this.#line.includes(batch)) continue
      return batch
    }
    return null
  }

  /** The next new batch, unless as many as may be are under way. */
  #cut(nowMs: number): Batch | null {
    if (this.#live.size - this.#parked.size >= this.#options.config.request.concurrency) return null
    const batch = this.#batcher.take(nowMs, this.#state === 'draining')
    if (batch !== null) this.#live.add(batch)
    return batch
  }

  #prepareLine(nowMs: number): void {
    this.#waitsForSlab = false
    const probing = this.#hold !== null
    for (const [place, batch] of this.#line.entries()) {
      // On hold only the probe may keep an output slab: the others would keep it from having one.
      if (probing && (place > 0 || nowMs < this.#probeAtMs)) this.#payloads.release(batch)
      else if (batch.payload === null && !batch.preparing && batch.dueAtMs <= nowMs) {
        if (!this.#payloads.prepare(batch, (error) => this.#onPrepared(batch, error))) {
          this.#waitsForSlab = true
          if (!probing) return
        }
      }
    }
  }

  #onPrepared(batch: Batch, error: unknown): void {
    if (error !== undefined) {
      batch.dueAtMs = this.#options.clock.now() + ENCODE_PAUSE_MS
      this.#options.events?.failed?.(this.name, error)
    }
    const ended = this.#state === 'stopped' || this.#state === 'closing'
    if (ended || !this.#line.includes(batch)) this.#payloads.release(batch)
    this.#onFlightEnded?.()
    this.#askForPump()
  }

  /** Sends what may be sent; answers in how many milliseconds the next may, Infinity if that is no question of time. */
  #sendLine(nowMs: number): number {
    if (nowMs < this.#pausedUntilMs) return this.#pausedUntilMs - nowMs
    const probing = this.#hold !== null
    if (probing && (nowMs < this.#probeAtMs || this.#inFlight.size > 0)) return Infinity
    let inOrder = true
    for (let place = 0; place < this.#line.length;) {
      const batch = this.#line[place]!
      const { payload } = batch
      const first = batch.attempts === 0
      if (payload === null) inOrder &&= !first
      if (payload === null || (first && !inOrder)) {
        if (probing) break
        place++
        continue
      }
      const waitMs = this.#limiter.waitMs(payload.events, payload.bytes, nowMs)
      if (waitMs > 0) return waitMs
      this.#limiter.take(payload.events, payload.bytes, nowMs)
      this.#line.splice(place, 1)
      this.#send(batch, nowMs)
      if (probing) break
    }
    return Infinity
  }

  #send(batch: Batch, nowMs: number): void {
    const { sink, config } = this.#options
    const controller = new AbortController()
    batch.attempts++
    this.#inFlight.set(batch, { controller, overdueAtMs: nowMs + config.request.timeoutMs + SEND_GRACE_MS })
    const answer = async () => sink.send(batch.payload!, controller.signal)
    answer().then(
      (outcome) => this.#onOutcome(batch, outcome),
      (error: unknown) => this.#onThrown(batch, error),
    )
  }

  #abortOverdue(nowMs: number): void {
    for (const { controller, overdueAtMs } of this.#inFlight.values())
      if (overdueAtMs <= nowMs) controller.abort()
  }

  /** The next moment at which time alone changes something. */
  #nextDueMs(nowMs: number): number {
    let next = Infinity
    const consider = (atMs: number) => {
      if (atMs > nowMs && atMs < next) next = atMs
    }
    consider(this.#batcher.dueAtMs)
    if (this.#hold !== null) consider(this.#probeAtMs)
    for (const batch of this.#live) consider(batch.dueAtMs)
    for (const { overdueAtMs } of this.#inFlight.values()) consider(overdueAtMs)
    return next
  }

  #setTimer(nowMs: number, atMs: number): void {
    if (atMs === Infinity || (this.#timer !== null && this.#timerAtMs <= atMs)) return
    this.#timer?.clear()
    const delayMs = Math.min(TIMER_MAX_MS, Math.max(1, Math.ceil(atMs - nowMs)))
    this.#timerAtMs = nowMs + delayMs
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = null
      this.#askForPump()
    }, delayMs)
  }

  // --- what became of a batch

  #onThrown(batch: Batch, error: unknown): void {
    const { counts, events } = this.#options
    counts.requests.error++
    events?.failed?.(this.name, error)
    const reason = error instanceof Error ? error.message : String(error)
    if (this.#inFlight.delete(batch)) this.#onRetry(batch, { kind: 'retry', category: 'unknown', reason })
    this.#afterOutcome(batch)
  }

  #onOutcome(batch: Batch, outcome: Outcome): void {
    const { requests } = this.#options.counts
    requests[outcome.kind === 'ack' ? 'ok' : outcome.kind]++
    // One that took too long to end was given up already.
    if (this.#inFlight.delete(batch)) {
      if (outcome.kind === 'ack') this.#onAck(batch)
      else if (outcome.kind === 'retry') this.#onRetry(batch, outcome)
      else if (outcome.kind === 'hold') this.#onHold(batch, outcome)
      else this.#onReject(batch, outcome)
    }
    this.#afterOutcome(batch)
  }

  #afterOutcome(batch: Batch): void {
    this.#payloads.release(batch)
    this.#onFlightEnded?.()
    this.#askForPump()
  }

  #onAck(batch: Batch): void {
    const { counts, events } = this.#options
    counts.deliveredBytes += batch.payload!.bytes
    this.#acks++
    this.#live.delete(batch)
    this.#parked.delete(batch)
    this.#settleDelivered(batch.parts)
    if (this.#hold !== null) {
      this.#hold = null
      events?.resumed?.(this.name)
    }
    for (const refused of this.#parked) if (!this.#inFlight.has(refused)) this.#giveUpIfBelieved(refused)
  }

  #onRetry(batch: Batch, outcome: Extract<Outcome, { kind: 'retry' }>): void {
    const { config, clock, random, events } = this.#options
    const nowMs = clock.now()
    this.#noteFailure(batch, outcome)
    batch.failures++
    if (outcome.afterMs !== undefined)
      this.#pausedUntilMs = Math.max(
        this.#pausedUntilMs,
        nowMs + Math.min(outcome.afterMs, RETRY_AFTER_MAX_MS),
      )
    const { maxAgeMs = Infinity } = config.retry
    if (nowMs - batch.youngestAtMs >= maxAgeMs) {
      this.#giveUp(batch, 'expired')
      return
    }
    const backoff = batch.parked ? config.retry.maxMs : backoffMs(config.retry, batch.failures, random)
    batch.dueAtMs = Math.max(nowMs + backoff, this.#pausedUntilMs)
    if (!batch.parked) this.#waiting.add(batch)
    if (this.#hold !== null) this.#probeAtMs = Math.max(nowMs + config.retry.maxMs, this.#pausedUntilMs)
    events?.retrying?.(this.name, outcome, batch.dueAtMs - nowMs)
  }

  #onHold(batch: Batch, outcome: Extract<Outcome, { kind: 'hold' }>): void {
    this.#noteFailure(batch, outcome)
    if (batch.parked) batch.dueAtMs = this.#options.clock.now() + this.#options.config.retry.maxMs
    else this.#line.unshift(batch)
    this.#holdAll(outcome.reason, outcome.status)
  }

  #holdAll(reason: string, status: number | undefined): void {
    const { clock, config, events } = this.#options
    const nowMs = clock.now()
    this.#hold = { reason, status, sinceMs: this.#hold?.sinceMs ?? nowMs }
    this.#probeAtMs = nowMs + config.retry.maxMs
    events?.holding?.(this.name, reason, status)
  }

  #onReject(batch: Batch, outcome: Extract<Outcome, { kind: 'reject' }>): void {
    const { config, clock, events } = this.#options
    this.#noteFailure(batch, outcome)
    events?.refused?.(this.name, outcome, batch.events)
    if (this.#giveUpIfBelieved(batch)) return
    // A later version splits the batch here, until the guilty events stand alone.
    batch.dueAtMs = clock.now() + config.retry.maxMs
    if (batch.parked) return
    if (this.#parked.size >= PARKED_BATCHES_MAX) {
      this.#waiting.add(batch)
      this.#holdAll(outcome.reason, outcome.status)
      return
    }
    batch.parked = true
    batch.acksAtRefusal = this.#acks
    this.#parked.add(batch)
    if (this.#hold !== null) this.#probeAtMs = batch.dueAtMs
  }

  /** A refusal is believed of one event alone, and once the destination has accepted something else since. */
  #giveUpIfBelieved(batch: Batch): boolean {
    if (!batch.parked || batch.events !== 1 || batch.acksAtRefusal === this.#acks) return false
    this.#giveUp(batch, 'refused')
    return true
  }

  #noteFailure(batch: Batch, outcome: { readonly reason: string; readonly status?: number }): void {
    batch.reason = outcome.reason
    batch.status = outcome.status
    this.#lastFailure = outcome.reason
  }

  #giveUp(batch: Batch, category: GiveUpCategory): void {
    const place = this.#line.indexOf(batch)
    if (place !== -1) this.#line.splice(place, 1)
    this.#waiting.delete(batch)
    this.#parked.delete(batch)
    batch.dueAtMs = 0
    this.#payloads.release(batch)
    this.#givingUp.add(batch, category)
  }

  #onGivenUp(batch: Batch): void {
    this.#live.delete(batch)
    this.#askForPump()
  }

  // --- settlement

  #settleDelivered(parts: readonly Part[]): void {
    const { counts, events, clock } = this.#options
    const wallClock = clock.wallClock()
    for (const part of parts) {
      counts.delivered[FAST]! += part.fast
      counts.delivered[BULK]! += part.events - part.fast
      events?.delivered?.(this.name, part.events, wallClock - part.of.frame.receivedAtMs)
      this.#settle(part)
    }
  }

  #settleDead(parts: readonly Part[], category: GiveUpCategory): void {
    const { deadLettered } = this.#options.counts
    let total = 0
    for (const part of parts) {
      total += part.events
      this.#settle(part)
    }
    deadLettered.set(category, (deadLettered.get(category) ?? 0) + total)
    this.#options.events?.deadLettered?.(this.name, category, total)
  }

  #settle(part: Part): void {
    part.of.unsettled -= part.events
    if (part.of.unsettled === 0 && part.events > 0) this.#reader.settle(part.of.frame)
  }

  /** Counted by walking, not by the counters. */
  #held(): [number, number] {
    const held: [number, number] = [0, 0]
    const add = (events: number, fast: number) => {
      held[BULK] += events - fast
      held[FAST] += fast
    }
    this.#reader.forEachWaiting((frame) => {
      const [bulk, fast] = this.#offered(frame)
      add(bulk + fast, fast)
    })
    for (const batch of this.#live) for (const part of batch.parts) add(part.events, part.fast)
    for (const part of this.#batcher.parts) add(part.events, part.fast)
    const rest = this.#batcher.rest()
    if (rest !== null) {
      const { words } = this.#options.arena
      const part = partOf(words, this.#routeBit, rest.of, rest.first, rest.of.frame.records)
      add(part.events, part.fast)
    }
    return held
  }

  // --- the end

  #isQuiet(): boolean {
    return this.#live.size === 0 && this.#batcher.empty && this.#reader.waiting === 0
  }

  #quietOr(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#onQuiet = null
        resolve()
      }
      this.#onQuiet = done
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
      this.#askForPump()
    })
  }

  async #giveUpTheRest(): Promise<void> {
    this.#timer?.clear()
    this.#timer = null
    await this.#endFlights()
    await this.#givingUp.idle()
    for (const batch of this.#live) this.#giveUp(batch, 'undelivered')
    await this.#givingUp.idle()
    for (;;) {
      const batch = this.#state === 'closing' ? this.#batcher.take(0, true) : null
      if (batch === null) return
      this.#live.add(batch)
      this.#giveUp(batch, 'undelivered')
      // oxlint-disable-next-line no-await-in-loop
      await this.#givingUp.idle()
    }
  }

  /** Aborts what is in flight and waits for it, and for encode tasks, to end; not for a sink that never does. */
  #endFlights(): Promise<void> {
    for (const { controller } of this.#inFlight.values()) controller.abort()
    for (const batch of this.#line) this.#payloads.release(batch)
    const ended = () => this.#inFlight.size === 0 && !this.#line.some((batch) => batch.preparing)
    if (ended()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        timer.clear()
        this.#onFlightEnded = null
        this.#inFlight.clear()
        resolve()
      }
      const timer = this.#options.clock.setTimeout(finish, SEND_GRACE_MS)
      this.#onFlightEnded = () => {
        if (ended()) finish()
      }
    })
  }
}
