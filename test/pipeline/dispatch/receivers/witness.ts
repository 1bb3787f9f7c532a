import assert from 'node:assert/strict'
import { WAITING_MAX } from '../../../../src/pipeline/dispatch/roster.ts'
import type { Outcome } from '../../../../src/pipeline/sink.ts'
import type { Rig } from '../rig.ts'
import type { Scenario } from './scenario.ts'
import { LimitsWitness } from './limits-witness.ts'
import type { Receiver } from './receiver.ts'

const CONCURRENCY_MAX = 200
/** Innocent events in a life that may be given up. */
const MISTAKEN_MAX = 8

interface Offered {
  readonly source: number
  readonly tenant: string
  /** Order of commit within its source. */
  readonly place: number
  state: 'held' | 'delivered' | 'dead'
  inFlight: number
  /** By which answer it was first refused, in a batch or alone; -1: it was not. */
  refusedAt: number
  /** It was refused, or in a batch of which only some was taken: others may pass it. */
  apart: boolean
  /** The last answer refused it by itself. */
  refusedAlone: boolean
  /** Requests sent by when it was refused the last time but one, in a batch or alone. */
  refusedBefore: number
  /** Requests sent by when it was refused last; Infinity: it was not. */
  refusedLast: number
  /** Times that it was refused by itself. */
  refusals: number
}

/** Knows what was offered, and watches every request and every answer: throws where a promise is broken. */
export class Witness {
  readonly #scenario: Scenario
  readonly #rig: Rig
  readonly #receiver: Receiver
  readonly #limits: LimitsWitness
  readonly offered = new Map<number, Offered>()
  readonly #bySource = new Map<number, Offered[]>()
  /** By source, for order: everything before is settled or set apart. */
  readonly #settledUpTo = new Map<number, number>()
  #open = 0
  #answers = 0
  /** The last answer by which something was accepted. */
  #acceptedAt = -1
  /** The latest request of which something was accepted. */
  #acceptedRequest = 0
  #pause = { fromMs: -Infinity, untilMs: -Infinity }
  #heldSinceMs = Infinity
  #probeFromMs = Infinity
  #breaker = { state: 'closed', probeAtMs: 0 }
  #healthProbes = 0
  #letters = 0
  delivered = 0
  /** Events given up that the receiver would have taken another time. */
  mistaken = 0
  sent = 0
  /** When something was first accepted after the receiver healed. */
  recoveredAtMs: number | null = null
  /** A pause that was named, and is not over, when the receiver heals. */
  pauseAtHealMs = 0

  constructor(scenario: Scenario, rig: Rig, receiver: Receiver) {
    this.#scenario = scenario
    this.#rig = rig
    this.#receiver = receiver
    this.#limits = new LimitsWitness(scenario.config, rig.clock.now())
  }

  offer(id: number, source: number, tenant: string): void {
    let inSource = this.#bySource.get(source)
    if (inSource === undefined) this.#bySource.set(source, (inSource = []))
    const event: Offered = {
      source,
      tenant,
      place: inSource.length,
      state: 'held',
      inFlight: 0,
      refusedAt: -1,
      apart: false,
      refusedAlone: false,
      refusedBefore: Infinity,
      refusedLast: Infinity,
      refusals: 0,
    }
    inSource.push(event)
    this.offered.set(id, event)
  }

  get settled(): number {
    return this.delivered + this.#letters
  }

  get onlyGuiltyLeft(): boolean {
    if (this.#heldSinceMs === Infinity) return false
    for (const [id, { state, refusals }] of this.offered)
      if (state === 'held' && (refusals === 0 || !this.#receiver.isGuilty(id))) return false
    return true
  }

  // --- what the dispatcher tells

  breakerChanged(state: string, probeInMs: number): void {
    this.#breaker = { state, probeAtMs: this.#rig.clock.now() + probeInMs }
  }

  held(): void {
    this.#heldSinceMs = Math.min(this.#heldSinceMs, this.#rig.clock.now())
    this.#probeFromMs = this.#rig.clock.now() + this.#scenario.config.retry.maxMs
  }

  resumed(): void {
    this.#heldSinceMs = Infinity
  }

  // --- requests

  sends(ids: readonly number[], bytes: number): void {
    const nowMs = this.#rig.clock.now()
    this.#checkLetters()
    this.sent++
    this.#open++
    for (const id of ids) {
      const event = this.offered.get(id)
      assert(event !== undefined, `event ${id} was never offered`)
      assert.equal(event.state, 'held', `event ${id} is settled, and sent again`)
      event.inFlight++
      assert.equal(event.inFlight, 1, `event ${id} is in two requests at once`)
    }
    this.#checkTime(nowMs)
    this.#checkOrder(ids)
    this.#limits.sent(this.#keyOf(ids), ids.length, bytes, nowMs)
    const { concurrency } = this.#scenario.config.request
    assert(this.#open <= (concurrency === 'adaptive' ? CONCURRENCY_MAX : concurrency), 'concurrency')
  }

  healthProbe(): void {
    const nowMs = this.#rig.clock.now()
    this.#healthProbes++
    assert(this.#healthProbes === 1 && this.#open === 0, 'a health probe goes alone')
    this.#checkTime(nowMs)
    if ((this.#scenario.config.rateLimit?.per ?? 'sink') === 'sink') this.#limits.sent('', 0, 0, nowMs)
  }

  healthAnswer(): void {
    this.#healthProbes--
  }

  /** @param request its number, counted from 1. */
  answers(request: number, ids: readonly number[], outcome: Outcome): void {
    const nowMs = this.#rig.clock.now()
    this.#open--
    this.#answers++
    const accepted = this.#settle(ids, outcome)
    if (accepted > 0) {
      this.#acceptedAt = this.#answers
      this.#acceptedRequest = Math.max(this.#acceptedRequest, request)
    }
    if (accepted > 0 && nowMs >= this.#receiver.healsAtMs) this.recoveredAtMs ??= nowMs
    if (accepted === 0 && this.#heldSinceMs < Infinity)
      this.#probeFromMs = nowMs + this.#scenario.config.retry.maxMs
    if ('afterMs' in outcome && outcome.afterMs !== undefined) {
      this.#pause = { fromMs: nowMs, untilMs: Math.max(this.#pause.untilMs, nowMs + outcome.afterMs) }
      if (nowMs < this.#receiver.healsAtMs)
        this.pauseAtHealMs = this.#pause.untilMs - this.#receiver.healsAtMs
    }
  }

  /** How many events of a request are accepted by an answer. */
  #settle(ids: readonly number[], outcome: Outcome): number {
    const items = new Map(
      outcome.kind === 'partial' ? outcome.items.map((item) => [item.index, item.kind]) : [],
    )
    let accepted = 0
    for (const [index, id] of ids.entries()) {
      const event = this.offered.get(id)!
      event.inFlight--
      const verdict = outcome.kind === 'partial' ? (items.get(index) ?? 'ack') : outcome.kind
      if (outcome.kind === 'partial' || outcome.kind === 'reject') event.apart = true
      if (verdict === 'ack') {
        event.state = 'delivered'
        this.delivered++
        accepted++
      } else if (verdict === 'reject') {
        if (event.refusedAt === -1) event.refusedAt = this.#answers
        event.refusedAlone = ids.length === 1 || outcome.kind === 'partial'
        if (event.refusedAlone) event.refusals++
        event.refusedBefore = event.refusedLast
        event.refusedLast = this.sent
      }
    }
    return accepted
  }

  #checkTime(nowMs: number): void {
    const { fromMs, untilMs } = this.#pause
    assert(nowMs <= fromMs || nowMs >= untilMs, `sent ${untilMs - nowMs} ms before the pause is over`)
    const { state, probeAtMs } = this.#breaker
    assert(state !== 'open', 'the breaker is open')
    const alone = this.#open + this.#healthProbes === 1
    if (state === 'half_open') {
      assert(alone, 'a probe goes alone')
      assert(nowMs >= probeAtMs - 1e-6, `a probe ${probeAtMs - nowMs} ms too early`)
    }
    if (this.#heldSinceMs === Infinity || this.#healthProbes > 0) return
    assert(alone, 'on hold a probe goes alone')
    assert(nowMs >= this.#probeFromMs - 1e-6, `on hold, a probe ${this.#probeFromMs - nowMs} ms too early`)
  }

  #keyOf(ids: readonly number[]): string {
    const { per = 'sink' } = this.#scenario.config.rateLimit ?? {}
    const isByKey = per !== 'sink' || this.#scenario.config.order === 'per_source'
    if (!isByKey) return ''
    const keyOf = (id: number) => {
      const { source, tenant } = this.offered.get(id)!
      return typeof per === 'object' ? tenant : String(source)
    }
    const keys = new Set(ids.map(keyOf))
    if (keys.size > 1) {
      assert(typeof per === 'object' && this.#scenario.failingTasks, 'a batch has one key')
      return ''
    }
    return per === 'sink' ? '' : [...keys][0]!
  }

  /** In order: what is sent of a source has nothing before it that is not settled, sent with it, or apart. */
  #checkOrder(ids: readonly number[]): void {
    if (this.#scenario.config.order !== 'per_source') return
    const { source } = this.offered.get(ids[0]!)!
    const inSource = this.#bySource.get(source)!
    let from = this.#settledUpTo.get(source) ?? 0
    while (from < inSource.length && inSource[from]!.state !== 'held') from++
    this.#settledUpTo.set(source, from)
    const sent = new Set(ids.map((id) => this.offered.get(id)!.place))
    const last = Math.max(...sent)
    for (const event of inSource.slice(from, last))
      assert(
        event.state !== 'held' || event.apart || sent.has(event.place),
        `in order: ${event.place} of source ${source} is still held, ${last} is sent`,
      )
    let place = -1
    for (const id of ids) {
      const event = this.offered.get(id)!
      assert(event.apart || event.place > place, 'in order within a batch')
      place = Math.max(place, event.place)
    }
  }

  // --- after every step

  check(): void {
    const { rig, delivered } = { rig: this.#rig, delivered: this.delivered }
    assert.deepEqual(rig.ledger.imbalances(), [], 'the ledger balances')
    assert.equal(
      rig.counts.delivered[0]! + rig.counts.delivered[1]!,
      delivered,
      'delivered is what was accepted',
    )
    this.#checkLetters()
    const { batches } = rig.dispatcher.status()
    const { concurrency } = this.#scenario.config.request
    // Those in flight may join those that wait, and so may one that each lane may always have.
    const retryingMax = WAITING_MAX + (concurrency === 'adaptive' ? CONCURRENCY_MAX : concurrency) + 2
    assert(batches.retrying <= retryingMax, `${batches.retrying} batches wait`)
    assert(batches.sending + batches.ready <= CONCURRENCY_MAX + 2)
    assert(batches.refused <= 400, `${batches.refused} parked`)
  }

  #checkLetters(): void {
    const { lines } = this.#rig.letters
    for (; this.#letters < lines.length; this.#letters++) this.#checkLetter(lines[this.#letters]!)
  }

  #checkLetter({ record, category, reason }: Rig['letters']['lines'][number]): void {
    const { id } = JSON.parse(record) as { id: number }
    const event = this.offered.get(id)!
    assert.equal(event.state, 'held', `event ${id} is settled once`)
    event.state = 'dead'
    if (category === 'expired') assert(this.#scenario.config.retry.maxAgeMs !== undefined)
    if (category !== 'refused') return
    assert(event.refusedAlone, `event ${id} was not refused by itself`)
    assert(this.#acceptedAt >= event.refusedAt, `event ${id} refused by one that accepted nothing`)
    if (this.#receiver.isGuilty(id) || reason === 'too large') return
    // It began to refuse everything while the last piece of what it had a reason to refuse was under way; or there was
    // nothing else to tell that by.
    const isLastPiece = this.#acceptedRequest > event.refusedBefore
    assert(isLastPiece || event.refusals > 1, `event ${id} is innocent, and dead: ${reason}`)
    this.mistaken++
    assert(this.mistaken <= MISTAKEN_MAX, `${this.mistaken} innocent events are dead`)
  }

  /** @param isAllSettled nothing may be left. */
  checkEnd(isAllSettled: boolean): void {
    const states = { held: 0, delivered: 0, dead: 0 }
    for (const event of this.offered.values()) states[event.state]++
    const [bulk, fast] = this.#rig.counts.held()
    assert.equal(bulk + fast, states.held, 'the rest is held')
    if (isAllSettled) assert.equal(states.held, 0, 'every event is settled')
    for (const [id, { state }] of this.offered)
      if (state === 'delivered') assert(this.#receiver.has.has(id), `event ${id} is not there`)
    assert.equal(this.#open, 0, 'nothing is open')
  }
}
