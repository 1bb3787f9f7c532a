import type { Attachment } from './attach.ts'
import type { SinkTally, SourceTally } from './checkpoint.ts'
import type { SettledCounts } from './log.ts'
import type { DeadLetterState, JournalState, SinkState } from './state.ts'

/** What earlier runs counted of the sinks and dead letters; the sources have tallies. */
export interface Restored {
  /** Of the configuration, in its order. */
  readonly sinks: readonly (SinkTally & SettledCounts & { readonly before: number })[]
  readonly deadLetters: DeadLetterState
  /** Dead letters that were counted for sources and sinks that have left the configuration. */
  readonly lettersOfTheLeft: number
}

const NO_LETTERS: DeadLetterState = { found: 0, replayed: 0, purged: 0, evicted: 0 }

/** `state`: null where none was found; then what a sink is not to get again counts as delivered. */
export function restored(
  state: JournalState | null,
  readers: readonly { readonly tally: SinkTally; readonly settledAtStart: readonly [number, number] }[],
  attached: ReadonlyMap<string, Attachment>,
  leftSources: readonly SourceTally[],
  leftSinks: Readonly<Record<string, SinkState>>,
): Restored {
  let lettersOfTheLeft = leftSources.reduce((total, { rejected }) => total + sum(rejected), 0)
  for (const { deadLettered } of Object.values(leftSinks))
    lettersOfTheLeft += sum(Object.values(deadLettered))
  const sinks = readers.map(({ tally, settledAtStart }) => {
    const known = state?.sinks[tally.name]
    const { delivered = settledAtStart, deliveredBytes = 0, deadLettered = {}, discarded = {} } = known ?? {}
    const { before } = attached.get(tally.name)!
    return Object.assign({}, tally, { delivered, deliveredBytes, deadLettered, discarded, before })
  })
  return { sinks, deadLetters: state?.deadLetters ?? NO_LETTERS, lettersOfTheLeft }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
