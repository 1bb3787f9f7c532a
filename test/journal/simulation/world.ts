/* oxlint-disable no-await-in-loop -- one thing after another is what is simulated */
import assert from 'node:assert/strict'
import type { Clock } from '../../../src/base/clock.ts'
import { readState } from '../../../src/journal/state-file.ts'
import type { JournalState } from '../../../src/journal/state.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { SimulatedDisk, failingOften } from '../../helpers/simulated-disk.ts'
import type { Operation } from '../../helpers/simulated-disk.ts'
import { SimulatedClock, settled } from '../../pipeline/dispatch/simulated-clock.ts'
import { Dice } from './dice.ts'
import { MOODS } from './destination.ts'
import { scanDisk } from './disk-scan.ts'
import { DIRECTORY, Life } from './life.ts'
import type { Sabotage } from './life.ts'
import { Planner } from './planner.ts'
import { ProcessIo } from './process-io.ts'
import { Witness } from './witness.ts'

/** When all is well, everything must be delivered in this time. */
const HEAL_MS = 30 * 60_000
/** Steps of a clock that may go by until something has happened. */
const STEPS_MAX = 20_000
const READING: ReadonlySet<Operation> = new Set(['list', 'open', 'read', 'bytes'])

export interface WorldOptions {
  /** Bits of segments flip between two lives. */
  readonly flips?: boolean
  readonly sabotage?: Sabotage
}

/** One life of a collector after another, on one disk. */
export class World {
  readonly totals = {
    lives: 0,
    frames: 0,
    events: 0,
    requests: 0,
    repeats: 0,
    deadLetters: 0,
    deferred: 0,
    discarded: 0,
  }
  readonly told: string[] = []
  /** What was thrown where nobody catches it. */
  uncaught: unknown = null
  readonly #dice: Dice
  readonly #planner: Planner
  readonly witness: Witness
  readonly #options: WorldOptions
  #disk: SimulatedDisk
  #clock = new SimulatedClock()
  #life: Life | null = null
  #io: ProcessIo | null = null
  #lives = 0
  #opening = false

  constructor(seed: number, options: WorldOptions = {}) {
    const random = seededRandom(seed)
    this.#options = options
    this.#dice = new Dice(random)
    this.#planner = new Planner(this.#dice)
    this.witness = new Witness(options.flips === true)
    // Each process has a clock of its own; the disk outlives them.
    const clock: Clock = {
      now: () => this.#clock.now(),
      wallClock: () => this.#clock.wallClock(),
      setTimeout: (callback, delayMs) => this.#clock.setTimeout(callback, delayMs),
    }
    this.#disk = new SimulatedDisk({ random, clock, directories: ['/data'], strict: isSegment })
  }

  /** What was told to the operator in all lives. */
  get current(): Life | null {
    return this.#life
  }

  get story(): readonly string[] {
    const life = this.#life
    return life === null ? this.told : [...this.told, `-- life ${life.plan.number}`, ...life.told]
  }

  async play(): Promise<void> {
    const lives = 1 + this.#dice.below(5)
    for (let life = 0; life < lives; life++) {
      await this.#live()
      if (this.#options.flips === true) this.#flip()
    }
    await this.#heal()
  }

  // ---- a life

  async #live(): Promise<void> {
    if (!(await this.#begin(false))) return
    const life = this.#life!
    const steps = 10 + this.#dice.below(110)
    const end = this.#dice.random()
    for (let step = 0; step < steps; step++) {
      this.#step(life)
      this.#checkUncaught()
      await (this.#dice.chance(0.3)
        ? this.#clock.step(this.#dice.below(this.#dice.chance(0.1) ? 5000 : 200))
        : settled())
      life.check()
    }
    if (end < 0.6) this.#cutPower(life)
    else if (end < 0.8) await this.#kill(life)
    else await this.#stop(life)
    this.#account(life)
  }

  async #begin(healing: boolean): Promise<boolean> {
    this.#weather(0)
    const { state } = await readState(`${DIRECTORY}/state`, this.#disk)
    const onDisk = this.#scan()
    const plan = healing
      ? this.#planner.healing(
          ++this.#lives,
          [...this.witness.attached.values()].map(({ name }) => name),
        )
      : this.#planner.life(++this.#lives)
    this.#clock = new SimulatedClock()
    this.#io = new ProcessIo(this.#disk)
    if (!healing) this.#weather(0.2)
    const { random } = this.#dice
    const life = new Life(plan, this.#io, this.#clock, random, this.witness, this.#options.sabotage ?? {})
    this.#life = life
    const attachedBefore = new Set(this.witness.attached.keys())
    this.witness.begin(plan.number, plan.sinks, state, onDisk)
    const violations = this.#disk.violations.length
    this.#opening = true
    const opened = await this.#until(
      life.open().then(
        () => true,
        (error: unknown) => {
          life.told.push(`open: ${String(error)}`)
          assert.match(String((error as { code?: string }).code), /^SPW_ERR_(JOURNAL|STATE)_/)
          return false
        },
      ),
    )
    this.#opening = false
    // A process before this one may have failed on a file that recovery tidies up.
    this.#disk.violations.length = violations
    if (opened) {
      this.#checkRestored(life, state, onDisk)
      life.start()
    } else {
      // Nothing was written that knows of them.
      for (const { name } of plan.sinks) if (!attachedBefore.has(name)) this.witness.attached.delete(name)
      this.#account(life)
      await this.#kill(life)
    }
    return opened
  }

  #scan() {
    try {
      return scanDisk(this.#disk, DIRECTORY)
    } catch {
      return { firstSequence: Infinity, sequences: new Set<number>(), deferred: [], segments: 0 }
    }
  }

  /** No count goes back behind what was durable, and nothing acknowledged is left out. */
  #checkRestored(
    life: Life,
    state: JournalState | null,
    onDisk: { readonly sequences: ReadonlySet<number> },
  ): void {
    life.check()
    for (const { name, offered, delivered } of life.ledger.sinks) {
      const { owed } = this.witness.attached.get(name)!
      const total = offered[0]! + offered[1]!
      assert(total >= owed.size, `${name}: ${total} offered of ${owed.size}`)
      const before = state?.sinks[name]
      if (before !== undefined) assert.deepEqual(delivered, before.delivered)
    }
    for (const { name, accepted } of life.ledger.sources) {
      const events = [...this.witness.events.values()].filter(({ source }) => source === name)
      const acknowledged = events.filter((event) => event.acknowledged).length
      assert(accepted >= acknowledged, `${name}: ${accepted} accepted of ${acknowledged}`)
      if (this.#options.flips === true) continue
      const there = events.filter(
        (event) => event.acknowledged || onDisk.sequences.has(event.sequence),
      ).length
      assert(accepted <= events.length, `${name}: ${accepted} accepted, ${there} there`)
    }
  }

  #step(life: Life): void {
    const { random } = this.#dice
    const dice = random()
    if (dice < 0.35) this.#append(life)
    else if (dice < 0.37) life.log.append({ frame: null, committed: () => {} })
    else if (dice < 0.6) this.#dice.oneOf(life.destinations).answerOne()
    else if (dice < 0.66) this.#dice.oneOf(life.destinations).mood = this.#dice.oneOf(MOODS)
    else if (dice < 0.7) this.#weather(1)
    else if (dice < 0.71 && life.log.leftSinks.length > 0)
      void life.log.detach(this.#dice.oneOf(life.log.leftSinks))
  }

  #append(life: Life): void {
    const source = this.#dice.below(life.plan.sources.length)
    const records = this.#dice.chance(0.05) ? [] : this.#planner.records(life.plan.sources[source]!)
    const rejected = this.#dice.chance(0.2) ? this.#dice.below(4) : 0
    const watch = this.#dice.chance(0.3)
    const meantFor = this.#dice.chance(0.2) ? this.#someSinks(life.plan.sinks.length) : null
    if (life.append(source, records, rejected, watch, meantFor)) {
      this.totals.frames++
      this.totals.events += records.length
    }
  }

  /** Indexes, ascending; at least one. */
  #someSinks(count: number): number[] {
    const one = this.#dice.below(count)
    return Array.from({ length: count }, (_, sink) => sink).filter(
      (sink) => sink === one || this.#dice.chance(0.3),
    )
  }

  // ---- the disk

  #weather(probability: number): void {
    const disk = this.#disk
    disk.fault = () => undefined
    disk.capacityBytes = Infinity
    disk.slowMs = disk.shortReads = disk.shortWrites = 0
    if (!this.#dice.chance(probability) || this.#dice.chance(0.4)) return
    const kinds = [
      () => (disk.slowMs = 10 + this.#dice.below(800)),
      () => (disk.shortReads = disk.shortWrites = 0.3),
      () => (disk.capacityBytes = disk.usedBytes + this.#dice.below(20_000)),
      () => (disk.fault = this.#failing()),
    ]
    for (const kind of kinds) if (this.#dice.chance(0.4)) kind()
  }

  /** While it is recovered, a disk that can't be read is like damage: that is for the mode in which bits flip. */
  #failing() {
    const often = failingOften(this.#dice.random, this.#dice.random() ** 2)
    return (operation: Operation) => {
      const spared = operation === 'close' || (this.#opening && READING.has(operation))
      return spared ? undefined : often()
    }
  }

  #flip(): void {
    // Of the newest one nothing would tell what was in its end.
    const names = this.#disk.names(DIRECTORY).filter(isSegment).slice(0, -1)
    for (let flips = this.#dice.below(4); flips > 0 && names.length > 0; flips--) {
      const path = `${DIRECTORY}/${this.#dice.oneOf(names)}`
      const content = Buffer.from(this.#disk.content(path))
      if (content.length === 0) continue
      const bit = this.#dice.below(8)
      content[this.#dice.below(content.length)]! ^= 1 << bit
      this.#disk.put(
        path,
        this.#dice.chance(0.1) ? content.subarray(0, this.#dice.below(content.length)) : content,
      )
    }
  }

  // ---- how it ends

  #cutPower(life: Life): void {
    life.end()
    this.#io!.end()
    this.#checkDisk()
    this.#disk = this.#disk.crash()
  }

  async #kill(life: Life): Promise<void> {
    life.end()
    this.#io!.end()
    await this.#until(this.#quiet())
    this.#checkDisk()
  }

  async #quiet(): Promise<void> {
    while (this.#io!.underWay > 0) await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, 10))
  }

  async #stop(life: Life): Promise<void> {
    const deadline = new AbortController()
    this.#clock.setTimeout(() => deadline.abort(), this.#dice.below(10_000))
    await this.#until(life.stop(deadline.signal))
    await this.#kill(life)
  }

  #checkDisk(): void {
    assert.deepEqual(this.#disk.violations, [])
  }

  /** Lets time pass until a promise is settled. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    const progress = { over: false }
    const done = promise.finally(() => {
      progress.over = true
    })
    done.catch(() => {})
    for (let step = 0; step < STEPS_MAX && !progress.over; step++) await this.#clock.step(1000)
    this.#checkUncaught()
    assert(progress.over, 'it comes to an end')
    return done
  }

  #checkUncaught(): void {
    if (this.uncaught !== null) throw this.uncaught
  }

  #account(life: Life): void {
    this.#life = null
    this.totals.lives++
    this.totals.requests += life.destinations.reduce((sum, { requests }) => sum + requests, 0)
    this.totals.deadLetters += life.told.filter((told) => told === 'dead letters').length
    this.totals.deferred += life.told.filter((told) => told === 'deferred').length
    this.told.push(`-- life ${life.plan.number}`, ...life.told)
  }

  // ---- the end

  /** A collector on a healthy disk, with healthy destinations, delivers all that is owed. */
  async #heal(): Promise<void> {
    assert(await this.#begin(true), 'on a healthy disk it starts')
    const life = this.#life!
    this.#append(life)
    const untilMs = this.#clock.now() + HEAL_MS
    for (let step = 0; step < STEPS_MAX && (life.held > 0 || life.watched > 0 || life.pending > 0); step++) {
      await this.#clock.step(10_000)
      this.#checkUncaught()
      life.check()
      assert(this.#clock.now() < untilMs, `${life.held} events are held back for ever`)
    }
    await this.#clock.pass(1000)
    this.#checkDelivered(life)
    await this.#until(life.log.flushState())
    await this.#clock.pass(1000)
    const names = this.#disk.names(DIRECTORY).filter(isSegment)
    assert.equal(names.length, 1, `segments that nobody needs: ${names.join()}`)
    await this.#until(life.stop(new AbortController().signal))
    assert.equal(life.pool.freeCount, life.pool.slabCount, 'all slabs are back')
    assert.equal(this.#clock.pending, 0, 'no timer is left')
    await this.#kill(life)
    this.#account(life)
  }

  #checkDelivered(life: Life): void {
    for (const { name, offered, delivered, deadLettered, discarded } of life.ledger.sinks) {
      const attachment = this.witness.attached.get(name)!
      const lost = this.witness.missing(name)
      const [settledCount, lostCount] = [
        totalOf(delivered) + totalOf(deadLettered.values()),
        totalOf(discarded.values()),
      ]
      this.totals.repeats += attachment.repeats
      this.totals.discarded += lostCount
      assert.equal(life.held, 0)
      assert.equal(totalOf(offered), settledCount + lostCount)
      if (this.#options.flips === true) {
        assert(lost.length <= lostCount, `${name}: ${lost.length} lost, ${lostCount} discarded`)
        continue
      }
      assert.deepEqual(
        lost.map(({ id, sequence, index }) => `${id} (${sequence}, ${index})`),
        [],
        `${name}: lost`,
      )
      // What a detached sink had got without anybody knowing counts as discarded.
      const got = attachment.done.size
      if (attachment.detached === 0) assert.equal(settledCount, got, `${name}: settled, of what it got`)
      else assert(settledCount <= got, `${name}: settled, of what it got`)
    }
  }
}

function isSegment(name: string): boolean {
  return name.endsWith('.frames')
}

function totalOf(counts: Iterable<number>): number {
  return [...counts].reduce((total, count) => total + count, 0)
}
