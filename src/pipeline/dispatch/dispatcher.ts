import { BULK, FAST } from '../../journal/log.ts'
import type { Outcome } from '../sink.ts'
import { Alarm } from './alarm.ts'
import type { Batch } from './batch.ts'
import { Batcher } from './batcher.ts'
import { Destination } from './destination.ts'
import type { DispatcherOptions, DispatcherStatus, DrainResult } from './dispatcher-options.ts'
import { GivingUp } from './giving-up.ts'
import type { GiveUpCategory } from './giving-up.ts'
import { countHeld, partsTaken } from './held.ts'
import { Limiter } from './limiter.ts'
import { LinePreparer } from './line-preparer.ts'
import { OutcomeHandler } from './outcome-handler.ts'
import { PayloadBuilder, growthBytesMax, sentBytesMax } from './payload-builder.ts'
import { RecordWalk } from './record-walk.ts'
import { Roster } from './roster.ts'
import { Settlement } from './settlement.ts'

/** A sink that has not answered so long after its own time-out, or after it was told to stop, is not waited for. */
export const SEND_GRACE_MS = 2000

/**
 * Takes committed frames to one sink: cuts batches, makes payloads, keeps to the rate limit, sends, and settles every
 * event exactly once, as delivered or as a dead letter. Main thread; it never looks at an event's bytes.
 *
 *     log -> batcher -> line -> in flight -> settled
 *                        ^ ^       |  |  '--> giving up -> settled
 *                        | '-- waiting        (dead letters)
 *                        '---- parked (refused)
 *
 * Line, in flight, waiting and giving up together are never more than `concurrency` batches, parked ones apart, so a
 * dead destination holds that many and the rest stays in the log. Nothing is done inside a caller's step: every reason
 * to act asks for one `#pump`, which runs as a microtask and looks at the whole state.
 */
export class Dispatcher {
  readonly name: string
  readonly #options: DispatcherOptions
  readonly #settlement: Settlement
  readonly #batcher: Batcher
  readonly #limiter: Limiter
  readonly #payloads: PayloadBuilder
  readonly #preparer: LinePreparer
  readonly #givingUp: GivingUp
  readonly #roster = new Roster()
  readonly #destination: Destination
  readonly #outcomes: OutcomeHandler
  readonly #alarm: Alarm

  #state: 'new' | 'running' | 'draining' | 'closing' | 'stopped' = 'new'
  #pumpAsked = false
  /** Whose turn it is when both a refused batch and another could go. */
  #parkedTurn = false
  #drained: Promise<DrainResult> | null = null
  #onQuiet: (() => void) | null = null
  #onFlightEnded: (() => void) | null = null
  #flightsEnding: Promise<void> | null = null

  constructor(options: DispatcherOptions) {
    const { name, config, arena, clock, counts, pool, events = {} } = options
    this.name = name
    this.#options = options
    this.#alarm = new Alarm(clock, () => this.#askForPump())
    const taken = () => partsTaken(arena.words, this.#batcher, this.#roster.live)
    this.#settlement = new Settlement(options, () => this.#askForPump(), taken)
    this.#limiter = new Limiter(
      config.rateLimit ?? {},
      sentBytesMax(config.maxRecordBytes, config),
      clock.now(),
    )
    this.#batcher = this.#makeBatcher()
    this.#destination = new Destination(name, clock, config.retry.maxMs, events)
    const shared = { ...options, ...config }
    this.#payloads = new PayloadBuilder(shared)
    const onFailure = (error: unknown) => events.sinkTaskFailed?.(name, error)
    this.#preparer = new LinePreparer({
      roster: this.#roster,
      payloads: this.#payloads,
      destination: this.#destination,
      clock,
      onPrepared: () => this.#onPreparedOrSent(),
      onFailure,
    })
    this.#givingUp = new GivingUp({
      ...shared,
      sinkName: name,
      onWritten: (parts, category, reason) => this.#settlement.deadLettered(parts, category, reason),
      onDone: (batch) => this.#onGivenUp(batch),
      onFailure,
    })
    this.#outcomes = new OutcomeHandler({
      ...shared,
      roster: this.#roster,
      destination: this.#destination,
      settlement: this.#settlement,
      giveUp: (batch, category) => this.#giveUp(batch, category),
    })
    counts.held = () => countHeld(this.#settlement.reader.held(), taken())
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
   * more. Calling it again answers with the same.
   */
  drain(deadline: AbortSignal): Promise<DrainResult> {
    this.#drained ??= this.#drain(deadline)
    return this.#drained
  }

  /** Stops sending and ends what is in flight; what is held stays held. May be called twice and before `start`. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#alarm.clear()
    this.#givingUp.stop()
    this.#onQuiet?.()
    await this.#endFlights()
  }

  /** Why the operator must act, so that the collector is not ready; null when nothing asks for it. */
  get waitingForOperator(): string | null {
    if (this.#destination.holdReason !== null) return this.#destination.holdReason
    for (const batch of this.#roster.parked) return batch.reason
    return null
  }

  status(): DispatcherStatus {
    const { waitingForOperator } = this
    const { line, inFlight, waiting, parked } = this.#roster
    const { pausedUntilMs, lastFailure } = this.#destination
    return {
      state: this.#stateShown(),
      waitingForOperator,
      batches: {
        sending: inFlight.size,
        ready: line.length,
        retrying: waiting.size,
        refused: parked.size,
        givingUp: this.#givingUp.size,
      },
      framesWaiting: this.#settlement.reader.waiting,
      pausedForMs: Math.max(0, pausedUntilMs - this.#options.clock.now()),
      lastFailure,
    }
  }

  #stateShown(): DispatcherStatus['state'] {
    if (this.#state === 'stopped') return 'stopped'
    if (this.#state === 'draining' || this.#state === 'closing') return 'draining'
    return this.waitingForOperator === null ? 'running' : 'waiting_for_operator'
  }

  #makeBatcher(): Batcher {
    const { config, arena } = this.#options
    const { batch, encoding, compression } = config
    const { reader } = this.#settlement
    const { maxBytes, maxEvents } = this.#limiter
    return new Batcher({
      take: () => reader.takeBulk(),
      walk: new RecordWalk(arena.words, encoding === 'ndjson'),
      encoding,
      maxBytes: Math.min(batch.maxBytes, maxBytes - growthBytesMax(maxBytes, compression)),
      maxEvents: Math.min(batch.maxEvents, maxEvents),
      maxAgeMs: batch.maxAgeMs,
    })
  }

  #onSlabFree(): void {
    this.#givingUp.wake()
    if (this.#preparer.waitsForSlab) this.#askForPump()
  }

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
    this.#roster.abortOverdue(nowMs)
    if (this.#destination.onHold) this.#chooseProbe(nowMs)
    else this.#fillLine(nowMs)
    this.#preparer.prepare(nowMs)
    const waitMs = this.#sendLine(nowMs)
    this.#alarm.set(nowMs, Math.min(nowMs + waitMs, this.#nextDueMs(nowMs)))
    if (this.#onQuiet !== null && this.#isQuiet()) this.#onQuiet()
  }

  #fillLine(nowMs: number): void {
    const { concurrency } = this.#options.config.request
    const { line, inFlight } = this.#roster
    while (line.length + inFlight.size < concurrency) {
      // Probes and other batches take turns, so that neither keeps the other waiting for ever.
      const parked = this.#parkedTurn ? this.#roster.parkedDue(nowMs) : null
      const batch =
        parked ?? this.#roster.takeRetry(nowMs) ?? this.#cut(nowMs) ?? this.#roster.parkedDue(nowMs)
      if (batch === null) return
      this.#parkedTurn = !batch.parked
      line.push(batch)
    }
  }

  /** On hold one batch at a time is let try: the one at the head of the line. */
  #chooseProbe(nowMs: number): void {
    const { line, inFlight } = this.#roster
    if (nowMs < this.#destination.probeAtMs || inFlight.size > 0 || line.length > 0) return
    const batch = this.#roster.takeRetry(Infinity) ?? this.#cut(nowMs) ?? this.#roster.parkedDue(Infinity)
    if (batch !== null) line.push(batch)
  }

  /** The next new batch, unless as many as may be are under way. */
  #cut(nowMs: number): Batch | null {
    if (this.#roster.underWay >= this.#options.config.request.concurrency) return null
    const batch = this.#batcher.take(nowMs, this.#state === 'draining')
    if (batch !== null) this.#roster.live.add(batch)
    return batch
  }

  #onPreparedOrSent(): void {
    this.#onFlightEnded?.()
    this.#askForPump()
  }

  /** Sends what may be sent; answers in how many milliseconds the next may, Infinity if that is no question of time. */
  #sendLine(nowMs: number): number {
    const { line, inFlight } = this.#roster
    const { onHold, probeAtMs, pausedUntilMs } = this.#destination
    if (line.length === 0 || (onHold && (nowMs < probeAtMs || inFlight.size > 0))) return Infinity
    if (nowMs < pausedUntilMs) return pausedUntilMs - nowMs
    let firstsMayGo = true
    let place = 0
    while (place < line.length) {
      const batch = line[place]!
      const { payload } = batch
      const first = batch.attempts === 0
      if (payload === null || (first && !firstsMayGo)) {
        if (onHold) return Infinity
        if (first) firstsMayGo = false
        place++
        continue
      }
      const waitMs = this.#limiter.waitMs(payload.events, payload.bytes, nowMs)
      if (waitMs > 0) return waitMs
      this.#limiter.take(payload.events, payload.bytes, nowMs)
      line.splice(place, 1)
      void this.#send(batch, nowMs)
      if (onHold) return Infinity
    }
    return Infinity
  }

  async #send(batch: Batch, nowMs: number): Promise<void> {
    const { sink, config } = this.#options
    const controller = new AbortController()
    const overdueAtMs = nowMs + config.request.timeoutMs + SEND_GRACE_MS
    batch.attempts++
    this.#roster.inFlight.set(batch, { controller, overdueAtMs })
    let outcome: Outcome
    try {
      outcome = await sink.send(batch.payload!, controller.signal)
      this.#options.events?.sinkRequest?.(this.name, outcome.kind === 'ack' ? 'ok' : outcome.kind)
    } catch (error) {
      this.#options.events?.sinkRequest?.(this.name, 'error')
      outcome = { kind: 'retry', category: 'unknown', reason: String(error) }
    }
    // One that took too long to end was given up already.
    if (this.#roster.inFlight.delete(batch)) this.#outcomes.handle(batch, outcome)
    this.#payloads.release(batch)
    this.#onPreparedOrSent()
  }

  #nextDueMs(nowMs: number): number {
    let next = this.#roster.nextDueMs(nowMs)
    const batchDueMs = this.#batcher.dueAtMs
    if (batchDueMs > nowMs) next = Math.min(next, batchDueMs)
    const { onHold, probeAtMs } = this.#destination
    if (onHold && probeAtMs > nowMs) next = Math.min(next, probeAtMs)
    return next
  }

  #giveUp(batch: Batch, category: GiveUpCategory): void {
    this.#roster.setAside(batch)
    batch.dueAtMs = 0
    this.#payloads.release(batch)
    this.#givingUp.add(batch, category)
  }

  #giveUpAtEnd(batch: Batch): void {
    if (batch.reason === '') batch.reason = 'the collector stopped first'
    this.#giveUp(batch, 'undelivered')
  }

  #onGivenUp(batch: Batch): void {
    this.#roster.live.delete(batch)
    this.#askForPump()
  }

  async #drain(deadline: AbortSignal): Promise<DrainResult> {
    const { counts } = this.#options
    const delivered = () => counts.delivered[BULK]! + counts.delivered[FAST]!
    const undelivered = () => counts.deadLettered.get('undelivered') ?? 0
    const before = { delivered: delivered(), undelivered: undelivered() }
    if (this.#state === 'running') {
      this.#state = 'draining'
      await this.#quietOr(deadline)
    }
    if (this.#state !== 'stopped') {
      this.#state = 'closing'
      await this.#giveUpTheRest()
    }
    await this.stop()
    return { delivered: delivered() - before.delivered, undelivered: undelivered() - before.undelivered }
  }

  #isQuiet(): boolean {
    return this.#roster.live.size === 0 && this.#batcher.empty && this.#settlement.reader.caughtUp
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
    this.#alarm.clear()
    await this.#endFlights()
    await this.#givingUp.idle()
    for (const batch of this.#roster.live) this.#giveUpAtEnd(batch)
    await this.#givingUp.idle()
    // Stopping ends this loop too: it changes the state.
    while (this.#state === 'closing') {
      const batch = this.#batcher.take(0, true)
      if (batch === null) return
      this.#roster.live.add(batch)
      this.#giveUpAtEnd(batch)
      // One batch after another: the log may hold many.
      // oxlint-disable-next-line no-await-in-loop
      await this.#givingUp.idle()
    }
  }

  /** Aborts what is in flight and waits for it, and for encode tasks, to end; not for a sink that never does. */
  #endFlights(): Promise<void> {
    const { inFlight } = this.#roster
    for (const { controller } of inFlight.values()) controller.abort()
    this.#preparer.close()
    const ended = () => inFlight.size === 0 && !this.#preparer.busy
    if (ended()) return Promise.resolve()
    this.#flightsEnding ??= new Promise((resolve) => {
      const finish = () => {
        timer.clear()
        this.#onFlightEnded = null
        this.#flightsEnding = null
        inFlight.clear()
        resolve()
      }
      const timer = this.#options.clock.setTimeout(finish, SEND_GRACE_MS)
      this.#onFlightEnded = () => {
        if (ended()) finish()
      }
    })
    return this.#flightsEnding
  }
}
