import assert from 'node:assert/strict'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Clock } from '../../../src/base/clock.ts'
import { BULK, FAST } from '../../../src/journal/log.ts'
import type { RecordRange } from '../../../src/journal/log.ts'
import type { RateLimit } from '../../../src/pipeline/dispatch/limits/limiter.ts'
import type { DispatcherConfig } from '../../../src/pipeline/dispatch/dispatcher-options.ts'
import type { Outcome, Payload } from '../../../src/pipeline/sink.ts'
import { SOURCES } from './made-frames.ts'
import type { MadeFrames, MadeRecord } from './made-frames.ts'
import { PatchyLog } from './patchy-log.ts'
import { Rig } from './rig.ts'
import type { Request } from './rig.ts'
import { settled } from './simulated-clock.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'

const STEPS = 120
const MAX_RECORD_BYTES = 600

/** How the destination feels; it changes now and then. */
type Mood = 'well' | 'slow' | 'flaky' | 'picky' | 'locked' | 'dead'
const MOODS: readonly Mood[] = ['well', 'slow', 'flaky', 'picky', 'locked', 'dead']

type Ending = 'heal' | 'drain' | 'drain to log' | 'halt'

interface Sent {
  readonly atMs: number
  readonly events: number
  readonly bytes: number
}

/** One simulated life of a dispatcher. */
export class Run {
  readonly rig: Rig
  readonly settings: {
    readonly config: DispatcherConfig
    readonly concurrency: number
    readonly filterIndex: number
    /** The log is one as on disk. */
    readonly patchy: boolean
    readonly ending: Ending
  }
  readonly #random: () => number
  #mood: Mood = 'well'
  /** Ids of the events offered, by commit; ids count up over all sources. */
  readonly #offered = new Set<number>()
  readonly #fast = new Set<number>()
  /** By lane: offered and never sent, by commit. */
  readonly #unsent: [bulk: number[], fast: number[]] = [[], []]
  readonly #delivered = new Set<number>()
  readonly #sent: Sent[] = []
  /** What a request was found to break. */
  #broken: unknown = null
  #patchyLog: PatchyLog | null = null
  /** When the destination last asked for a pause, and until when. */
  #pause = { fromMs: -Infinity, untilMs: -Infinity }
  /** When it last said that the operator must act, with nothing accepted since. */
  #heldAtMs = -Infinity
  #wasHeld = false
  #nextId = 1
  #healed = false

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    const concurrency = 1 + this.#below(4)
    this.settings = {
      concurrency,
      config: this.#config(concurrency),
      filterIndex: this.#chance(0.5) ? 3 : -1,
      ...(this.#chance(0.5)
        ? { patchy: true, ending: this.#oneOf(['heal', 'halt', 'drain to log'] as const) }
        : { patchy: false, ending: this.#oneOf(['heal', 'drain', 'halt'] as const) }),
    }
    const { config, filterIndex, patchy } = this.settings
    const lookaheadFrames = this.#chance(0.5) ? 1 + this.#below(6) : Infinity
    const makeLog = (clock: Clock, frames: MadeFrames) =>
      (this.#patchyLog = new PatchyLog(frames, clock, lookaheadFrames))
    const slabs = 8 + this.#below(12)
    const options = { filterIndex, random: this.#random }
    this.rig = patchy ? new Rig(config, options, slabs, makeLog) : new Rig(config, options, slabs)
    if (this.#patchyLog !== null) this.#prepareLog(this.#patchyLog)
    this.rig.sink.reply = () => {
      try {
        return this.#onRequest()
      } catch (error) {
        this.#broken ??= error
        throw error
      }
    }
    const { encoder } = this.rig
    this.rig.encoder = {
      encode: async (task) => {
        if (this.#chance(0.3)) await this.#later(this.#below(300))
        if (!this.#healed && this.#chance(0.1)) throw new Error('the worker died')
        const isSmall = task.format === 'frame' && this.#chance(0.3)
        return encoder.encode(isSmall ? { ...task, outTo: task.outFrom + 1024 } : task)
      },
    }
    const write = this.rig.letters.write.bind(this.rig.letters)
    this.rig.letters.write = async (...args) => {
      if (this.#chance(0.5)) await this.#later(this.#below(300))
      return write(...args)
    }
  }

  async play(): Promise<void> {
    const { rig } = this
    for (let step = 0; step < STEPS; step++) {
      // oxlint-disable-next-line no-await-in-loop
      await this.#step()
      this.#check()
    }
    if (this.settings.ending === 'heal') await this.#heal()
    else await this.#end()
    this.#check()
    this.#checkEnd()
    this.#checkWindows()
    await rig.dispatcher.stop()
    assert.equal(rig.clock.pending, 0, 'no timer is left')
  }

  async #step(): Promise<void> {
    const { rig } = this
    const dice = this.#random()
    if (dice < 0.05) this.#mood = MOODS[this.#below(MOODS.length)]!
    else if (dice < 0.45) this.#commit()
    else if (dice < 0.5 && this.#patchyLog !== null) this.#takeAway(this.#patchyLog)
    else if (dice < 0.75 && rig.sink.open.length > 0)
      await this.#answer(rig.sink.open[this.#below(rig.sink.open.length)]!)
    else await rig.clock.step(this.#below(this.#chance(0.1) ? 5000 : 200))
    await settled()
  }

  // --- the destination

  #onRequest(): Outcome | null {
    const { sink, clock } = this.rig
    const request = sink.requests.at(-1)!
    assert(sink.open.length <= this.settings.concurrency, 'concurrency')
    const ids = idsOf(request.payload)
    assert.equal(ids.length, request.payload.events, 'events of a payload')
    assert.equal(
      request.payload.views.reduce((sum, view) => sum + view.length, 0),
      request.payload.bytes,
      'bytes of a payload',
    )
    for (const id of ids)
      assert(this.#offered.has(id) && !this.#delivered.has(id), `event ${id} is not to be sent`)
    this.#checkOrder(ids)
    this.#checkPauses(clock.now())
    this.#sent.push({ atMs: clock.now(), events: ids.length, bytes: request.payload.bytes })
    if (this.#healed || (this.#mood !== 'slow' && this.#chance(0.5))) {
      const outcome = this.#outcome(ids)
      if (outcome.kind === 'ack') for (const id of ids) this.#delivered.add(id)
      return outcome
    }
    return null
  }

  /** Bulk events are first sent in order; fast ones may overtake what bulk has taken. */
  #checkOrder(ids: readonly number[]): void {
    const [bulk, fast] = [false, true].map((isFast) => ids.filter((id) => this.#fast.has(id) === isFast))
    const [unsentBulk, unsentFast] = this.#unsent
    const isFirst = unsentBulk.includes(bulk![0]!) || unsentFast.includes(fast![0]!)
    if (!isFirst) {
      assert(!unsentBulk.some((id) => ids.includes(id)), 'a batch is sent again as it was')
      assert(!unsentFast.some((id) => ids.includes(id)), 'a batch is sent again as it was')
      return
    }
    // Before a destination that is down, what was never sent expires too.
    if (this.settings.config.retry?.maxAgeMs !== undefined)
      unsentBulk.splice(0, Math.max(0, unsentBulk.indexOf(bulk![0]!)))
    // What is left of a batch that single events were tried of on hold may be overtaken.
    if (this.#wasHeld) takeInOrder(bulk!, unsentBulk)
    else assert.deepEqual(bulk, unsentBulk.splice(0, bulk!.length), 'first sends of bulk in order')
    takeInOrder(fast!, unsentFast)
  }

  async #answer(request: Request): Promise<void> {
    const ids = idsOf(request.payload)
    assert.equal(
      Buffer.concat(request.payload.views).toString('latin1'),
      Buffer.from(request.bytes).toString('latin1'),
      'bytes stay',
    )
    const outcome = this.#outcome(ids)
    if (outcome.kind === 'ack') for (const id of ids) this.#delivered.add(id)
    await request.answer(outcome)
  }

  #checkPauses(nowMs: number): void {
    assert(nowMs <= this.#pause.fromMs || nowMs >= this.#pause.untilMs, 'the pause asked for is kept')
    const probeAtMs = this.#heldAtMs + this.settings.config.retry.maxMs
    assert(nowMs <= this.#heldAtMs || nowMs >= probeAtMs, 'on hold nothing goes but probes')
  }

  #outcome(ids: readonly number[]): Outcome {
    const outcome = this.#judge(ids)
    const nowMs = this.rig.clock.now()
    if (outcome.kind === 'ack') this.#heldAtMs = -Infinity
    if (outcome.kind === 'hold') {
      this.#heldAtMs = nowMs
      this.#wasHeld = true
    }
    if (outcome.kind === 'retry' && outcome.afterMs !== undefined)
      this.#pause = { fromMs: nowMs, untilMs: Math.max(this.#pause.untilMs, nowMs + outcome.afterMs) }
    return outcome
  }

  #judge(ids: readonly number[]): Outcome {
    const ack: Outcome = { kind: 'ack' }
    if (this.#healed) return ack
    if (this.#mood === 'dead') return { kind: 'retry', category: 'connect', reason: 'refused connection' }
    if (this.#mood === 'locked') return { kind: 'hold', reason: 'token expired', status: 401 }
    if (this.#mood === 'picky')
      return ids.some((id) => id % 5 === 0) ? { kind: 'reject', reason: 'bad field', status: 400 } : ack
    if (this.#mood === 'flaky' && this.#chance(0.5))
      return {
        kind: 'retry',
        category: 'throttled',
        reason: 'slow down',
        status: 429,
        ...(this.#chance(0.5) ? { afterMs: this.#below(3000) } : {}),
      }
    return ack
  }

  // --- what comes in

  #commit(): void {
    const source = this.#below(SOURCES.length)
    const { filterIndex } = this.settings
    const selective = this.#random()
    const records: MadeRecord[] = Array.from({ length: 1 + this.#below(this.#chance(0.2) ? 60 : 6) }, () => {
      const pad = 'x'.repeat(this.#below(this.#chance(0.05) ? 500 : 40))
      return {
        text: JSON.stringify({ id: this.#nextId++, pad }),
        fast: this.#chance(0.2),
        routes: this.#chance(selective) ? 0xffff : 0xffff & ~(1 << 3),
        ...(this.#chance(0.1) ? { gap: 'rejected\n' } : {}),
        ...(this.#chance(0.1) ? { behind: '\r\n' } : {}),
      }
    })
    // The rig refuses frames longer than a slab; cut to what surely fits.
    while (records.reduce((sum, { text }) => sum + text.length + 40, 0) > 7000) records.pop()
    const ranges = this.#patchyLog !== null && this.#chance(0.3) ? this.#ranges(records.length) : null
    if (this.#patchyLog !== null) this.#patchyLog.nextRanges = ranges
    if (!this.rig.commit(source, records)) return
    if (!this.rig.counts.inputs.includes(source)) return
    const left = ranges === null ? records : ranges.flatMap(({ first, end }) => records.slice(first, end))
    for (const { text, routes, fast } of left)
      if (filterIndex === -1 || (routes! & (1 << filterIndex)) !== 0) this.#offer(idOf(text), fast!)
  }

  #offer(id: number, fast: boolean): void {
    this.#offered.add(id)
    if (fast) this.#fast.add(id)
    this.#unsent[fast ? FAST : BULK].push(id)
  }

  /** What of a frame was not settled before a restart. */
  #ranges(records: number): RecordRange[] {
    const ranges: RecordRange[] = []
    for (let at = this.#below(2); at < records;) {
      const end = Math.min(records, at + 1 + this.#below(4))
      ranges.push({ first: at, end })
      at = end + 1 + this.#below(3)
    }
    return ranges
  }

  // --- the ways of a log on disk

  #prepareLog(log: PatchyLog): void {
    log.commitLater = (commit) => {
      if (this.#chance(0.5)) this.rig.clock.setTimeout(commit, this.#below(300))
      else commit()
    }
    log.onDeferred = (texts) => {
      for (const id of texts.map(idOf)) this.#unsent[this.#fast.has(id) ? FAST : BULK].push(id)
    }
  }

  #takeAway(log: PatchyLog): void {
    if (log.away) return
    log.away = true
    this.rig.clock.setTimeout(() => log.wake(), this.#below(500))
  }

  get deferrals(): number {
    return this.#patchyLog?.deferrals ?? 0
  }

  // --- the end

  async #heal(): Promise<void> {
    const { rig } = this
    this.#healed = true
    while (rig.sink.open.length > 0) await this.#answer(rig.sink.open[0]!)
    for (let hours = 0; hours < 20_000 && rig.slabsInUse > 0; hours++) {
      await rig.clock.step(10_000)
      this.#check()
    }
    // The log's own timers may outlast what they were for.
    await rig.clock.pass(1000)
  }

  async #end(): Promise<void> {
    const { rig } = this
    const { ending } = this.settings
    const deadline = new AbortController()
    rig.clock.setTimeout(() => deadline.abort(), this.#below(5000))
    const progress = { over: false }
    const ended =
      ending === 'halt'
        ? rig.dispatcher.halt(deadline.signal)
        : rig.dispatcher.drain(deadline.signal, ending === 'drain' ? 'dead_letters' : 'log')
    void ended.finally(() => {
      progress.over = true
    })
    for (let step = 0; step < 20_000 && !progress.over; step++) {
      await rig.clock.step(500)
      if (this.#chance(0.5) && rig.sink.open.length > 0) await this.#answer(rig.sink.open[0]!)
      this.#check()
    }
    assert(progress.over, 'it ends')
    const undelivered = (await ended)?.undelivered ?? 0
    assert.equal(rig.letters.lines.filter(({ category }) => category === 'undelivered').length, undelivered)
    const { length } = rig.sink.requests
    await rig.clock.pass(10_000)
    assert.equal(rig.sink.requests.length, length, 'nothing is sent any more')
  }

  #check(): void {
    const { rig } = this
    if (this.#broken !== null) throw this.#broken
    assert.deepEqual(rig.ledger.imbalances(), [], 'the ledger balances')
    const { delivered } = rig.counts
    assert.equal(delivered[0]! + delivered[1]!, this.#delivered.size, 'delivered is what was acknowledged')
    assert(rig.frames.pool.availableFor(rig.slabOwner) >= 0)
  }

  #checkEnd(): void {
    const { rig } = this
    const { ending } = this.settings
    const allSettled = ending === 'heal' || ending === 'drain'
    assert.equal(rig.slabOwner.held, 0, 'all output slabs are back')
    if (allSettled) assert.equal(rig.slabsInUse, 0, 'all slabs are back')
    const dead = rig.letters.lines.map(({ record }) => idOf(record))
    const settledIds = [...this.#delivered, ...dead]
    assert.equal(new Set(settledIds).size, settledIds.length, 'settled once')
    for (const id of settledIds) assert(this.#offered.has(id), 'settled is what was offered')
    const [heldBulk, heldFast] = rig.counts.held()
    assert.equal(heldBulk + heldFast, this.#offered.size - settledIds.length, 'the rest is held')
    if (allSettled) assert.equal(settledIds.length, this.#offered.size, 'every event offered is settled')
    for (const letter of rig.letters.lines)
      if (letter.category === 'refused') assert.equal(letter.reason, 'bad field')
  }

  /** In every window from one send to another, at most burst + rate x time. */
  #checkWindows(): void {
    const { rateLimit = {} } = this.settings.config
    const {
      requestsPerSecond = Infinity,
      burst = Math.max(1, requestsPerSecond),
      eventsPerSecond = Infinity,
      bytesPerSecond = Infinity,
    } = rateLimit
    const check = (what: string, rate: number, most: number, amount: (sent: Sent) => number) => {
      if (rate === Infinity) return
      for (let from = 0; from < this.#sent.length; from++) {
        let sum = 0
        for (let to = from; to < this.#sent.length; to++) {
          sum += amount(this.#sent[to]!)
          const allowed = most + (rate * (this.#sent[to]!.atMs - this.#sent[from]!.atMs)) / 1000
          assert(sum <= allowed + 1e-6, `${what}: ${sum} sent where ${allowed} are allowed`)
        }
      }
    }
    check('requests', requestsPerSecond, Math.floor(burst), () => 1)
    check('events', eventsPerSecond, Math.max(1, eventsPerSecond), (sent) => sent.events)
    check('bytes', bytesPerSecond, Math.max(MAX_RECORD_BYTES + 200, bytesPerSecond), (sent) => sent.bytes)
  }

  // --- dice

  #config(concurrency: number): DispatcherConfig {
    const encoding = this.#chance(0.7) ? 'ndjson' : 'json'
    const compression = this.#chance(0.7) ? 'none' : this.#chance(0.5) ? 'gzip' : 'zstd'
    const rateLimit: RateLimit = {
      ...(this.#chance(0.3) ? { requestsPerSecond: 0.2 + this.#random() * 20 } : {}),
      ...(this.#chance(0.3) ? { eventsPerSecond: 0.5 + this.#random() * 200 } : {}),
      ...(this.#chance(0.3) ? { bytesPerSecond: 100 + this.#below(20_000) } : {}),
    }
    return {
      encoding,
      compression,
      rateLimit,
      batch: {
        maxBytes: 64 + this.#below(this.#chance(0.5) ? 4000 : 400),
        maxEvents: 1 + this.#below(this.#chance(0.5) ? 100 : 4),
        maxAgeMs: this.#below(2000),
      },
      breaker: {
        failures: 1 + this.#below(6),
        cooldownMs: 1 + this.#below(500),
        maxCooldownMs: 500 + this.#below(3000),
      },
      order: 'none',
      retry: {
        initialMs: 1 + this.#below(200),
        maxMs: 1 + this.#below(3000),
        ...(this.#chance(0.2) ? { maxAgeMs: 1000 + this.#below(10_000) } : {}),
      },
      request: { timeoutMs: 1000 + this.#below(10_000), concurrency },
      maxRecordBytes: MAX_RECORD_BYTES,
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[this.#below(all.length)]!
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #later(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.rig.clock.setTimeout(resolve, delayMs)
    })
  }
}

function idOf(record: string): number {
  return (JSON.parse(record) as { id: number }).id
}

function idsOf(payload: Payload): number[] {
  const raw = Buffer.concat(payload.views)
  const decode = { '': () => raw, gzip: () => gunzipSync(raw), zstd: () => zstdDecompressSync(raw) }
  const text = decode[payload.contentEncoding]().toString()
  if (payload.contentType === 'application/json')
    return (JSON.parse(text) as { id: number }[]).map(({ id }) => id)
  assert(text.endsWith('\n'))
  return text.split('\n').slice(0, -1).map(idOf)
}

function takeInOrder(ids: readonly number[], unsent: number[]): void {
  let place = -1
  for (const id of ids) {
    const next = unsent.indexOf(id)
    assert(next > place, 'events of a batch in order')
    unsent.splice(next, 1)
    place = next - 1
  }
}
