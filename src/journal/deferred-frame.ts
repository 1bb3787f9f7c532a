import { recordWord } from '../memory/frame-region.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'
import type { Position } from './frame.ts'
import type { RecordRange } from './log.ts'

/** A frame of kind DEFERRED: what one sink had not settled of an earlier frame. */
export interface DeferredFrame {
  readonly sink: string
  readonly position: Position
  readonly originEpoch: string
  readonly originSequence: number
  readonly records: number
  readonly fast: number
  /** Its records, by their indexes in the frame that they came with. */
  readonly ranges: readonly RecordRange[]
}

/** The records of the deferred frame at `at`, by their indexes in the frame that they came with. */
export function originRanges(memory: FrameMemory, at: number, head: FrameHead): RecordRange[] {
  const ranges: { first: number; end: number }[] = []
  for (let record = 0; record < head.records; record++) {
    const index = memory.words[recordWord(at, head.runs, record) + 3]! >>> 16
    const last = ranges.at(-1)
    if (last?.end === index) last.end++
    else ranges.push({ first: index, end: index + 1 })
  }
  return ranges
}
