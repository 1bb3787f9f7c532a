import { voidedOf } from './attach.ts'
import { detach } from './detach.ts'
import type { Position } from './frame.ts'
import { BULK, FAST } from './log.ts'
import type { LogTallies } from './log-tallies.ts'
import type { Recovered } from './recovery.ts'
import type { JournalState, SinkState } from './state.ts'

/** Sinks that have left the configuration: what they have not got is kept for them until they are detached. */
export class LeftSinks {
  readonly #sinks = new Map<string, { state: SinkState; readonly offered: readonly [number, number] }>()

  find(
    state: JournalState | null,
    deferred: Recovered['deferred'],
    tallies: LogTallies,
    configured: ReadonlySet<string>,
  ): void {
    if (state === null) return
    for (const [name, sink] of Object.entries(state.sinks)) {
      if (configured.has(name)) continue
      const offered = tallies.sinks.find((tally) => tally.name === name)?.offered ?? sink.settled
      // The next state is this run's, from which on what is deferred is known.
      const voided = voidedOf(sink, name, deferred, state.sequence)
      this.#sinks.set(name, { state: { ...sink, voided }, offered })
    }
  }

  get names(): string[] {
    return [...this.#sinks.keys()]
  }

  states(): Record<string, SinkState> {
    return Object.fromEntries([...this.#sinks].map(([name, { state }]) => [name, state]))
  }

  /** It has left, and by a state that is on disk there is nothing that it has not got. */
  isDone(name: string, state: SinkState): boolean {
    const left = this.#sinks.get(name)
    return left !== undefined && heldBy(state, left.offered) === 0
  }

  /** Those that have not got everything, with how many events. */
  holding(): { readonly name: string; readonly held: number }[] {
    return [...this.#sinks]
      .map(([name, { state, offered }]) => ({ name, held: heldBy(state, offered) }))
      .filter(({ held }) => held > 0)
  }

  /** Returns how many events are given up; null where no such sink has left. */
  detach(name: string, end: Position): number | null {
    const left = this.#sinks.get(name)
    if (left === undefined) return null
    const { sink, discarded } = detach(left.state, left.offered, end)
    left.state = sink
    return discarded
  }
}

function heldBy({ settled }: SinkState, offered: readonly [number, number]): number {
  return offered[BULK] + offered[FAST] - settled[BULK] - settled[FAST]
}
