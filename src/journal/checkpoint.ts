import { REJECT_CATEGORIES, SEVERITIES } from '../memory/extent-ring.ts'

/** What was committed of a source, over all runs. `received = accepted + rejected + shed`. */
export interface SourceTally {
  readonly name: string
  receivedBytes: number
  accepted: number
  /** By index of REJECT_CATEGORIES. */
  readonly rejected: number[]
  /** By severity. */
  readonly shed: number[]
}

/** What was committed for a sink, over all runs since it was attached; and how its frames say what is meant for it. */
export interface SinkTally {
  readonly name: string
  /** Indexes of the sources that it reads, in this checkpoint. */
  readonly inputs: readonly number[]
  /** Bit of the route mask that is its `where`; -1: it gets everything. */
  readonly filter: number
  /** By lane: bulk, fast. */
  readonly offered: [number, number]
  filtered: number
}

/**
 * What every segment begins with: who is meant by the numbers in its frames, and what was committed before it. Indexes
 * are those of the lists here; sources and sinks that have left the configuration stand behind those that are in it.
 */
export interface Checkpoint {
  readonly version: 1
  readonly segment: number
  /** Of the first frame behind it. */
  readonly sequence: number
  /** Of the run that wrote it, 16 hexadecimal digits. */
  readonly epoch: string
  readonly createdAt: string
  readonly sources: readonly SourceTally[]
  readonly sinks: readonly SinkTally[]
}

export function newSourceTally(name: string): SourceTally {
  return {
    name,
    receivedBytes: 0,
    accepted: 0,
    rejected: REJECT_CATEGORIES.map(() => 0),
    shed: Array.from({ length: SEVERITIES }, () => 0),
  }
}

export function newSinkTally(name: string, inputs: readonly number[], filter: number): SinkTally {
  return { name, inputs, filter, offered: [0, 0], filtered: 0 }
}
