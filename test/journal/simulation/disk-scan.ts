import {
  FRAME_KIND,
  recordLength,
  recordOffset,
  recordWord,
  regionBytes,
} from '../../../src/memory/frame-region.ts'
import { decodeCheckpoint, newFrameMemory } from '../../../src/journal/frame-codec.ts'
import type { FrameHead, FrameMemory } from '../../../src/journal/frame-codec.ts'
import { frameAt, sequenceAfter } from '../../../src/journal/scan.ts'
import { parseSegmentName } from '../../../src/journal/segment-name.ts'
import type { SimulatedDisk } from '../../helpers/simulated-disk.ts'

/** Records that stand in the log once more for a sink. */
export interface DeferredOnDisk {
  readonly sink: string
  readonly sequence: number
  readonly originSequence: number
  /** Ids, by their index in this frame. */
  readonly ids: readonly string[]
}

/** What a reader of the format finds, that knows nothing of the collector. */
export interface OnDisk {
  /** Of the oldest segment that counts; Infinity where there is none. */
  readonly firstSequence: number
  /** Sequences of the frames of events that are whole. */
  readonly sequences: ReadonlySet<number>
  readonly deferred: readonly DeferredOnDisk[]
  readonly segments: number
}

export function scanDisk(disk: SimulatedDisk, directory: string): OnDisk {
  const names = disk
    .names(directory)
    .map((name) => ({ name, segment: parseSegmentName(name) }))
    .filter(({ segment }) => segment !== undefined)
  const sequences = new Set<number>()
  const found: DeferredFound[] = []
  const sinks = new Map<string, readonly string[]>()
  for (const [index, { name, segment }] of names.entries()) {
    const end = names[index + 1]?.segment!.firstSequence ?? Infinity
    scanSegment(disk.content(`${directory}/${name}`), segment!, end, sequences, found, sinks)
  }
  const firstSequence = names[0]?.segment!.firstSequence ?? Infinity
  const deferred = found.map(({ sink, epoch, sequence, originSequence, ids }) => {
    return { sink: sinks.get(epoch)?.[sink] ?? '', sequence, originSequence, ids }
  })
  return { firstSequence, sequences, deferred, segments: names.length }
}

/** With the index of its sink, whose name may stand further on. */
interface DeferredFound extends Omit<DeferredOnDisk, 'sink'> {
  readonly sink: number
  readonly epoch: string
}

function scanSegment(
  content: Buffer,
  { number, firstSequence }: { readonly number: number; readonly firstSequence: number },
  endSequence: number,
  sequences: Set<number>,
  deferred: DeferredFound[],
  /** Names by index, by epoch: the same in all segments of a run. */
  sinks: Map<string, readonly string[]>,
): void {
  const memory = newFrameMemory(content.length)
  memory.bytes.set(content)
  let sequence = firstSequence
  for (let at = 0; at < content.length && sequence < endSequence;) {
    const found = frameAt(memory, at, content.length, { segment: number, sequence, epoch: null })
    if (found.kind !== 'frame') {
      at += 8
      continue
    }
    const { head } = found
    if (head.sequence >= endSequence) return
    const checkpoint = decodeCheckpoint(memory.bytes, at, head)
    if (checkpoint !== null)
      sinks.set(
        head.epoch,
        checkpoint.sinks.map(({ name }) => name),
      )
    if (head.kind === FRAME_KIND.EVENTS) sequences.add(head.sequence)
    if (head.kind === FRAME_KIND.DEFERRED)
      deferred.push({
        sink: head.sink,
        epoch: head.epoch,
        sequence: head.sequence,
        originSequence: head.originSequence,
        ids: idsIn(memory, at, head),
      })
    sequence = sequenceAfter(head)
    at += head.frameBytes
  }
}

function idsIn({ words, bytes }: FrameMemory, at: number, head: FrameHead): string[] {
  const from = at + regionBytes(head.runs, head.records)
  return Array.from({ length: head.records }, (_, record) => {
    const word = recordWord(at, head.runs, record)
    const begin = from + recordOffset(words[word]!)
    return idOf(Buffer.from(bytes.subarray(begin, begin + recordLength(words[word + 1]!))).toString())
  })
}

export function idOf(text: string): string {
  return (JSON.parse(text) as { id: string }).id
}
