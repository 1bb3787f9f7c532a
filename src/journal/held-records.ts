import { FRAME_KIND, RECORD_FAST, recordWord } from '../memory/frame-region.ts'
import { isMeantFor } from '../memory/meant-for.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'
import { BULK, FAST } from './log.ts'
import type { LaneIndex } from './log.ts'
import type { JournalState, LaneState, SinkState } from './state.ts'

/** What of the log one sink has not settled, by a state. */
export class HeldRecords {
  readonly #name: string
  readonly #state: SinkState
  /** Deferred frames from here on are not known to the state: their records count where they first stood. */
  readonly #sequence: number

  constructor(name: string, { sequence, sinks }: JournalState) {
    this.#name = name
    this.#state = sinks[name]!
    this.#sequence = sequence
  }

  /** Calls `tell` for each record of a frame that the sink still has to settle. `checkpoint` is that of its segment. */
  visit(
    memory: FrameMemory,
    at: number,
    head: FrameHead,
    checkpoint: Checkpoint,
    tell: (record: number, lane: LaneIndex) => void,
  ): void {
    const filter = this.#filterOf(head, checkpoint)
    if (filter === null || !this.#mayHold(head)) return
    const { words } = memory
    for (let record = 0; record < head.records; record++) {
      const word = recordWord(at, head.runs, record)
      if (filter !== -1 && ((words[word + 3]! >>> filter) & 1) === 0) continue
      const lane = (words[word]! & RECORD_FAST) === 0 ? BULK : FAST
      if (isHeld(this.#state.lanes[lane], head.sequence, record)) tell(record, lane)
    }
  }

  /** Nothing of a frame before both cursors is held, but for the intervals. */
  #mayHold({ sequence }: FrameHead): boolean {
    return this.#state.lanes.some(
      (lane) =>
        sequence >= lane.next.sequence || (intervalAt(lane, sequence, 0)?.from[0] ?? Infinity) <= sequence,
    )
  }

  /** Bit of the route mask that tells what is meant, -1 for all of a frame, null for nothing of it. */
  #filterOf(head: FrameHead, { sources, sinks }: Checkpoint): number | null {
    if (head.kind === FRAME_KIND.DEFERRED) {
      const counts = head.sequence < this.#sequence && !this.#state.voided.includes(head.sequence)
      return counts && sinks[head.sink]?.name === this.#name ? -1 : null
    }
    if (head.kind !== FRAME_KIND.EVENTS) return null
    const index = sinks.findIndex(({ name }) => name === this.#name)
    const sink = sinks[index]
    if (sink !== undefined) {
      return sink.inputs.includes(head.source) && isMeantFor(head.meantFor, index) ? sink.filter : null
    }
    // From before it was attached: everything of its inputs that is for all.
    if (head.meantFor !== null) return null
    return this.#state.inputs.includes(sources[head.source]?.name ?? '') ? -1 : null
  }
}

function isHeld(lane: LaneState, sequence: number, record: number): boolean {
  if (sequence >= lane.next.sequence) return true
  const nearest = intervalAt(lane, sequence, record)
  if (nearest === undefined) return false
  const [from, first] = nearest.from
  return from < sequence || (from === sequence && first <= record)
}

/** The first interval that ends behind a record. */
function intervalAt({ unsettled }: LaneState, sequence: number, record: number) {
  let low = 0
  let high = unsettled.length
  while (low < high) {
    const middle = (low + high) >> 1
    const [to, end] = unsettled[middle]!.to
    if (to < sequence || (to === sequence && end <= record)) low = middle + 1
    else high = middle
  }
  return unsettled[low]
}
