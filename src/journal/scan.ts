import { FRAME_KIND, FRAME_MAGIC, HEADER_BYTES } from '../memory/frame-region.ts'
import { bodyIsWhole, readHead } from './frame-codec.ts'
import type { FrameHead, FrameMemory } from './frame-codec.ts'

/** What the next frame of a segment has to be. */
export interface Expected {
  readonly segment: number
  /** The lowest sequence that may stand here; a higher one tells of a gap, which is damage, but not this frame's. */
  readonly sequence: number
  /**
   * Epoch of the run that wrote the segment; null where nothing tells. Bytes of refused records lie in frames too, and who
   * sends them could draw a header; he can't know the epoch, so nothing drawn is ever taken for a frame.
   */
  readonly epoch: string | null
}

export type BadReason =
  /** Magic, version, checksum or bounds of the header. */
  | 'header'
  /** A frame of another segment or run, or one that was here before. */
  | 'foreign'
  /** The header is right, the checksum of what it tells of is not. */
  | 'body'

/** What stands at an offset. */
export type Found =
  | { readonly kind: 'frame'; readonly head: FrameHead }
  /** More bytes are needed to tell: `neededBytes` from the offset on. */
  | { readonly kind: 'short'; readonly neededBytes: number }
  /** `head` where the header is right, so that its length can be believed. */
  | { readonly kind: 'bad'; readonly reason: BadReason; readonly head: FrameHead | null }

/** What header stands at `at` of a segment, of which [at, end) is in memory. Says nothing of what is behind it. */
export function headAt(memory: FrameMemory, at: number, end: number, expected: Expected): Found {
  if (end - at < HEADER_BYTES) return { kind: 'short', neededBytes: HEADER_BYTES }
  const head = readHead(memory.words, memory.doubles, memory.bytes, at)
  if (head === null) return { kind: 'bad', reason: 'header', head: null }
  if (isExpected(head, expected)) return { kind: 'frame', head }
  return { kind: 'bad', reason: 'foreign', head: null }
}

/** What frame stands at `at` of a segment, of which [at, end) is in memory; all of it is checked. */
export function frameAt(memory: FrameMemory, at: number, end: number, expected: Expected): Found {
  const found = headAt(memory, at, end, expected)
  if (found.kind !== 'frame') return found
  const { head } = found
  if (end - at < head.frameBytes) return { kind: 'short', neededBytes: head.frameBytes }
  return bodyIsWhole(memory.bytes, at, head) ? found : { kind: 'bad', reason: 'body', head }
}

function isExpected(head: FrameHead, { segment, sequence, epoch }: Expected): boolean {
  return head.segment === segment && head.sequence >= sequence && (epoch === null || head.epoch === epoch)
}

/**
 * After damage: the first offset from `at` on (a multiple of 8) where an expected header stands, all of it before `end`;
 * -1 where there is none. What may begin in the last HEADER_BYTES - 8 bytes has to be looked at again with more behind it.
 */
export function findHead(memory: FrameMemory, at: number, end: number, expected: Expected): number {
  const { words, doubles, bytes } = memory
  const last = end - HEADER_BYTES
  for (let offset = (at + 7) & ~7; offset <= last; offset += 8) {
    if (words[offset >> 2] !== FRAME_MAGIC) continue
    const head = readHead(words, doubles, bytes, offset)
    if (head !== null && isExpected(head, expected)) return offset
  }
  return -1
}

/** The sequence that has to stand behind a frame: a checkpoint has that of the frame behind it. */
export function sequenceAfter(head: FrameHead): number {
  return head.kind === FRAME_KIND.CHECKPOINT ? head.sequence : head.sequence + 1
}
