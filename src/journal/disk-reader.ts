import assert from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import type { Timer } from '../base/clock.ts'
import { reasonOf } from '../base/errors.ts'
import { LANES_BOTH, LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import type { Backlog, Piece } from './backlog.ts'
import { newSinkTally } from './checkpoint.ts'
import type { Checkpoint, SinkTally } from './checkpoint.ts'
import { DeferredTimes } from './deferred-times.ts'
import type { DiskReaderOptions, ReaderPlace, ReaderStart } from './disk-reader-options.ts'
import { frameBack, routeBitOf } from './frame-back.ts'
import type { Recipient } from './frame-back.ts'
import type { Frame, Position } from './frame.ts'
import { BULK, FAST } from './log.ts'
import type { LogReader, ReaderOptions, Taken, TakenPart } from './log.ts'
import { offeredOf } from './memory-log.ts'
import { LookAhead } from './look-ahead.ts'
import { oldestReceived } from './oldest-received.ts'
import { Progress } from './progress.ts'
import type { FrameHolds } from './frame-holds.ts'
import { countMeant, isSlow, newTrack, rangesOf, within } from './track.ts'
import type { FramePiece, Resume, Track } from './track.ts'
import type { Offer } from './window.ts'

/** The fast cursor looks at so much at once: most of what it passes has nothing for it. */
const FAST_PEEK_BYTES = 64 * 1024
const READ_RETRY_MS = 1000

/**
 * A sink's reader of the log on disk. While it keeps up it gets frames as they are committed, from the arena; once it
 * lags, frames are let go as soon as they are committed, and it reads them back from the segments when it is ready for
 * them. Its bulk cursor is a track that takes both lanes; a fast cursor that runs ahead of what is at hand is a second
 * track, until the first one has come to where it began to be ahead.
 */
export class DiskReader implements LogReader {
  readonly sink: ReaderOptions
  /** Set before `start`. */
  tally: SinkTally = newSinkTally('', [], -1)
  readonly #options: DiskReaderOptions
  #recipient: Recipient
  readonly #holds: FrameHolds
  readonly #bulk: Track
  #fast: Track | null = null
  #progress = new Progress([0, 0])
  readonly #deferred = new DeferredTimes()
  settledAtStart: readonly [number, number] = [0, 0]
  readonly #bulkAhead: LookAhead
  readonly #fastAhead: LookAhead
  #retry: Timer | null = null
  #started = false
  #stopped = false

  constructor(options: DiskReaderOptions) {
    this.#options = options
    this.sink = options.sink
    const { name, inputs, filterIndex } = options.sink
    this.#recipient = {
      name,
      inputs: new Set(inputs),
      routeBit: filterIndex === -1 ? 0 : 1 << filterIndex,
      voided: new Set(),
      sourceIndex: (source) => options.sourceIndex(source),
    }
    this.#bulkAhead = this.#lookAhead(false)
    this.#fastAhead = this.#lookAhead(true)
    this.#holds = options.live.newHolds()
    this.#bulk = newTrack(LANES_BOTH, this.#holds)
    options.pool.onFree(() => this.#readOn())
  }

  /** Begins where an earlier run ended; without it at the head. */
  start(start: ReaderStart | null): void {
    this.#started = true
    this.settledAtStart = start === null ? [...this.tally.offered] : start.settled
    this.#progress = new Progress(this.settledAtStart)
    if (start === null) return
    this.#recipient = { ...this.#recipient, voided: new Set(start.voided) }
    const [bulk, fast] = start.lanes
    this.#goBehind(this.#bulk, bulk.from, bulk.resume)
    if (!isDeepStrictEqual(bulk, fast)) {
      this.#bulk.lanes = LANES_BULK
      this.#fast = newTrack(LANES_FAST, this.#holds)
      this.#goBehind(this.#fast, fast.from, fast.resume)
    }
    this.#readOn()
  }

  #goBehind(track: Track, from: Position, resume: Resume, receivedAfterMs = Infinity): void {
    track.backlog = this.#options.openBacklog(from)
    track.backlog.receivedAtMs = receivedAfterMs
    track.resume = resume
  }

  // ---- the log's side

  /** A frame was committed. Returns how many events of it are for this sink. */
  offer(frame: Frame): number {
    if (!this.#recipient.inputs.has(frame.source)) return 0
    const counts = offeredOf(frame, this.sink.filterIndex, this.#options.index)
    const [bulk, fast] = counts
    const filtered = frame.records - bulk - fast
    this.tally.offered[BULK] += bulk
    this.tally.offered[FAST] += fast
    this.tally.filtered += filtered
    this.sink.onOffered(bulk, fast, filtered)
    if (bulk + fast === 0) return 0
    this.#offerTo(this.#bulk, frame, counts)
    if (this.#fast !== null && this.#fast.until === Infinity) this.#offerTo(this.#fast, frame, counts)
    return bulk + fast
  }

  #offerTo(track: Track, frame: Frame, counts: readonly [number, number]): void {
    if (track.backlog !== null) return
    const [bulk, fast] = within(track.lanes, counts)
    if (bulk + fast === 0) return
    if (!this.#holds.hasRoom(frame.slab)) {
      this.#goBehind(track, frame.position, track.resume, frame.receivedAtMs)
      return
    }
    const ranges = [{ first: 0, end: frame.records }]
    this.#push(track, { frame, routeBit: this.#recipient.routeBit, lanes: track.lanes, ranges, bulk, fast })
  }

  #push(track: Track, offer: Offer): void {
    track.window.push(offer)
    this.#progress.comeUpon(offer.bulk, offer.fast)
    this.sink.onFrame()
  }

  // ---- the sink's side

  takeBulk(): Taken | null {
    if (this.#bulkMustWait()) return null
    const taken = this.#bulk.window.takeBulk()
    this.#readOn()
    return this.#pass(taken)
  }

  takeFast(): Taken | null {
    if (this.#fastMustWait()) return null
    const taken = this.#bulk.window.takeFast() ?? this.#fast?.window.takeBulk() ?? null
    if (taken === null) this.#runAhead()
    else if (this.#fastIsRead && this.#fast!.window.length === 0) this.#fast = null
    this.#readOn()
    return this.#pass(taken)
  }

  #pass(taken: Taken | null): Taken | null {
    if (taken === null) return null
    this.#progress.pass(taken.events - taken.fast, taken.fast)
    this.#options.onChange()
    return taken
  }

  /** What is at hand has no fast record left, and the rest is on disk: a second track looks for them there. */
  #runAhead(): void {
    if (this.#fast !== null || this.#bulk.backlog === null || this.#stopped) return
    if (this.tally.offered[FAST] === this.#progress.seen[FAST]) return
    const fast = newTrack(LANES_FAST, this.#holds)
    const { next, receivedAtMs } = this.#bulk.backlog
    this.#goBehind(fast, next, this.#bulk.resume, receivedAtMs)
    this.#fast = fast
    this.#bulk.lanes = LANES_BULK
  }

  settle(taken: Taken, events: number): void {
    taken.unsettled -= events
    assert(taken.unsettled >= 0, 'a sink settles a record once')
    this.#options.watch.settle(taken.frame.originSequence, events)
    this.#options.onChange()
    if (taken.unsettled === 0) this.#holds.letGo(taken.frame)
  }

  defer(part: TakenPart, frame: Uint8Array, committed: () => void): void {
    const { of, events, fast } = part
    this.#options.appendDeferred(this.tally, of.frame, frame, (position) => {
      // It is come upon, and taken, once more.
      this.#progress.comeUpon(fast - events, -fast)
      this.#progress.pass(fast - events, -fast)
      of.unsettled -= events
      committed()
      this.#deferred.add(position.sequence, part)
      if (of.unsettled === 0) this.#holds.letGo(of.frame)
      this.#deferredAt(position, of.frame.receivedAtMs)
    })
  }

  /** Whoever stands at the head reads the deferred frame back from there. */
  #deferredAt(position: Position, receivedAtMs: number): void {
    for (const track of [this.#bulk, this.#fast]) {
      if (track !== null && track.backlog === null && track.until === Infinity)
        this.#goBehind(track, position, track.resume, receivedAtMs)
    }
    this.#readOn()
  }

  get caughtUp(): boolean {
    const { window, backlog } = this.#bulk
    const ahead = this.#fast === null || (this.#fast.backlog === null && this.#fast.window.length === 0)
    return this.#started && backlog === null && window.length === 0 && ahead
  }

  get backlogBytes(): number {
    const { window, backlog } = this.#bulk
    const log = this.#options
    return window.bytes + (backlog === null ? 0 : log.offsetOf(log.head()) - log.offsetOf(backlog.next))
  }

  get waiting(): number {
    return this.#bulk.window.length + (this.#fast?.window.length ?? 0)
  }

  held(): readonly [number, number] {
    const { passed } = this.#progress
    const { offered } = this.tally
    return [offered[BULK] - passed[BULK], offered[FAST] - passed[FAST]]
  }

  oldestReceivedAtMs(): readonly [number, number] {
    return oldestReceived(this.place, this.#deferred, this.held())
  }

  // ---- look-ahead

  /** What is not settled is so far behind that nothing more may be taken. */
  get blocked(): boolean {
    return this.#bulkMustWait() || this.#fastMustWait()
  }

  #bulkMustWait(): boolean {
    return this.#bulkAhead.isUsedUp(this.#placeOf(this.#bulk))
  }

  #fastMustWait(): boolean {
    return this.#fastAhead.isUsedUp(this.#placeOf(this.#fast ?? this.#bulk))
  }

  #placeOf({ backlog }: Track): Position {
    return backlog === null ? this.#options.head() : backlog.next
  }

  #lookAhead(isFast: boolean): LookAhead {
    const { lookaheadBytes, offsetOf, sink } = this.#options
    const isOfLane = ({ of }: TakenPart) => (of.lanes === LANES_FAST) === isFast
    return new LookAhead(lookaheadBytes, offsetOf, () => [...sink.unsettled()].filter(isOfLane))
  }

  // ---- reading back

  /** Reads on where there is room and something to read. */
  #readOn(): void {
    if (this.#stopped || !this.#started) return
    for (const track of [this.#fast, this.#bulk]) {
      if (track === null || track.backlog === null || track.reading || this.#retry !== null) continue
      if (track.window.bytes >= this.#options.arena.slabBytes) continue
      void this.#read(track, track.backlog)
    }
  }

  async #read(track: Track, backlog: Backlog): Promise<void> {
    const { pool, owner, arena } = this.#options
    // The last slab is for the fast cursor, which must not wait for what bulk has in flight.
    if (pool.availableFor(owner) <= (track === this.#bulk ? 1 : 0)) return
    const slab = pool.acquire(owner)
    track.reading = true
    try {
      const peek = track.lanes === LANES_FAST ? FAST_PEEK_BYTES : arena.slabBytes
      const take = (pieces: readonly Piece[]) => {
        if (!this.#stopped) for (const piece of pieces) this.#takeIn(track, slab, piece, backlog.checkpoint)
      }
      await backlog.read(arena.slabStart(slab), arena.slabBytes, peek, isSlow(track.lanes), take)
    } catch (error) {
      this.#readFailed(error)
    }
    track.reading = false
    if (!this.#stopped) {
      this.#meet()
      this.#arrive(track)
    }
    // Only now: a slab that becomes free lets tracks read on, and at the head that would never end.
    pool.release(slab)
    if (this.#stopped) await backlog.close()
    else this.#readOn()
  }

  #readFailed(error: unknown): void {
    if (this.#stopped) return
    this.#options.onReadFailing(reasonOf(error), READ_RETRY_MS)
    this.#retry = this.#options.clock.setTimeout(() => {
      this.#retry = null
      this.#readOn()
    }, READ_RETRY_MS)
  }

  #takeIn(track: Track, slab: number, piece: Piece, checkpoint: Checkpoint | null): void {
    if (piece.kind === 'damage') this.#options.onDamage(piece.damage)
    else if (piece.kind === 'frame' && piece.position.sequence < track.until)
      this.#offerPiece(track, slab, piece, checkpoint)
  }

  #offerPiece(track: Track, slab: number, piece: FramePiece, checkpoint: Checkpoint | null): void {
    const { head, at, position } = piece
    const routeBit = routeBitOf(piece, checkpoint, this.#recipient)
    if (routeBit === -1) return
    const ranges = rangesOf(track.resume, position.sequence, head.records)
    if (ranges.length === 0) return
    const { words } = this.#options.arena
    const lanes = this.#lanesAt(track, position.sequence)
    const [bulk, fast] = within(lanes, countMeant(words, { region: at, ...head }, ranges, routeBit))
    if (bulk + fast === 0) return
    const { pool, clock } = this.#options
    const name = checkpoint?.sources[head.source]?.name ?? ''
    const index = this.#options.sourceIndex(name)
    const frame = frameBack(piece, slab, clock.now(), pool, { name, index })
    this.#push(track, { frame, routeBit, lanes, ranges, bulk, fast })
  }

  /** Bulk takes the fast records too, from where the fast track has not been. */
  #lanesAt(track: Track, sequence: number): number {
    const fast = this.#fast
    if (track !== this.#bulk || fast === null) return track.lanes
    const reached = this.#reachedBy(fast)
    if (sequence < reached) return LANES_BULK
    fast.until = Math.min(fast.until, reached)
    return LANES_BOTH
  }

  /**
   * Every fast record before this sequence was taken, is at hand, or is still to be read by the fast track. As long as bulk
   * resumes an earlier run, what it looks for is not what is left of the fast lane. Behind `until` fast takes nothing.
   */
  #reachedBy({ backlog, resume, until }: Track): number {
    const read = backlog === null ? this.#options.head().sequence : backlog.next.sequence
    return Math.max(Math.min(read, until), resume.next, this.#bulk.resume.next)
  }

  /** The fast track ends where bulk has taken over. */
  #meet(): void {
    const fast = this.#fast
    if (fast === null) return
    const { backlog } = this.#bulk
    const reached = this.#reachedBy(fast)
    if (fast.until === Infinity && (backlog === null || backlog.next.sequence >= reached))
      fast.until = reached
    if (fast.until === Infinity) return
    this.#bulk.lanes = LANES_BOTH
    if (fast.reading || (fast.backlog !== null && fast.backlog.next.sequence < fast.until)) return
    void fast.backlog?.close()
    fast.backlog = null
    if (fast.window.length === 0) this.#fast = null
    if (backlog === null) this.#compare(this.#bulk)
  }

  /** The fast track has read all that it is to read. */
  get #fastIsRead(): boolean {
    return this.#fast !== null && this.#fast.backlog === null && this.#fast.until !== Infinity
  }

  /** A track that has read all there is stands at the head from now on. */
  #arrive(track: Track): void {
    const { backlog } = track
    if (backlog === null || !backlog.atHead || track.until !== Infinity) return
    void backlog.close()
    track.backlog = null
    this.#compare(track)
    this.#meet()
    this.sink.onFrame()
  }

  // ---- damage

  /**
   * At the head of the log, what was offered and was not come upon is lost. Before that nothing can be said: what was
   * deferred stands further on than where it was offered.
   */
  #compare(track: Track): void {
    const fastIsSeen =
      this.#fast === null || this.#fastIsRead || (track === this.#fast && track.until === Infinity)
    const lost = this.#progress.lost(this.tally.offered, track !== this.#fast, fastIsSeen)
    if (lost[BULK] + lost[FAST] > 0) this.sink.onDiscarded('corrupt', lost[BULK], lost[FAST])
  }

  /** For the state file. */
  get place(): ReaderPlace {
    const { voided } = this.#recipient
    return { bulk: this.#bulk, fast: this.#fast, passed: this.#progress.passed, voided }
  }

  /** Lets go of what is at hand, and of what was taken and is not settled: it stays in the log. */
  stop(): void {
    for (const { frame } of new Set([...this.sink.unsettled()].map(({ of }) => of))) this.#holds.letGo(frame)
    this.#stopped = true
    this.#retry?.clear()
    for (const track of [this.#bulk, this.#fast]) {
      if (track === null) continue
      for (const { frame } of track.window.clear()) this.#holds.letGo(frame)
      if (!track.reading) void track.backlog?.close()
    }
  }
}
