import type { Outcome, ItemVerdict } from '../../../../src/pipeline/sink.ts'
import type { Dice } from '../../../journal/simulation/dice.ts'

/** What may be wrong with a receiver for a while. */
export const TROUBLES = [
  'down',
  'silent',
  'unavailable',
  'throttling',
  'flapping',
  'half',
  'reset',
  'locked',
  'refusing',
  'drip',
] as const
export type Trouble = (typeof TROUBLES)[number]

export interface TroubledTime {
  readonly trouble: Trouble
  readonly fromMs: number
  readonly untilMs: number
  /** It names a time to come back at, where it refuses for the load. */
  readonly says: boolean
}

/** What a receiver is like for good. */
export interface ReceiverNature {
  readonly latencyMs: number
  /** Mean of an exponential deviate, as a share of the latency. */
  readonly jitter: number
  /** The latency grows by this share of it with each further request. */
  readonly scale: number
  /** What it takes: requests above are answered 429. */
  readonly cap: null | { readonly perSecond: number; readonly burst: number; readonly says: boolean }
  /** Events that it refuses: each so many-th; 0: none. */
  readonly guiltyEach: number
  /** It answers for each event; else one event refuses its request. */
  readonly byItem: boolean
  readonly bodyBytesMax: number
  readonly troubles: readonly TroubledTime[]
}

export interface Arrival {
  readonly ids: readonly number[]
  readonly bytes: number
  readonly atMs: number
  /** Above what it takes, as it arrived. */
  readonly capped: Outcome | null
}

/** Ids of events that no receiver finds guilty: those that end a life. */
export const INNOCENT_FROM = 1_000_000_007

const ACK: Outcome = { kind: 'ack' }
const FLAP_MS = 700

/**
 * A receiver in virtual time. Whether it takes a request is decided when it answers, but for its cap: so while it refuses
 * everything nothing is accepted, whatever was under way.
 */
export class Receiver {
  readonly nature: ReceiverNature
  /** Events that it has, and how often each came. */
  readonly has = new Map<number, number>()
  capped = 0
  readonly #dice: Dice
  #tokens: number
  #tokensAtMs = 0
  #open = 0

  constructor(nature: ReceiverNature, dice: Dice) {
    this.nature = nature
    this.#dice = dice
    this.#tokens = nature.cap?.burst ?? 0
  }

  /** When the last of its troubles is over. */
  get healsAtMs(): number {
    return Math.max(0, ...this.nature.troubles.map(({ untilMs }) => untilMs))
  }

  isGuilty(id: number): boolean {
    const { guiltyEach } = this.nature
    return guiltyEach > 0 && id < INNOCENT_FROM && id % guiltyEach === 0
  }

  arrives(ids: readonly number[], bytes: number, atMs: number): Arrival {
    this.#open++
    return { ids, bytes, atMs, capped: this.#overCap(atMs) }
  }

  /** How long it takes to answer; Infinity: for ever. */
  latencyMs(arrival: Arrival, timeoutMs: number): number {
    const { latencyMs, jitter, scale } = this.nature
    const trouble = this.troubleAt(arrival.atMs)?.trouble
    if (trouble === 'silent') return Infinity
    if (trouble === 'down') return 1
    if (trouble === 'drip') return timeoutMs * (0.3 + 0.9 * this.#dice.random())
    if (arrival.capped !== null) return 1 + this.#dice.random() * latencyMs
    return latencyMs * (1 + scale * (this.#open - 1)) * (1 - jitter * Math.log(1 - this.#dice.random()))
  }

  /** It answers, or the client has lost patience. */
  answers(arrival: Arrival, nowMs: number): Outcome {
    const time = this.troubleAt(nowMs)
    const outcome = arrival.capped ?? this.#inTrouble(arrival, time, nowMs) ?? this.#judge(arrival)
    this.ends()
    return outcome
  }

  /** The client has lost patience; it may have taken the events all the same. */
  ends(): void {
    this.#open--
  }

  /** What its health page says. */
  isWell(nowMs: number): boolean {
    const trouble = this.troubleAt(nowMs)?.trouble
    return trouble === undefined || trouble === 'half' || trouble === 'refusing' || trouble === 'reset'
  }

  troubleAt(nowMs: number): TroubledTime | undefined {
    return this.nature.troubles.find(({ fromMs, untilMs }) => nowMs >= fromMs && nowMs < untilMs)
  }

  #overCap(nowMs: number): Outcome | null {
    const { cap } = this.nature
    if (cap === null) return null
    this.#tokens = Math.min(cap.burst, this.#tokens + ((nowMs - this.#tokensAtMs) * cap.perSecond) / 1000)
    this.#tokensAtMs = nowMs
    if (this.#tokens >= 1) {
      this.#tokens--
      return null
    }
    this.capped++
    return throttled(cap.says ? ((1 - this.#tokens) * 1000) / cap.perSecond : null)
  }

  #inTrouble(arrival: Arrival, time: TroubledTime | undefined, nowMs: number): Outcome | null {
    if (time === undefined) return null
    const dice = this.#dice
    const { trouble, says, fromMs } = time
    const afterMs = says ? 200 + dice.below(4000) : null
    switch (trouble) {
      case 'down':
        return { kind: 'retry', category: 'connect', reason: 'connection refused' }
      case 'unavailable':
        return unavailable(afterMs)
      case 'throttling':
        return dice.chance(0.9) ? throttled(afterMs) : null
      case 'flapping':
        return Math.floor((nowMs - fromMs) / FLAP_MS) % 2 === 0 ? unavailable(null) : null
      case 'half':
        return this.#half(arrival, afterMs)
      case 'reset':
        this.#take(arrival.ids)
        return { kind: 'retry', category: 'reset', reason: 'connection reset' }
      case 'locked':
        return { kind: 'hold', reason: 'token expired', status: 401 }
      case 'refusing':
        return this.#refuseAll(arrival)
      default:
        return null
    }
  }

  #half({ ids }: Arrival, afterMs: number | null): Outcome {
    const items: ItemVerdict[] = []
    for (const [index, id] of ids.entries()) {
      if (this.isGuilty(id)) items.push({ index, ...BAD_FIELD })
      else if (this.#dice.chance(0.5)) items.push({ index, kind: 'retry', reason: 'queue full', status: 429 })
      else this.#take([id])
    }
    if (items.length === 0) return ACK
    return { kind: 'partial', items, ...(afterMs === null ? {} : { afterMs }) }
  }

  #refuseAll({ ids }: Arrival): Outcome {
    const refusal = { kind: 'reject', reason: 'bad request', status: 400 } as const
    if (!this.nature.byItem) return refusal
    return { kind: 'partial', items: ids.map((_, index) => ({ index, ...refusal })) }
  }

  #judge({ ids, bytes }: Arrival): Outcome {
    const { byItem, bodyBytesMax } = this.nature
    if (bytes > bodyBytesMax) return { kind: 'reject', reason: 'too large', status: 413 }
    const guilty = ids.filter((id) => this.isGuilty(id))
    if (guilty.length > 0 && !byItem) return BAD_FIELD
    this.#take(ids.filter((id) => !this.isGuilty(id)))
    if (guilty.length === 0) return ACK
    const { reason, status } = BAD_FIELD
    const itemOf = (id: number): ItemVerdict => ({ index: ids.indexOf(id), kind: 'reject', reason, status })
    return { kind: 'partial', items: guilty.map((id) => itemOf(id)) }
  }

  #take(ids: readonly number[]): void {
    for (const id of ids) this.has.set(id, (this.has.get(id) ?? 0) + 1)
  }
}

const BAD_FIELD = { kind: 'reject', reason: 'bad field', status: 400 } as const

function throttled(afterMs: number | null): Outcome {
  const named = afterMs === null ? {} : { afterMs: Math.ceil(afterMs) }
  return { kind: 'retry', category: 'throttled', reason: 'slow down', status: 429, ...named }
}

function unavailable(afterMs: number | null): Outcome {
  const named = afterMs === null ? {} : { afterMs }
  return { kind: 'retry', category: 'server_error', reason: 'unavailable', status: 503, ...named }
}
