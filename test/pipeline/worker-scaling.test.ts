import t from 'tap'
import { WorkerScaling } from '../../src/pipeline/worker-scaling.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { SimulatedClock } from './dispatch/simulated-clock.ts'

const TICK_MS = 20
const START_MS = 120
const IDLE_MS = 30_000
/** Extents that a worker is done with in a tick. */
const PER_TICK = 2

/** Workers with as much to do as a test says, in threads that Piscina would start and end. */
class SimulatedPool {
  readonly idleTimeoutMs = IDLE_MS
  readonly changes: { atMs: number; from: number; to: number; cause: string }[] = []
  readonly clock = new SimulatedClock()
  readonly scaling: WorkerScaling
  workerCount: number
  /** Extents that come in a tick. */
  arriving = (): number => 0
  #backlog = 0
  /** When each thread is or was ready, and last worked. */
  readonly #threads: { readyAtMs: number; workedAtMs: number }[] = []
  readonly #min: number
  #onTask = (): void => {}

  constructor(min: number, max: number) {
    this.workerCount = min
    this.#min = min
    for (let i = 0; i < min; i++) this.#threads.push({ readyAtMs: 0, workedAtMs: 0 })
    this.scaling = new WorkerScaling({
      workers: this,
      min,
      max,
      lines: [{ name: 'push', extents: this }],
      ringEntries: 128,
      clock: this.clock,
      events: {
        workersScaled: (from, to, cause) => this.changes.push({ atMs: this.clock.now(), from, to, cause }),
      },
      wake: () => {},
    })
  }

  get depth(): number {
    return Math.ceil(this.#backlog)
  }

  get waiting(): number {
    return this.depth - Math.min(this.depth, this.workerCount * 2)
  }

  get threads(): number {
    return this.#threads.length
  }

  /** Tasks of sinks. */
  encoding = 0

  get tasks(): number {
    return Math.min(this.depth, this.workerCount * 2) + this.encoding
  }

  allow(workerCount: number): void {
    this.workerCount = workerCount
  }

  onTask(callback: () => void): void {
    this.#onTask = callback
  }

  kill(): void {
    this.#threads.pop()
  }

  async run(durationMs: number): Promise<void> {
    const endMs = this.clock.now() + durationMs
    while (this.clock.now() < endMs) {
      this.#tick(this.clock.now())
      await this.clock.pass(TICK_MS)
    }
  }

  #tick(now: number): void {
    this.#backlog = Math.min(128, this.#backlog + this.arriving())
    if (this.tasks > 0) this.#onTask()
    while (this.tasks > this.threads && this.threads < this.workerCount)
      this.#threads.push({ readyAtMs: now + START_MS, workedAtMs: now + START_MS })
    for (const thread of this.#threads) {
      if (thread.readyAtMs > now || this.#backlog <= 0) continue
      this.#backlog = Math.max(0, this.#backlog - PER_TICK)
      thread.workedAtMs = now
    }
    const alive = this.#threads.filter(
      ({ workedAtMs }, index) => index < this.#min || now - workedAtMs < IDLE_MS,
    )
    this.#threads.splice(0, this.#threads.length, ...alive)
  }
}

t.test('a spike gets the most workers within a second, and quiet gives them back', async (t) => {
  const pool = new SimulatedPool(1, 4)
  pool.arriving = () => 1
  await pool.run(5000)
  t.same(pool.changes, [], 'half of what one can do')

  const spikeAtMs = pool.clock.now()
  pool.arriving = () => 12
  await pool.run(1000)
  t.equal(pool.threads, 4)
  t.equal(pool.changes.length, 1, 'in one step')
  t.match(pool.changes[0], { from: 1, to: 4, cause: /^ring depth \d+ of 128 of source push$/ })
  t.ok(pool.changes[0]!.atMs - spikeAtMs < 500)

  pool.arriving = () => 0
  await pool.run(25_000)
  t.equal(pool.workerCount, 4, 'it may come back')
  await pool.run(15_000)
  t.equal(pool.threads, 1)
  t.same(
    pool.changes.slice(1).map(({ from, to, cause }) => [from, to, cause]),
    [[4, 1, 'idle for 30 s']],
  )
  t.equal(pool.clock.pending, 0, 'nobody looks at a pool that has nothing to do')
})

t.test('much to encode is a spike too', async (t) => {
  const pool = new SimulatedPool(1, 4)
  pool.encoding = 2
  await pool.run(1000)
  t.same(pool.changes, [])
  pool.encoding = 4
  await pool.run(1000)
  t.match(pool.changes, [{ from: 1, to: 3, cause: '4 tasks to do' }])
  pool.scaling.stop()
})

t.test('a short burst is no spike', async (t) => {
  const pool = new SimulatedPool(1, 4)
  let tick = 0
  pool.arriving = () => (tick++ % 50 === 0 ? 10 : 0)
  await pool.run(60_000)
  t.same(pool.changes, [])
})

t.test('under a steady load the number of workers comes to rest', async (t) => {
  for (const workersNeeded of [0.4, 0.9, 2.2, 6]) {
    const random = seededRandom(7)
    const pool = new SimulatedPool(1, 4)
    pool.arriving = () => random() * 2 * workersNeeded * PER_TICK
    await pool.run(90_000)
    const { length } = pool.changes
    t.ok(length <= 4, `${workersNeeded}: ${length} changes`)
    t.ok(pool.workerCount >= Math.min(4, workersNeeded), `${workersNeeded}: enough`)
    await pool.run(120_000)
    t.equal(pool.changes.length, length, `${workersNeeded}: at rest with ${pool.workerCount}`)
    pool.scaling.stop()
  }
})

t.test('a thread that died is replaced, not given up', async (t) => {
  const pool = new SimulatedPool(1, 4)
  pool.arriving = () => 6
  await pool.run(3000)
  t.equal(pool.workerCount, 4)
  pool.kill()
  await pool.run(3000)
  t.equal(pool.threads, 4)
  t.equal(pool.changes.length, 1)
  pool.scaling.stop()
  t.equal(pool.clock.pending, 0)
})

t.test('a fixed number is not looked at', async (t) => {
  const pool = new SimulatedPool(2, 2)
  pool.arriving = () => 20
  await pool.run(1000)
  t.same(pool.changes, [])
  t.equal(pool.clock.pending, 0)
})
