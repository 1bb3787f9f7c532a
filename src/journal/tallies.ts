import { FRAME_KIND, recordWord } from '../memory/frame-region.ts'
import { isMeantFor } from '../memory/meant-for.ts'
import type { Checkpoint, SinkTally, SourceTally } from './checkpoint.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'

const RECORD_WORDS = 4
const ROUTE_WORD = 3
/** RECORD_FAST, bit 28 of word 0. */
const FAST_SHIFT = 28
const NOTHING: readonly [bulk: number, fast: number] = [0, 0]

/** Records of a frame that a filter lets through, by lane: bulk, fast. -1: all of them. */
export function routedBy(
  memory: FrameMemory,
  at: number,
  head: FrameHead,
  filter: number,
): [bulk: number, fast: number] {
  if (filter === -1) return [head.records - head.fast, head.fast]
  const { words } = memory
  const first = recordWord(at, head.runs, 0)
  const end = first + head.records * RECORD_WORDS
  let bulk = 0
  let fast = 0
  for (let word = first; word < end; word += RECORD_WORDS) {
    const meant = (words[word + ROUTE_WORD]! >>> filter) & 1
    const isFast = (words[word]! >>> FAST_SHIFT) & 1
    fast += meant & isFast
    bulk += meant & ~isFast
  }
  return [bulk, fast]
}

/** The ledger of sources and sinks, carried from a checkpoint over the frames behind it. */
export class Tallies {
  readonly sources: readonly SourceTally[]
  readonly sinks: readonly SinkTally[]
  /** By source, the sinks that read it. */
  readonly #readers: readonly (readonly SinkTally[])[]

  constructor({ sources, sinks }: Pick<Checkpoint, 'sources' | 'sinks'>) {
    this.sources = sources.map((source) => ({
      ...source,
      rejected: [...source.rejected],
      shed: [...source.shed],
    }))
    this.sinks = sinks.map((sink) => ({ ...sink, offered: [...sink.offered] }))
    this.#readers = sources.map((_, source) => this.sinks.filter(({ inputs }) => inputs.includes(source)))
  }

  /** Events of its source that were committed before this frame, and that no frame so far has told of. */
  missingBefore(head: FrameHead): number {
    if (head.kind !== FRAME_KIND.EVENTS) return 0
    const tally = this.sources[head.source]
    return tally === undefined ? 0 : Math.max(0, head.acceptedBefore - tally.accepted)
  }

  /** Counts a frame that is whole. */
  add(memory: FrameMemory, at: number, head: FrameHead): void {
    if (!this.#addToSource(head)) return
    for (const sink of this.#readers[head.source]!) {
      const [bulk, fast] = this.#isMeant(head, sink) ? routedBy(memory, at, head, sink.filter) : NOTHING
      sink.offered[0] += bulk
      sink.offered[1] += fast
      sink.filtered += head.records - bulk - fast
    }
  }

  /** Counts a frame of which only the header can be believed. Who filters is taken to be offered all of it. */
  addDamaged(head: FrameHead): void {
    if (!this.#addToSource(head)) return
    for (const sink of this.#readers[head.source]!) {
      if (this.#isMeant(head, sink)) offer(sink, head.records - head.fast, head.fast)
      else sink.filtered += head.records
    }
  }

  /** Counts events that were accepted and are found nowhere. */
  addLost(source: number, bulk: number, fast = 0): void {
    this.sources[source]!.accepted += bulk + fast
    for (const sink of this.#readers[source]!) offer(sink, bulk, fast)
  }

  #isMeant({ meantFor }: FrameHead, sink: SinkTally): boolean {
    return meantFor === null || isMeantFor(meantFor, this.sinks.indexOf(sink))
  }

  #addToSource(head: FrameHead): boolean {
    const tally = head.kind === FRAME_KIND.EVENTS ? this.sources[head.source] : undefined
    if (tally === undefined) return false
    tally.receivedBytes += head.receivedBytes
    tally.accepted += head.records
    for (const [category, count] of head.rejected.entries()) tally.rejected[category]! += count
    for (const [severity, count] of head.shed.entries()) tally.shed[severity]! += count
    return true
  }
}

function offer({ offered }: SinkTally, bulk: number, fast: number): void {
  offered[0] += bulk
  offered[1] += fast
}
