import type { Clock, Timer } from '../base/clock.ts'
import type { Topology } from './topology.ts'

const LOOK_INTERVAL_MS = 250
const FAILING_DISK_GRACE_MS = 1000
const IDLE_POLL_MS = 5

/** What becomes of what is still in a collector when its doors are closed. */
export class Leftovers {
  readonly #topology: Topology
  readonly #clock: Clock

  constructor(topology: Topology, clock: Clock) {
    this.#topology = topology
    this.#clock = clock
  }

  /** What the sources took is validated and committed, as far as time and room allow. */
  commit(deadline: AbortSignal): Promise<void> {
    const { sources } = this.#topology
    return new Promise((resolve) => {
      const look = () => {
        if (deadline.aborted || sources.every(({ intake }) => intake.idle)) {
          resolve()
          return
        }
        for (const { intake } of sources) intake.flush()
        this.#clock.setTimeout(look, IDLE_POLL_MS)
      }
      look()
    })
  }

  /**
   * With a journal on disk only what is under way is waited for, and the rest stays there; with `all` it is delivered as
   * long as there is time. In memory mode what is not delivered in time becomes dead letters, for it would be lost: so many.
   */
  settle(deadline: AbortSignal, all: boolean): Promise<number> {
    return this.#topology.journal === null ? this.#drain(deadline) : this.#halt(deadline, all)
  }

  /** Where the rest is kept, no more of it is delivered. */
  leave(deadline: AbortSignal): void {
    const { journal, sinks } = this.#topology
    if (journal !== null) for (const { dispatcher } of sinks) void dispatcher.halt(deadline)
  }

  async #halt(deadline: AbortSignal, all: boolean): Promise<number> {
    const dispatchers = this.#topology.sinks.map(({ dispatcher }) => dispatcher)
    if (all) await Promise.all(dispatchers.map((dispatcher) => dispatcher.drain(deadline, 'log')))
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.halt(deadline)))
    return 0
  }

  async #drain(deadline: AbortSignal): Promise<number> {
    const drains = this.#topology.sinks.map(({ dispatcher }) => dispatcher.drain(deadline))
    const failing = this.#leaveFailingDisk(deadline)
    const drained = await Promise.all(drains)
    failing.clear()
    return drained.reduce((sum, { undelivered }) => sum + undelivered, 0)
  }

  /** When the time to stop is over, a disk that fails on and on is waited for no longer. */
  #leaveFailingDisk(deadline: AbortSignal): Timer {
    const { deadLetters, sinks } = this.#topology
    let failingSinceMs = Infinity
    const look = () => {
      const now = this.#clock.now()
      failingSinceMs = deadline.aborted && !deadLetters.healthy ? Math.min(failingSinceMs, now) : Infinity
      if (now - failingSinceMs < FAILING_DISK_GRACE_MS) timer = this.#clock.setTimeout(look, LOOK_INTERVAL_MS)
      else void Promise.all([deadLetters.stop(), ...sinks.map(({ dispatcher }) => dispatcher.stop())])
    }
    let timer = this.#clock.setTimeout(look, LOOK_INTERVAL_MS)
    return { clear: () => timer.clear() }
  }
}
