import type { Arena } from '../memory/arena.ts'
import { REJECT_CATEGORIES } from '../memory/extent-ring.ts'
import { HEADER } from '../memory/frame-region.ts'
import type { AttachedSink } from './attach.ts'
import { newSinkTally, newSourceTally } from './checkpoint.ts'
import type { Checkpoint, SinkTally, SourceTally } from './checkpoint.ts'
import type { Frame } from './frame.ts'

/** What is committed of each source and for each sink, while the log runs: the next checkpoint. */
export class LogTallies {
  /** Those of the configuration first, in its order; what has left stands behind, and counts no more. */
  readonly sources: readonly SourceTally[]
  readonly sinks: readonly SinkTally[]
  /** Accepted events of the sources as of the frame appended last. */
  readonly #appended: number[]

  /** What `before` counted goes on. */
  constructor(sources: readonly string[], sinks: readonly AttachedSink[], before: Checkpoint | null) {
    const { sources: oldSources = [], sinks: oldSinks = [] } = before ?? {}
    const names = new Set(sinks.map(({ name }) => name))
    this.sources = [
      ...sources.map((name) => oldSources.find((old) => old.name === name) ?? newSourceTally(name)),
      ...oldSources.filter(({ name }) => !sources.includes(name)),
    ]
    this.sinks = [
      ...sinks.map((sink) =>
        tallyOf(
          sink,
          oldSinks.find(({ name }) => name === sink.name),
        ),
      ),
      ...oldSinks.filter(({ name }) => !names.has(name)).map(asLeft),
    ]
    this.#appended = this.sources.map(({ accepted }) => accepted)
  }

  /** So many events of a source come with the frame that is appended next; returns how many came before. */
  append(source: number, events: number): number {
    const before = this.#appended[source]!
    this.#appended[source] = before + events
    return before
  }

  /** Counts what a frame brings to its source; readers count for their sinks. */
  commit({ source, region, records }: Frame, { words }: Arena): void {
    const header = region >> 2
    const tally = this.sources[source]!
    tally.accepted += records
    tally.receivedBytes += words[header + HEADER.RECEIVED_BYTES]!
    for (let i = 0; i < REJECT_CATEGORIES.length; i++)
      tally.rejected[i]! += words[header + HEADER.REJECTED_BY + i]!
    for (let i = 0; i < tally.shed.length; i++) tally.shed[i]! += words[header + HEADER.SHED_BY + i]!
  }

  /** As of now. */
  checkpoint(head: Pick<Checkpoint, 'segment' | 'sequence' | 'epoch' | 'createdAt'>): Checkpoint {
    return structuredClone({ version: 1, ...head, sources: this.sources, sinks: this.sinks })
  }
}

/** Nothing more is offered to it. */
function asLeft({ name, offered, filtered }: SinkTally): SinkTally {
  return { name, inputs: [], filter: -1, offered, filtered }
}

function tallyOf({ name, inputs, filterIndex }: AttachedSink, old: SinkTally | undefined): SinkTally {
  const tally = newSinkTally(name, inputs, filterIndex)
  if (old === undefined) return tally
  const [bulk, fast] = old.offered
  return { ...tally, offered: [bulk, fast], filtered: old.filtered }
}
