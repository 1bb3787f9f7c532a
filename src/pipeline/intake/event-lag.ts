import { LOG_BUCKETS, LOG_VALUE_MAX, logBucketOf, logQuantile } from '../../base/log-histogram.ts'
import type { Clock } from '../../base/clock.ts'
import type { Frame } from '../../journal/frame.ts'
import { recordWord } from '../../memory/frame-region.ts'

/** An event with a time so much later than its arrival has a clock that can't be relied on. */
export const AHEAD_MS = 1000
/** What is told of lies between one minute and 10 s more back. */
const SLOT_MS = 10_000
const SLOTS = 7
/** Times in a table are unsigned; with this bit turned over, they compare as the signed words that they are read as. */
const SIGN = 1 << 31
/** A time in a table, so turned, that stands for more milliseconds after the frame's first event than can be noted. */
const NOT_NOTED = 0x7fffffff
/** Of frames with so many events, one in some is in the quantiles; maxima are of all. Prime: sources take turns. */
const SAMPLED_FROM = 512
const SAMPLE_EVERY = 7

/** In milliseconds; quantiles rounded up by at most an eighth. */
export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface LagSummary {
  /** Events measured. */
  readonly events: number
  /** From the time that an event has of its own to when it was received. */
  readonly lagMs: Spread
  /** How far an event's own time lies behind the newest one of its source before it; 0 for events in order. */
  readonly skewMs: Spread
}

export interface EventLagStatus {
  readonly lastMinute: LagSummary
  readonly sinceStart: LagSummary
  /** Events without a time of their own, or with one that its frame could not note; in no other figure. */
  readonly untimed: number
  /** Events with a time more than `AHEAD_MS` after they were received; in no other figure. */
  readonly ahead: number
}

/** Counts of some seconds: by bucket, of lag and of skew. */
class Slot<Counts extends Int32Array | Float64Array> {
  readonly lag: Counts
  readonly skew: Counts
  events = 0
  lagMaxMs = 0
  skewMaxMs = 0
  /** Which stretch of `SLOT_MS` it is about. */
  number = -1

  constructor(lag: Counts, skew: Counts) {
    this.lag = lag
    this.skew = skew
  }

  add({ lag, skew, events, lagMaxMs, skewMaxMs }: Slot<Int32Array | Float64Array>): void {
    for (let bucket = 0; bucket < LOG_BUCKETS; bucket++) {
      this.lag[bucket]! += lag[bucket]!
      this.skew[bucket]! += skew[bucket]!
    }
    this.events += events
    this.lagMaxMs = Math.max(this.lagMaxMs, lagMaxMs)
    this.skewMaxMs = Math.max(this.skewMaxMs, skewMaxMs)
  }

  restart(number: number): void {
    this.lag.fill(0)
    this.skew.fill(0)
    this.events = this.lagMaxMs = this.skewMaxMs = 0
    this.number = number
  }

  summary(): LagSummary {
    const { events, lag, skew, lagMaxMs, skewMaxMs } = this
    return { events, lagMs: spread(lag, lagMaxMs), skewMs: spread(skew, skewMaxMs) }
  }
}

/** Adds up over any time. */
function newTotal(): Slot<Float64Array> {
  return new Slot(new Float64Array(LOG_BUCKETS), new Float64Array(LOG_BUCKETS))
}

/** Integers: the hot loop counts in them three times as fast. */
function newSlot(): Slot<Int32Array> {
  return new Slot(new Int32Array(LOG_BUCKETS), new Int32Array(LOG_BUCKETS))
}

/**
 * How late the events of one source come, and how far out of order, by their own times: what the correlation window of a
 * SIEM has to cover. Taken from the tables of frames as they are committed; a few nanoseconds an event.
 */
export class EventLag {
  readonly #clock: Clock
  readonly #slots = Array.from({ length: SLOTS }, newSlot)
  readonly #before = newTotal()
  /** Of the events so far, those ahead of their arrival apart: one broken clock must not make all others late. */
  #newestMs = -Infinity
  #untimed = 0
  #ahead = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * A frame was committed; its table stands in `words`. `untimed`: of its events, those that got the time of their arrival
   * for want of one.
   */
  committed(frame: Frame, untimed: number, words: Int32Array): void {
    const { records, firstTimeMs, receivedAtMs } = frame
    // Times of this frame count from its first event, as in the table.
    const receivedMs = Math.trunc(receivedAtMs - firstTimeMs)
    if (receivedMs + AHEAD_MS < 0) {
      this.#ahead += records
      return
    }
    const slot = this.#slotNow()
    const { lag, skew } = slot
    const received = noted(receivedMs)
    const latest = noted(receivedMs + AHEAD_MS)
    let newest = noted(this.#newestMs - firstTimeMs)
    let oldest = received
    let skewMax = SIGN
    let left = untimed
    let ahead = 0
    let notNoted = 0
    const weight = records < SAMPLED_FROM ? 1 : SAMPLE_EVERY
    let untilSample = 1
    // Signed 32-bit integers only, whatever the bits mean: this is all that the main thread does for each event.
    const first = recordWord(frame.region, frame.runs, 0) + 2
    const end = first + 4 * records
    for (let word = first; word < end; word += 4) {
      const time = words[word]! ^ SIGN
      if (time > latest) {
        ahead++
      } else if (time === received && left > 0) {
        left--
      } else if (time === NOT_NOTED) {
        notNoted++
      } else {
        if (time < oldest) oldest = time
        if (time > newest) newest = time
        const behind = (newest - time) | 0
        if ((behind ^ SIGN) > skewMax) skewMax = behind ^ SIGN
        if (--untilSample === 0) {
          untilSample = weight
          lag[logBucketOf(time < received ? (received - time) | 0 : 0)]! += weight
          skew[logBucketOf(behind)]! += weight
        }
      }
    }
    const unmeasured = untimed - left + notNoted
    this.#untimed += unmeasured
    this.#ahead += ahead
    if (unmeasured + ahead === records) return
    slot.events += records - unmeasured - ahead
    slot.lagMaxMs = Math.max(slot.lagMaxMs, received - oldest)
    slot.skewMaxMs = Math.max(slot.skewMaxMs, skewMax - SIGN)
    this.#newestMs = Math.max(this.#newestMs, firstTimeMs + (newest - SIGN))
  }

  status(): EventLagStatus {
    const oldest = this.#numberNow() - SLOTS
    const lastMinute = newTotal()
    const sinceStart = newTotal()
    sinceStart.add(this.#before)
    for (const slot of this.#slots) {
      sinceStart.add(slot)
      if (slot.number > oldest) lastMinute.add(slot)
    }
    return {
      lastMinute: lastMinute.summary(),
      sinceStart: sinceStart.summary(),
      untimed: this.#untimed,
      ahead: this.#ahead,
    }
  }

  #numberNow(): number {
    return Math.floor(this.#clock.now() / SLOT_MS)
  }

  #slotNow(): Slot<Int32Array> {
    const number = this.#numberNow()
    const slot = this.#slots[number % SLOTS]!
    if (slot.number !== number) {
      this.#before.add(slot)
      slot.restart(number)
    }
    return slot
  }
}

/** As a time of the table, as far as one can be that. */
function noted(delayMs: number): number {
  return Math.min(Math.max(0, delayMs), LOG_VALUE_MAX) ^ SIGN
}

function spread(counts: Int32Array | Float64Array, max: number): Spread {
  const upTo = (share: number) => Math.min(max, logQuantile(counts, share))
  return { p50: upTo(0.5), p99: upTo(0.99), max }
}
