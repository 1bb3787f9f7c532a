import type { Clock } from '../../../src/base/clock.ts'

/** A way to a destination: how long requests take, and from where on it answers "throttled", or not at all. */
export interface LinkShape {
  readonly delayMs: number
  /** Mean of an exponential deviate that lengthens each delay, as a share of it. */
  readonly jitter?: number
  /** The delay grows by this share of it with each further request in flight. */
  readonly scale?: number
  /** Beyond `from` requests in flight each further one multiplies the delay. */
  readonly knee?: { readonly from: number; readonly base: number }
  /** Above so many in flight, or so many within a second. */
  readonly above?: {
    readonly concurrency?: number
    readonly perSecond?: number
    readonly action: 'defer' | 'drop'
  }
}

export type LinkAnswer = 'taken' | 'deferred'

/** A figure that changes over time: its largest value, and its mean weighted by how long each value stood. */
export class Level {
  max = 0
  readonly #clock: Clock
  readonly #fromMs: number
  #atMs: number
  #value = 0
  #area = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#fromMs = clock.now()
    this.#atMs = this.#fromMs
  }

  get value(): number {
    return this.#value
  }

  set value(value: number) {
    const nowMs = this.#clock.now()
    this.#area += this.#value * (nowMs - this.#atMs)
    this.#atMs = nowMs
    this.#value = value
    if (value > this.max) this.max = value
  }

  /** From its first moment until now. */
  get mean(): number {
    this.value = this.#value
    return this.#area / (this.#atMs - this.#fromMs)
  }
}

/** The link of the published cases of adaptive concurrency, written from their description. */
export class LinkModel {
  /** Requests that it works on; what it dropped isn't among them. */
  readonly inFlight: Level
  readonly #shape: LinkShape
  readonly #clock: Clock
  readonly #random: () => number
  /** By when they are due: what is answered at one moment is read at once. */
  readonly #due = new Map<number, (() => void)[]>()
  #arrivals: number[] = []

  constructor(shape: LinkShape, clock: Clock, random: () => number) {
    this.#shape = shape
    this.#clock = clock
    this.#random = random
    this.inFlight = new Level(clock)
  }

  /** A request arrives. Never answered where it is dropped. */
  send(answered: (answer: LinkAnswer) => void): void {
    const { delayMs, above } = this.#shape
    const level = this.inFlight.value + 1
    const tooMany =
      level > (above?.concurrency ?? Infinity) || this.#arrivedInASecond() > (above?.perSecond ?? Infinity)
    if (tooMany && above!.action === 'drop') return
    const rttMs = tooMany ? delayMs : this.#delayMs(level)
    this.inFlight.value = level
    this.#answer(rttMs, () => answered(tooMany ? 'deferred' : 'taken'))
  }

  #answer(afterMs: number, answer: () => void): void {
    const atMs = this.#clock.now() + afterMs
    const together = this.#due.get(atMs)
    if (together !== undefined) {
      together.push(answer)
      return
    }
    const answers = [answer]
    this.#due.set(atMs, answers)
    this.#clock.setTimeout(() => {
      this.#due.delete(atMs)
      this.inFlight.value -= answers.length
      for (const each of answers) each()
    }, afterMs)
  }

  #arrivedInASecond(): number {
    const nowMs = this.#clock.now()
    this.#arrivals.push(nowMs)
    this.#arrivals = this.#arrivals.filter((atMs) => atMs > nowMs - 1000)
    return this.#arrivals.length
  }

  #delayMs(level: number): number {
    const { delayMs, jitter = 0, scale = 0, knee } = this.#shape
    const beyond = knee === undefined ? 0 : Math.max(0, level - knee.from)
    return (
      delayMs *
      (1 + scale * (level - 1)) *
      (knee?.base ?? 1) ** beyond *
      (1 - jitter * Math.log(1 - this.#random()))
    )
  }
}
