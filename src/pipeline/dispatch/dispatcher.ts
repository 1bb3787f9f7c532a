import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import { Alarm } from './alarm.ts'
import type { Batch, Part } from './batch.ts'
import { Conditions } from './conditions.ts'
import type { BatchCutter } from './cutter.ts'
import { Deferring } from './deferring.ts'
import { Destination } from './destination.ts'
import type { DispatcherOptions, DispatcherStatus, DrainResult } from './dispatcher-options.ts'
import { Expiring } from './expiring.ts'
import { GivingUp } from './giving-up.ts'
import type { GiveUpCategory } from './giving-up.ts'
import { countHeld, oldestMs } from './held.ts'
import { Limiter, keysMax } from './limits/limiter.ts'
import { makeCutter } from './make-cutter.ts'
import { LinePreparer } from './line-preparer.ts'
import { OutcomeHandler } from './outcome-handler.ts'
import { PayloadBuilder } from './payload-builder.ts'
import { Pieces } from './pieces.ts'
import { Probing } from './probing.ts'
import { Roster } from './roster.ts'
import { Sender } from './sender.ts'
import { Settlement } from './settlement.ts'

/** In the order in which they are served. */
const LANES_SERVED = [FAST, BULK] as const

/**
 * Takes committed frames to one sink: cuts batches, makes payloads, keeps to the rate limit, sends, and settles every
 * event exactly once, as delivered or as a dead letter. Main thread; it never looks at an event's bytes.
 *
 *     log -> cutter -> line -> in flight -> settled
 *      ^                ^ ^       |  |  '--> giving up -> settled
 *      |                | |- waiting |       (dead letters)
 *      |                | '- pieces <'
 *      '-- deferring <--'--- parked (refused)
 *
 * What is under way is bounded by how many requests the destination takes at once (`roster.ts`), so a dead one holds few
 * batches and the rest stays in the log. Nothing is done inside a caller's step: every reason to act asks for one `#pump`,
 * which runs as a microtask and looks at the whole state.
 */
export class Dispatcher {
  readonly name: string
  readonly #options: DispatcherOptions
  readonly #settlement: Settlement
  readonly #cutter: BatchCutter
  readonly #limiter: Limiter
  readonly #probing: Probing
  readonly #expiring: Expiring
  readonly #payloads: PayloadBuilder
  readonly #preparer: LinePreparer
  readonly #sender: Sender
  readonly #givingUp: GivingUp
  readonly #deferring: Deferring
  readonly #roster: Roster
  readonly #destination: Destination
  readonly #alarm: Alarm
  readonly #conditions = new Conditions()

  #state: 'new' | 'running' | 'draining' | 'closing' | 'halting' | 'stopped' = 'new'
  #pumpAsked = false
  /** By lane: whose turn it is when both a refused batch and another could go. */
  readonly #parkedTurn = [false, false]
  /** How long what waits for nothing but its own limit or the retry budget has to, as far as this look at the state has found. */
  #ownWaitMs = Infinity
  #drained: Promise<DrainResult> | null = null
  #halted: Promise<void> | null = null

  constructor(options: DispatcherOptions) {
    const { name, config, counts, clock, pool, events = {} } = options
    this.name = name
    this.#options = options
    this.#alarm = new Alarm(clock, () => this.#askForPump())
    const { concurrency } = config.request
    const isInOrder = config.order === 'per_source'
    this.#destination = new Destination({
      name,
      clock,
      random: options.random,
      probeEveryMs: config.retry.maxMs,
      breaker: config.breaker,
      concurrency,
      events,
    })
    this.#roster = new Roster({
      allowed: () => this.#destination.allowed,
      waitingCounts: concurrency !== 'adaptive',
      limitsByKey: keysMax(config.rateLimit ?? {}) > 0,
      inOrder: isInOrder,
    })
    this.#settlement = new Settlement(
      options,
      () => this.#askForPump(),
      () => this.#taken(),
    )
    this.#limiter = new Limiter(config.rateLimit ?? {}, clock.now(), options.quota ?? null, () =>
      events.limiterKeysFull?.(name, keysMax(config.rateLimit ?? {})),
    )
    const onGrouped = () => this.#askForPump()
    this.#cutter = makeCutter(options, this.#settlement.reader, this.#limiter, this.#roster, onGrouped)
    const shared = {
      ...options,
      ...config,
      limiter: this.#limiter,
      words: options.arena.words,
      compressesAtWill: config.compression === 'auto',
      compresses: () => this.#limiter.near(clock.now()) && !this.#destination.refusesCompression,
      pieces: new Pieces(options.arena.words, config),
      cut: (lane: LaneIndex, nowMs: number) => this.#cut(lane, nowMs),
      takeOut: (batch: Batch) => this.#takeOut(batch),
      sinkName: name,
      roster: this.#roster,
      destination: this.#destination,
      settlement: this.#settlement,
      reader: this.#settlement.reader,
      conditions: this.#conditions,
      giveUp: (batch: Batch, category: GiveUpCategory) => this.#giveUp(batch, category),
      onPrepared: () => this.#onProgress(),
      onAnswered: () => this.#onProgress(),
      onPlaceFree: () => this.#askForPump(),
      onIdle: () => this.#conditions.check(),
      onDone: (batch: Batch) => this.#onDone(batch),
      onWritten: (parts: readonly Part[], category: GiveUpCategory, reason: string) =>
        this.#settlement.deadLettered(parts, category, reason),
      onFailure: (error: unknown) => events.sinkTaskFailed?.(name, error),
    }
    this.#payloads = new PayloadBuilder(shared)
    this.#preparer = new LinePreparer({ ...shared, payloads: this.#payloads })
    this.#givingUp = new GivingUp(shared)
    this.#deferring = new Deferring(shared)
    const outcomes = new OutcomeHandler(shared)
    this.#sender = new Sender({ ...shared, outcomes, payloads: this.#payloads, preparer: this.#preparer })
    this.#probing = new Probing({ ...shared, sender: this.#sender })
    this.#expiring = new Expiring({ ...shared, oldestMs: () => this.#oldestMs() })
    counts.held = () => countHeld(this.#settlement.reader.held(), this.#taken())
    pool.onFree(() => this.#onSlabFree())
  }

  /** Begins to send; the sink must have been started. */
  start(): void {
    if (this.#state === 'new') this.#state = 'running'
    this.#askForPump()
  }

  /**
   * Sends what is there without waiting for full batches, until all is settled or `deadline` is aborted; then ends what
   * is in flight and stops. What is left becomes dead letters, or is left to the log, which then must outlast the
   * process. No frame may come any more. Calling it again answers with the same.
   */
  drain(deadline: AbortSignal, rest: 'dead_letters' | 'log' = 'dead_letters'): Promise<DrainResult> {
    this.#drained ??= this.#drain(deadline, rest)
    return this.#drained
  }

  /**
   * Sends nothing more, waits until what is in flight is answered, and what follows from that is done, or `deadline` is
   * aborted, and stops. What is held is left to the log, which must outlast the process. May be called in a `drain`.
   */
  halt(deadline: AbortSignal): Promise<void> {
    this.#halted ??= this.#halt(deadline)
    return this.#halted
  }

  /** Stops sending and ends what is in flight; what is held stays held. May be called twice and before `start`. */
  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#alarm.clear()
    this.#givingUp.worker.stop()
    this.#deferring.worker.stop()
    this.#conditions.check()
    await this.#sender.end(() => this.#givingUp.worker.busy || this.#deferring.worker.busy)
  }

  /** Why the operator must act, so that the collector is not ready; null when nothing asks for it. */
  get waitingForOperator(): string | null {
    return this.#destination.holdReason ?? this.#roster.longRefused(this.#options.clock.now())?.reason ?? null
  }

  status(): DispatcherStatus {
    const { waitingForOperator } = this
    const { line, inFlight, waiting, parked } = this.#roster
    const { pausedUntilMs, lastFailure, breaker, concurrency } = this.#destination
    const nowMs = this.#options.clock.now()
    return {
      state: this.#stateShown(),
      waitingForOperator,
      batches: {
        sending: inFlight.size,
        ready: line.length,
        retrying: waiting.size,
        refused: parked.size,
        givingUp: this.#givingUp.worker.size,
      },
      framesWaiting: this.#settlement.reader.waiting,
      lagging: this.#cutter.lagging,
      oldestMs: this.#oldestMs(),
      pausedForMs: Math.max(0, pausedUntilMs - nowMs),
      lastFailure,
      breaker: {
        state: breaker.state,
        cause: breaker.cause,
        nextProbeMs: breaker.state === 'open' ? Math.max(0, this.#destination.probeAtMs - nowMs) : 0,
        failures: breaker.failures,
      },
      concurrency: concurrency.status(),
      limits: this.#limiter.limits ? this.#limiter.status(nowMs) : null,
    }
  }

  #stateShown(): DispatcherStatus['state'] {
    if (this.#state === 'stopped') return 'stopped'
    if (this.#state === 'draining' || this.#state === 'closing' || this.#state === 'halting')
      return 'draining'
    return this.waitingForOperator === null ? 'running' : 'waiting_for_operator'
  }

  /** What was taken from the log and is not settled. */
  *#taken(): Generator<Part> {
    for (const batch of this.#roster.live) yield* batch.parts
    yield* this.#cutter.unbatched(this.#options.arena.words)
  }

  #oldestMs(): { bulk: number; fast: number } {
    const { reader } = this.#settlement
    return oldestMs(this.#taken(), this.#options.clock.wallClock(), reader.oldestReceivedAtMs?.())
  }

  #onSlabFree(): void {
    this.#givingUp.worker.wake()
    this.#deferring.worker.wake()
    if (this.#preparer.waitsForSlab) this.#askForPump()
  }

  #onProgress(): void {
    this.#conditions.check()
    this.#askForPump()
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
    this.#ownWaitMs = Infinity
    if (this.#destination.probesOnly) this.#ownWaitMs = this.#probing.choose(nowMs)
    else for (const lane of LANES_SERVED) this.#fillLine(lane, nowMs)
    const expiresAtMs = this.#expiring.look(nowMs)
    if (this.#cutter.look(nowMs)) this.#askForPump()
    this.#deferOldest(nowMs)
    this.#preparer.prepare(nowMs)
    const waitMs = Math.min(this.#sender.sendLine(nowMs), this.#ownWaitMs)
    this.#alarm.set(nowMs, Math.min(nowMs + waitMs, expiresAtMs, this.#nextDueMs(nowMs)))
    this.#conditions.check()
  }

  #fillLine(lane: LaneIndex, nowMs: number): void {
    const roster = this.#roster
    const mayGo = (batch: Batch) => this.#mayGo(batch, nowMs)
    while (roster.hasRoom(lane, nowMs)) {
      // Probes and other batches take turns, so that neither keeps the other waiting for ever.
      const parked = this.#parkedTurn[lane]! ? roster.parkedDue(lane, nowMs, mayGo) : null
      const batch =
        parked ??
        roster.takePiece(lane, mayGo) ??
        roster.takeRetry(lane, nowMs, mayGo) ??
        this.#cut(lane, nowMs) ??
        roster.parkedDue(lane, nowMs, mayGo)
      if (batch === null) return
      this.#parkedTurn[lane] = !batch.parked
      roster.enqueue(batch)
    }
  }

  /** What has a limit of its own, retries among them, stands in line only when that lets it go: others need the place. */
  #mayGo(batch: Batch, nowMs: number): boolean {
    const { budget } = this.#destination
    const retries = this.#roster.retriesInLine + batch.retryCost
    const budgetMs = batch.failures > 0 ? budget.waitMs(nowMs, retries) : 0
    const waitMs = Math.max(budgetMs, this.#limiter.ownWaitMs(batch.key, batch, nowMs))
    if (waitMs > 0) this.#ownWaitMs = Math.min(this.#ownWaitMs, waitMs)
    return waitMs === 0
  }

  /** The next new batch of a lane, unless as many as may be are under way. */
  #cut(lane: LaneIndex, nowMs: number): Batch | null {
    if (!this.#roster.mayCut(lane)) return null
    const ahead = this.#roster.line.filter((batch) => batch.lane === lane).length
    const turnMs = this.#limiter.turnMs(ahead, nowMs)
    const room = { turnAtMs: nowMs + turnMs, maxBytes: this.#destination.bodyBytesMax }
    const batch = this.#cutter.take(lane, nowMs, this.#state === 'draining', room)
    if (batch !== null) this.#roster.live.add(batch)
    return batch
  }

  /**
   * What holds the cursors back goes to the end of the log, one batch at a time: an event that was refused only on hold, since
   * that forgets its refusals, and otherwise they are soon believed.
   */
  #deferOldest(nowMs: number): void {
    const { reader } = this.#settlement
    if (reader.defer === undefined || this.#deferring.worker.busy) return
    const failed = reader.blocked === true ? this.#roster.oldestIdle(this.#destination.onHold) : null
    // Others can only go if the destination takes something.
    const batch = failed ?? (this.#destination.probesOnly ? null : this.#cutter.takeWaiting?.(nowMs)) ?? null
    if (batch === null) return
    this.#takeOut(batch)
    this.#roster.live.add(batch)
    this.#deferring.worker.add({ batch })
  }

  #nextDueMs(nowMs: number): number {
    const { probesOnly, probeAtMs } = this.#destination
    const next = Math.min(this.#roster.nextDueMs(nowMs), this.#cutter.nextDueMs(nowMs))
    return probesOnly && probeAtMs > nowMs ? Math.min(next, probeAtMs) : next
  }

  #giveUp(batch: Batch, category: GiveUpCategory): void {
    this.#takeOut(batch)
    this.#givingUp.worker.add({ batch, category })
  }

  #giveUpAtEnd(batch: Batch): void {
    if (batch.reason === '') batch.reason = 'the collector stopped first'
    this.#giveUp(batch, 'undelivered')
  }

  /** It will not be sent any more. */
  #takeOut(batch: Batch): void {
    this.#roster.setAside(batch)
    batch.dueAtMs = 0
    this.#payloads.release(batch)
  }

  #onDone(batch: Batch): void {
    this.#roster.live.delete(batch)
    this.#askForPump()
  }

  async #halt(deadline: AbortSignal): Promise<void> {
    if (this.#state !== 'closing' && this.#state !== 'stopped') {
      this.#state = 'halting'
      this.#alarm.clear()
      this.#conditions.check()
      const answered = () => this.#roster.inFlight.size === 0 && !this.#givingUp.worker.busy
      await this.#conditions.until(answered, deadline)
    }
    await this.stop()
  }

  async #drain(deadline: AbortSignal, rest: 'dead_letters' | 'log'): Promise<DrainResult> {
    const { counts } = this.#options
    const delivered = () => counts.delivered[BULK]! + counts.delivered[FAST]!
    const undelivered = () => counts.deadLettered.get('undelivered') ?? 0
    const before = { delivered: delivered(), undelivered: undelivered() }
    if (this.#state === 'running') {
      this.#state = 'draining'
      this.#askForPump()
      const quiet = () => this.#roster.live.size === 0 && this.#cutter.empty
      await this.#conditions.until(() => this.#state !== 'draining' || quiet(), deadline)
    }
    if (rest === 'dead_letters' && this.#halted === null && this.#state !== 'stopped') {
      this.#state = 'closing'
      await this.#giveUpTheRest()
    }
    await (this.#halted ?? this.stop())
    return { delivered: delivered() - before.delivered, undelivered: undelivered() - before.undelivered }
  }

  async #giveUpTheRest(): Promise<void> {
    this.#alarm.clear()
    this.#deferring.worker.stop()
    await this.#sender.end(() => this.#deferring.worker.busy)
    await this.#lettersWritten()
    for (const batch of this.#roster.live) this.#giveUpAtEnd(batch)
    await this.#lettersWritten()
    // Stopping ends this loop too: it changes the state.
    while (this.#state === 'closing') {
      const batch = this.#cutter.takeRest()
      if (batch === null) return
      this.#roster.live.add(batch)
      this.#giveUpAtEnd(batch)
      // One batch after another: the log may hold many.
      // oxlint-disable-next-line no-await-in-loop
      await this.#lettersWritten()
    }
  }

  #lettersWritten(): Promise<void> {
    return this.#conditions.until(() => !this.#givingUp.worker.busy, new AbortController().signal)
  }
}
