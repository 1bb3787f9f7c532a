/* oxlint-disable no-await-in-loop */
import assert from 'node:assert/strict'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Clock } from '../../../../src/base/clock.ts'
import type { Outcome, Payload, Sink } from '../../../../src/pipeline/sink.ts'
import { seededRandom } from '../../../helpers/seeded-random.ts'
import { Dice } from '../../../journal/simulation/dice.ts'
import type { MadeFrames } from '../made-frames.ts'
import { PatchyLog } from '../patchy-log.ts'
import { Rig } from '../rig.ts'
import { INNOCENT_FROM, Receiver } from './receiver.ts'
import { recoveryMsMax } from './recovery.ts'
import { ROUTE, makeScenario, textOf } from './scenario.ts'
import type { Commit, Scenario } from './scenario.ts'
import { Witness } from './witness.ts'

/** So often the intake asks again for room. */
const ROOM_MS = 200
/** At the end, something that the receiver takes comes in so often: by it refusals are believed. */
const CLOSING_MS = 5000
const HALT_MS_MAX = 120_000
const CLOSING_MS_MAX = 10 * 3_600_000
const STEPS_AT_ONCE_MAX = 2000
/** Of a life, and for each second of it. */
const STEPS_MAX = 5000
const STEPS_PER_SECOND = 150

/** A life of a dispatcher before a receiver, decided by a seed. */
export class Life {
  readonly scenario: Scenario
  readonly rig: Rig
  readonly receiver: Receiver
  readonly witness: Witness
  readonly story: string[] = []
  readonly #traces: boolean
  readonly #dice: Dice
  #log: PatchyLog | null = null
  /** Thrown where nobody would hear it. */
  #broken: unknown = null
  #startMs: number
  #steps = 0
  #healed = false
  #atOnce = { atMs: -1, steps: 0 }
  #closing = INNOCENT_FROM
  readonly #intake: Commit[] = []

  constructor(seed: number, traces = false) {
    this.#traces = traces
    const dice = new Dice(seededRandom(seed))
    this.#dice = dice
    const scenario = makeScenario(dice)
    this.scenario = scenario
    this.receiver = new Receiver(scenario.nature, dice)
    const { config, filterIndex, slabs, lookaheadFrames, hasHealthPage } = scenario
    const makeLog = (clock: Clock, frames: MadeFrames) =>
      (this.#log = new PatchyLog(frames, clock, lookaheadFrames ?? Infinity))
    const sink: Sink = {
      start: async () => {},
      stop: async () => {},
      send: (payload, signal) => this.#send(payload, signal),
      ...(hasHealthPage ? { probe: () => this.#probe() } : {}),
    }
    const options = { filterIndex, random: dice.random, sink }
    this.rig =
      lookaheadFrames === null ? new Rig(config, options, slabs) : new Rig(config, options, slabs, makeLog)
    this.#startMs = this.rig.clock.now()
    this.witness = new Witness(scenario, this.rig, this.receiver)
    this.#listen()
    this.#slowDown()
  }

  async play(): Promise<void> {
    const { rig, scenario } = this
    for (const commit of scenario.commits) rig.clock.setTimeout(() => this.#comes(commit), commit.atMs)
    if (this.#log !== null) this.#goesAway(this.#log)
    const endsAtMs = scenario.ending === 'heal' ? this.#lastCommitMs : scenario.endsAtMs
    await this.#passUntil(() => this.#nowMs >= endsAtMs, endsAtMs)
    if (scenario.ending === 'heal') await this.#heal()
    else await this.#end(scenario.ending)
    const isAllSettled = (scenario.ending === 'heal' && !this.#isStuffed) || scenario.ending === 'drain'
    this.#check()
    this.witness.checkEnd(isAllSettled)
    assert.equal(rig.slabOwner.held, 0, 'all output slabs are back')
    if (isAllSettled) assert.equal(rig.slabsInUse, 0, 'all slabs are back')
    await rig.dispatcher.stop()
  }

  get totals(): Record<string, number> {
    const { rig, witness } = this
    return {
      requests: witness.sent,
      events: witness.offered.size,
      delivered: witness.delivered,
      mistaken: witness.mistaken,
      letters: rig.letters.lines.length,
      deferrals: this.#log?.deferrals ?? 0,
      virtualSeconds: Math.round(this.#nowMs / 1000),
      opened: rig.toldOf('breakerChanged').filter(([state]) => state === 'open').length,
      held: rig.toldOf('sinkHeld').length,
      paused: rig.toldOf('sinkPaused').length,
      split: rig.toldOf('batchSplit').length,
    }
  }

  /** Since the beginning. */
  get #nowMs(): number {
    return this.rig.clock.now() - this.#startMs
  }

  get #lastCommitMs(): number {
    return Math.max(0, ...this.scenario.commits.map(({ atMs }) => atMs))
  }

  // --- the receiver

  #send(payload: Payload, signal: AbortSignal): Promise<Outcome> {
    const ids = this.#guard(() => {
      const all = idsOf(payload)
      this.#tell(() => `sends ${all.length} of ${payload.bytes} bytes: ${brief(all)}`)
      assert.equal(all.length, payload.events, 'events of a payload')
      this.witness.sends(all, payload.bytes)
      return all
    })
    const { timeoutMs } = this.scenario.config.request
    const { receiver, rig } = this
    const request = this.witness.sent
    const arrival = receiver.arrives(ids, payload.bytes, this.#nowMs)
    const before = Buffer.concat(payload.views)
    return new Promise((resolve) => {
      const answer = (make: () => Outcome) => {
        timer.clear()
        signal.removeEventListener('abort', abort)
        const outcome = this.#guard(() => {
          assert(before.equals(Buffer.concat(payload.views)), 'bytes stay')
          const made = make()
          this.#tell(() => `answers ${JSON.stringify(made).slice(0, 200)} to ${brief(ids)}`)
          this.witness.answers(request, ids, made)
          return made
        })
        resolve(outcome)
      }
      const lost = (category: 'timeout' | 'unknown', reason: string) => (): Outcome => {
        receiver.ends()
        return { kind: 'retry', category, reason }
      }
      const abort = () => answer(lost('unknown', 'aborted'))
      const latencyMs = receiver.latencyMs(arrival, timeoutMs)
      const timer = rig.clock.setTimeout(
        () =>
          answer(
            latencyMs < timeoutMs
              ? () => receiver.answers(arrival, this.#nowMs)
              : lost('timeout', 'no answer in time'),
          ),
        Math.min(latencyMs, timeoutMs),
      )
      signal.addEventListener('abort', abort)
    })
  }

  #probe(): Promise<Outcome> {
    this.#guard(() => this.witness.healthProbe())
    const { latencyMs } = this.scenario.nature
    return new Promise((resolve) => {
      this.rig.clock.setTimeout(() => {
        const isWell = this.receiver.isWell(this.#nowMs)
        this.#tell(() => `health probe: ${isWell}`)
        this.witness.healthAnswer()
        resolve(isWell ? { kind: 'ack' } : { kind: 'retry', category: 'unknown', reason: 'not well' })
      }, latencyMs)
    })
  }

  #listen(): void {
    const { rig, witness } = this
    const { events } = rig.options
    const told = rig.told.push.bind(rig.told)
    rig.told.push = (...all) => {
      for (const [name, ...rest] of all) {
        if (name === 'breakerChanged') witness.breakerChanged(String(rest[0]), Number(rest[2]))
        if (name === 'sinkHeld') witness.held()
        if (name === 'sinkResumed') witness.resumed()
        if (name === 'sinkRequest' || name === 'eventsDelivered' || name === 'rateLimited') continue
        this.#tell(() => `${name} ${JSON.stringify(rest)}`)
      }
      return told(...all)
    }
    assert(events !== undefined)
  }

  // --- what comes in

  /** What comes waits for room, in order. */
  #comes(commit: Commit): void {
    this.#intake.push(commit)
    if (this.#intake.length === 1) this.#takeIn()
  }

  #takeIn(): void {
    while (this.#intake.length > 0 && this.rig.dispatcher.status().state !== 'stopped') {
      if (!this.#commit(this.#intake[0]!)) {
        this.rig.clock.setTimeout(() => this.#takeIn(), ROOM_MS)
        return
      }
      this.#intake.shift()
    }
  }

  #commit({ source, records }: Commit): boolean {
    if (!this.rig.commit(source, records)) return false
    this.#tell(() => `commit of ${records.length} by source ${source}`)
    if (!this.rig.counts.inputs.includes(source)) return true
    const { filterIndex } = this.scenario
    for (const { text, routes = 0xffff } of records) {
      if (filterIndex !== -1 && (routes & (1 << ROUTE)) === 0) continue
      const { id, tenant } = JSON.parse(text) as { id: number; tenant: string }
      this.witness.offer(id, source, tenant)
    }
    return true
  }

  /** The ways of workers and of disks. */
  #slowDown(): void {
    const { rig, scenario } = this
    const dice = this.#dice
    const { encoder } = rig
    const later = () => this.#later(dice.below(300))
    const mayFail = () => {
      if (scenario.failingTasks && !this.#healed && dice.chance(0.1)) throw new Error('the worker died')
    }
    rig.encoder = {
      encode: async (task) => {
        if (scenario.slowTasks && dice.chance(0.3)) await later()
        mayFail()
        const isSmall = task.format === 'frame' && dice.chance(0.3)
        return encoder.encode(isSmall ? { ...task, outTo: task.outFrom + 1024 } : task)
      },
    }
    const { grouper } = rig.options
    const group = grouper.group.bind(grouper)
    grouper.group = async (task) => {
      if (scenario.slowTasks && dice.chance(0.3)) await later()
      mayFail()
      return group(task)
    }
    const write = rig.letters.write.bind(rig.letters)
    rig.letters.write = async (...args) => {
      if (scenario.slowTasks && dice.chance(0.5)) await later()
      return write(...args)
    }
    if (this.#log !== null)
      this.#log.commitLater = (commit) => {
        if (scenario.slowTasks && dice.chance(0.5)) rig.clock.setTimeout(commit, dice.below(300))
        else commit()
      }
  }

  #goesAway(log: PatchyLog): void {
    for (let times = this.#dice.below(4); times > 0; times--)
      this.rig.clock.setTimeout(() => {
        if (log.away) return
        log.away = true
        this.rig.clock.setTimeout(() => log.wake(), this.#dice.below(500))
      }, this.#dice.below(10_000))
  }

  // --- the ends

  async #heal(): Promise<void> {
    const { receiver, witness, rig } = this
    const { healsAtMs } = receiver
    await this.#passUntil(() => this.#nowMs >= healsAtMs, healsAtMs)
    this.#healed = true
    this.#tell(() => 'healed')
    const fromMs = this.#nowMs
    const boundMs = recoveryMsMax(this.scenario, witness.pauseAtHealMs)
    let closingAtMs = 0
    while ((rig.slabsInUse > 0 || this.#intake.length > 0) && !this.#isStuffed) {
      if (rig.slabsInUse > 0 && this.#nowMs >= closingAtMs) {
        closingAtMs = this.#nowMs + CLOSING_MS
        this.#commitClosing()
      }
      await this.#step(CLOSING_MS)
      if (witness.recoveredAtMs === null)
        assert(this.#nowMs - fromMs <= boundMs, `nothing accepted ${boundMs} ms after it healed`)
      assert(this.#nowMs - fromMs < CLOSING_MS_MAX, 'all is settled in the end')
    }
  }

  /** Everything held is refused, and there is no room for anything else to prove that by. */
  get #isStuffed(): boolean {
    return this.#intake.length > 0 && this.witness.onlyGuiltyLeft
  }

  #commitClosing(): void {
    if (this.#intake.length > 0) return
    const id = this.#closing++
    const { tenants } = this.scenario
    this.#comes({ atMs: 0, source: id % 2, records: [{ text: textOf(id, id % tenants) }] })
  }

  async #end(ending: 'drain' | 'drain to log' | 'halt'): Promise<void> {
    const { rig } = this
    const deadline = new AbortController()
    this.#tell(() => ending)
    rig.clock.setTimeout(() => deadline.abort(), this.#dice.below(5000))
    let over = false
    const ended =
      ending === 'halt'
        ? rig.dispatcher.halt(deadline.signal)
        : rig.dispatcher.drain(deadline.signal, ending === 'drain' ? 'dead_letters' : 'log')
    void ended.finally(() => (over = true))
    const untilMs = this.#nowMs + HALT_MS_MAX
    await this.#passUntil(() => over, untilMs)
    assert(over, 'it ends')
    const undelivered = (await ended)?.undelivered ?? 0
    assert.equal(rig.letters.lines.filter(({ category }) => category === 'undelivered').length, undelivered)
    const { sent } = this.witness
    await rig.clock.pass(5000)
    assert.equal(this.witness.sent, sent, 'nothing is sent any more')
  }

  async #passUntil(done: () => boolean, untilMs: number): Promise<void> {
    while (!done() && this.#nowMs < untilMs) await this.#step(untilMs - this.#nowMs)
  }

  async #step(limitMs: number): Promise<void> {
    const { clock } = this.rig
    await clock.step(limitMs)
    this.#steps++
    if (clock.now() !== this.#atOnce.atMs) this.#atOnce = { atMs: clock.now(), steps: 0 }
    assert(++this.#atOnce.steps < STEPS_AT_ONCE_MAX, 'time goes on')
    const stepsMax = STEPS_MAX + (STEPS_PER_SECOND * this.#nowMs) / 1000
    assert(this.#steps < stepsMax, `${this.#steps} steps: a timer spins`)
    this.#check()
  }

  #check(): void {
    if (this.#broken !== null) throw this.#broken
    this.witness.check()
  }

  #guard<Result>(what: () => Result): Result {
    try {
      return what()
    } catch (error) {
      this.#broken ??= error
      throw error
    }
  }

  #tell(what: () => string): void {
    if (this.#traces) this.story.push(`${this.#nowMs.toFixed(1).padStart(10)}  ${what()}`)
  }

  #later(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.rig.clock.setTimeout(resolve, delayMs)
    })
  }
}

function brief(ids: readonly number[]): string {
  return ids.length < 12 ? ids.join(' ') : `${ids.slice(0, 6).join(' ')} ... ${ids.at(-1)}`
}

function idsOf({ views, contentEncoding }: Payload): number[] {
  const raw = Buffer.concat(views)
  const decode = { '': () => raw, gzip: () => gunzipSync(raw), zstd: () => zstdDecompressSync(raw) }
  return [
    ...decode[contentEncoding]()
      .toString()
      .matchAll(/"id":(\d+)/g),
  ].map(([, id]) => Number(id))
}
