import { BULK, FAST } from '../../journal/log.ts'
import type { LaneIndex } from '../../journal/log.ts'
import { Alarm } from './alarm.ts'
import type { Batch, Part } from './batch.ts'
import { Conditions } from './conditions.ts'
import { Cutter } from './cutter.ts'
import { Deferring } from './deferring.ts'
import { Destination } from './destination.ts'
import type { DispatcherOptions, DispatcherStatus, DrainResult } from './dispatcher-options.ts'
import { GivingUp } from './giving-up.ts'
import type { GiveUpCategory } from './giving-up.ts'
import { countHeld, oldestMs, partsTaken } from './held.ts'
import { Limiter } from './limiter.ts'
import { LinePreparer } from './line-preparer.ts'
import { OutcomeHandler } from './outcome-handler.ts'
import { PayloadBuilder, growthBytesMax, sentBytesMax } from './payload-builder.ts'
import { RecordWalk } from './record-walk.ts'
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
 *      |                | '-- waiting        (dead letters)
 *      '-- deferring <--'---- parked (refused)
 *
 * Line, in flight, waiting, giving up and deferring together are never more than `concurrency` batches and one, parked
 * ones apart, so a dead destination holds that many and the rest stays in the log. Nothing is done inside a caller's
 * step: every reason to act asks for one `#pump`, which runs as a microtask and looks at the whole state.
 */
export class Dispatcher {
  readonly name: string
  readonly #options: DispatcherOptions
  readonly #settlement: Settlement
  readonly #cutter: Cutter
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
  #drained: Promise<DrainResult> | null = null
  #halted: Promise<void> | null = null

  constructor(options: DispatcherOptions) {
    const { name, config, counts, clock, pool, events = {} } = options
    this.name = name
    this.#options = options
    this.#alarm = new Alarm(clock, () => this.#askForPump())
    this.#roster = new Roster(config.request.concurrency)
    this.#settlement = new Settlement(
      options,
      () => this.#askForPump(),
      () => this.#taken(),
    )
    const rateLimit = config.rateLimit ?? {}
    const limiter = new Limiter(rateLimit, sentBytesMax(config.maxRecordBytes, config), clock.now())
    this.#cutter = this.#makeCutter(limiter)
    this.#destination = new Destination(name, clock, config.retry.maxMs, events)
    const shared = {
      ...options,
      ...config,
      limiter,
      sinkName: name,
      roster: this.#roster,
      destination: this.#destination,
      settlement: this.#settlement,
      reader: this.#settlement.reader,
      conditions: this.#conditions,
      giveUp: (batch: Batch, category: GiveUpCategory) => this.#giveUp(batch, category),
      onPrepared: () => this.#onProgress(),
      onAnswered: () => this.#onProgress(),
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
    if (this.#destination.holdReason !== null) return this.#destination.holdReason
    for (const batch of this.#roster.parked) return batch.reason
    return null
  }

  status(): DispatcherStatus {
    const { waitingForOperator } = this
    const { clock } = this.#options
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
        givingUp: this.#givingUp.worker.size,
      },
      framesWaiting: this.#settlement.reader.waiting,
      lagging: this.#cutter.lagging,
      oldestMs: oldestMs(this.#taken(), clock.wallClock()),
      pausedForMs: Math.max(0, pausedUntilMs - clock.now()),
      lastFailure,
    }
  }

  #stateShown(): DispatcherStatus['state'] {
    if (this.#state === 'stopped') return 'stopped'
    if (this.#state === 'draining' || this.#state === 'closing' || this.#state === 'halting')
      return 'draining'
    return this.waitingForOperator === null ? 'running' : 'waiting_for_operator'
  }

  #makeCutter({ maxBytes, maxEvents }: Limiter): Cutter {
    const { config, arena } = this.#options
    const { batch, encoding, compression } = config
    return new Cutter({
      reader: this.#settlement.reader,
      walk: new RecordWalk(arena.words, encoding === 'ndjson'),
      encoding,
      maxBytes: Math.min(batch.maxBytes, maxBytes - growthBytesMax(maxBytes, compression)),
      maxEvents: Math.min(batch.maxEvents, maxEvents),
      maxAgeMs: batch.maxAgeMs,
    })
  }

  /** What was taken from the log and is not settled. */
  #taken(): Generator<Part> {
    return partsTaken(this.#options.arena.words, this.#cutter.batchers, this.#roster.live)
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
    if (this.#destination.onHold) this.#chooseProbe(nowMs)
    else for (const lane of LANES_SERVED) this.#fillLine(lane, nowMs)
    if (this.#cutter.look(nowMs)) this.#askForPump()
    this.#deferOldest()
    this.#preparer.prepare(nowMs)
    const waitMs = this.#sender.sendLine(nowMs)
    this.#alarm.set(nowMs, Math.min(nowMs + waitMs, this.#nextDueMs(nowMs)))
    this.#conditions.check()
  }

  #fillLine(lane: LaneIndex, nowMs: number): void {
    const roster = this.#roster
    while (roster.hasRoom(lane)) {
      // Probes and other batches take turns, so that neither keeps the other waiting for ever.
      const parked = this.#parkedTurn[lane]! ? roster.parkedDue(lane, nowMs) : null
      const batch =
        parked ?? roster.takeRetry(lane, nowMs) ?? this.#cut(lane, nowMs) ?? roster.parkedDue(lane, nowMs)
      if (batch === null) return
      this.#parkedTurn[lane] = !batch.parked
      roster.enqueue(batch)
    }
  }

  /** On hold one batch at a time is let try: the one at the head of the line. */
  #chooseProbe(nowMs: number): void {
    const { line, inFlight } = this.#roster
    if (nowMs < this.#destination.probeAtMs || inFlight.size > 0 || line.length > 0) return
    const ways = [
      (lane: LaneIndex) => this.#roster.takeRetry(lane, Infinity),
      (lane: LaneIndex) => this.#cut(lane, nowMs),
      (lane: LaneIndex) => this.#roster.parkedDue(lane, Infinity),
    ]
    for (const way of ways) {
      const batch = way(FAST) ?? way(BULK)
      if (batch === null) continue
      line.push(batch)
      return
    }
  }

  /** The next new batch of a lane, unless as many as may be are under way. */
  #cut(lane: LaneIndex, nowMs: number): Batch | null {
    if (!this.#roster.mayCut(lane)) return null
    const batch = this.#cutter.take(lane, nowMs, this.#state === 'draining')
    if (batch !== null) this.#roster.live.add(batch)
    return batch
  }

  /** What holds the cursors back goes to the end of the log, one batch at a time. */
  #deferOldest(): void {
    if (this.#settlement.reader.blocked !== true || this.#deferring.worker.busy) return
    const batch = this.#roster.oldestIdle()
    if (batch === null) return
    this.#takeOut(batch)
    this.#deferring.worker.add({ batch })
  }

  #nextDueMs(nowMs: number): number {
    const next = Math.min(this.#roster.nextDueMs(nowMs), this.#cutter.nextDueMs(nowMs))
    const { onHold, probeAtMs } = this.#destination
    return onHold && probeAtMs > nowMs ? Math.min(next, probeAtMs) : next
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
      const batch = this.#cutter.take(BULK, 0, true) ?? this.#cutter.take(FAST, 0, true)
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
