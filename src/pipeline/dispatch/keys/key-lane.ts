import type { LaneIndex, Taken } from '../../../journal/log.ts'
import type { Batch, Part } from '../batch.ts'
import type { Limiter } from '../limits/limiter.ts'
import { Fifo } from './fifo.ts'
import { KeyQueue } from './key-queue.ts'
import type { BatchShape } from './key-queue.ts'
import { WakeTimes } from './wake-times.ts'

/** Frames looked at for something that waits for a limit, from the oldest on. */
const LOOK_AT_FRAMES_MAX = 4

/** A frame of which something waits, and the queues that it waits in. */
interface WaitingFrame {
  readonly queues: KeyQueue[]
  /** Events of it in no batch. */
  left: number
}

/** Records of one frame that wait for limits of their keys. */
export interface Withdrawable {
  readonly of: Taken
  readonly queues: readonly KeyQueue[]
}

export interface KeyLaneOptions {
  readonly lane: LaneIndex
  readonly shape: BatchShape
  readonly limiter: Limiter
  /** No while another batch of that key must go first. */
  readonly mayCut: (key: string) => boolean
}

/**
 * The keys of one lane that something waits for. They take turns; one that can't go costs nothing until it can: it sleeps
 * until its batch is old enough or its limit lets it go.
 *
 *     push -> ready -> cut, and to the end of the line with the rest
 *              ^ |---> asleep (time)
 *              '-|---> barred (a batch of that key): asked again after `recheck`
 */
export class KeyLane {
  readonly #options: KeyLaneOptions
  readonly #queues = new Map<string, KeyQueue>()
  readonly #ready = new Fifo<KeyQueue>()
  readonly #asleep = new WakeTimes<KeyQueue>()
  readonly #barred = new Set<KeyQueue>()
  /** In the order that they were taken in. */
  readonly #frames = new Map<Taken, WaitingFrame>()
  #recheck = false
  #forLimit = 0
  /** Pieces of frames that wait. */
  portions = 0

  constructor(options: KeyLaneOptions) {
    this.#options = options
  }

  get empty(): boolean {
    return this.#queues.size === 0
  }

  /** Keys that wait for a limit, or for another batch of theirs. */
  get waitingKeys(): number {
    return this.#forLimit + this.#barred.size
  }

  /** When time alone next lets something go; Infinity if never. */
  get nextMs(): number {
    return this.#asleep.nextMs
  }

  queueOf(key: string): KeyQueue | undefined {
    return this.#queues.get(key)
  }

  /** What was taken, or the records of it that are picked, waits for this key. */
  push(of: Taken, key: string, pick: Uint16Array | null): void {
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new KeyQueue(key, this.#options.lane, this.#options.shape)
      this.#queues.set(key, queue)
    }
    let frame = this.#frames.get(of)
    if (frame === undefined) {
      frame = { queues: [], left: 0 }
      this.#frames.set(of, frame)
    }
    frame.queues.push(queue)
    frame.left += pick === null ? of.events : pick.length
    this.#changes(queue, () => queue.push(of, pick))
    if (queue.state === 'idle') this.#makeReady(queue)
    else if (queue.full && queue.sleepsFor === 'age') this.wake(queue)
  }

  /** The next batch of whoever's turn it is and may go; null when nobody may. */
  take(nowMs: number, flush: boolean): Batch | null {
    if (this.#recheck) this.#askBarred()
    if (flush) this.#wakeYoung()
    for (let queue = this.#asleep.wake(nowMs); queue !== null; queue = this.#asleep.wake(nowMs))
      this.#awake(queue)
    for (let queue = this.#ready.shift(); queue !== undefined; queue = this.#ready.shift()) {
      queue.state = 'idle'
      if (queue.events > 0 && this.#mayGo(queue, nowMs, flush)) return this.#cut(queue)
    }
    return null
  }

  /** A batch of anything, whatever its limit: it is not going to be sent. */
  takeAny(): Batch | null {
    for (const queue of this.#queues.values()) return this.#cut(queue)
    return null
  }

  /** Batches were sent or settled: who was barred may go the next time. */
  recheck(): void {
    this.#recheck = true
  }

  /** It need not sleep any longer. */
  wake(queue: KeyQueue): void {
    if (queue.state !== 'asleep') return
    this.#asleep.delete(queue)
    this.#awake(queue)
  }

  /** Of the oldest frames, the first with records that wait for their keys' limits. */
  withdrawable(): Withdrawable | null {
    let looks = LOOK_AT_FRAMES_MAX
    for (const [of, { queues }] of this.#frames) {
      if (looks-- === 0) return null
      const waiting = queues.filter((queue) => isWaiting(queue) && queue.oldest === of.frame)
      if (waiting.length > 0) return { of, queues: waiting }
    }
    return null
  }

  withdraw({ of, queues }: Withdrawable): Part[] {
    const parts: Part[] = []
    for (const queue of queues) {
      this.#changes(queue, () => parts.push(...queue.withdraw(of)))
      if (queue.events === 0) this.#forget(queue)
    }
    this.#batched(parts)
    return parts
  }

  /** Everything that waits here. */
  *unbatched(): Generator<Part> {
    for (const queue of this.#queues.values()) yield* queue.unbatched()
  }

  #mayGo(queue: KeyQueue, nowMs: number, flush: boolean): boolean {
    const { limiter, mayCut } = this.#options
    if (!flush && nowMs < queue.notBeforeMs) return this.#sleep(queue, 'limit', queue.notBeforeMs)
    if (!queue.full && !flush && nowMs < queue.dueAtMs) return this.#sleep(queue, 'age', queue.dueAtMs)
    if (!mayCut(queue.key)) {
      queue.state = 'barred'
      this.#barred.add(queue)
      return false
    }
    const waitMs = limiter.ownWaitMs(queue.key, queue, nowMs)
    // A timer has whole milliseconds.
    return waitMs === 0 || this.#sleep(queue, 'limit', nowMs + Math.max(1, Math.ceil(waitMs)))
  }

  #sleep(queue: KeyQueue, sleepsFor: KeyQueue['sleepsFor'], untilMs: number): false {
    queue.state = 'asleep'
    queue.sleepsFor = sleepsFor
    if (sleepsFor === 'limit') this.#forLimit++
    this.#asleep.add(queue, untilMs)
    return false
  }

  #awake(queue: KeyQueue): void {
    if (queue.sleepsFor === 'limit') this.#forLimit--
    this.#makeReady(queue)
  }

  #makeReady(queue: KeyQueue): void {
    queue.state = 'ready'
    this.#ready.push(queue)
  }

  #askBarred(): void {
    this.#recheck = false
    for (const queue of this.#barred) this.#makeReady(queue)
    this.#barred.clear()
  }

  /** Batches need not grow old any more. */
  #wakeYoung(): void {
    if (this.#asleep.size === this.#forLimit) return
    for (const queue of this.#asleep.items.filter(({ sleepsFor }) => sleepsFor === 'age')) this.wake(queue)
  }

  #cut(queue: KeyQueue): Batch {
    let batch: Batch | null = null
    this.#changes(queue, () => (batch = queue.cut()))
    this.#batched(batch!.parts)
    if (queue.events === 0) this.#forget(queue)
    else if (queue.state === 'idle') this.#makeReady(queue)
    return batch!
  }

  /** Nothing is left in it. In the line of those who are ready it is passed over. */
  #forget(queue: KeyQueue): void {
    this.#queues.delete(queue.key)
    this.#barred.delete(queue)
    if (queue.state === 'asleep') {
      this.#asleep.delete(queue)
      if (queue.sleepsFor === 'limit') this.#forLimit--
    }
    queue.state = 'idle'
  }

  #batched(parts: readonly Part[]): void {
    for (const { of, events } of parts) {
      const frame = this.#frames.get(of)!
      frame.left -= events
      if (frame.left === 0) this.#frames.delete(of)
    }
  }

  #changes(queue: KeyQueue, change: () => void): void {
    this.portions -= queue.portions
    change()
    this.portions += queue.portions
  }
}

/** For a limit, or for another batch of its key; not for company. */
function isWaiting({ state, sleepsFor }: KeyQueue): boolean {
  return state === 'barred' || (state === 'asleep' && sleepsFor === 'limit')
}
