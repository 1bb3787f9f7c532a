/**
 * The id of an event: epoch, sequence and index of the frame that it first stood in, however often it was deferred since.
 * Never used twice. As text: `<epoch, 16 hexadecimal digits>-<sequence>-<index>`.
 */
import { FRAME_KIND, HEADER } from './frame-region.ts'
import { readEpoch, readU64, writeEpoch, writeU64 } from './wide-words.ts'

/** An epoch, a sequence up to 2 ** 53, an index below 2 ** 14, and two dashes. */
export const EVENT_ID_BYTES_MAX = 16 + 1 + 16 + 1 + 5

/** Gives a frame that is new in the log its id, and its records theirs. */
export function writeFrameId(words: Int32Array, region: number, epoch: string, sequence: number): void {
  writeEpoch(words, (region >> 2) + HEADER.EPOCH, epoch)
  writeU64(words, (region >> 2) + HEADER.SEQUENCE, sequence)
}

export function isDeferredFrame(words: Int32Array, region: number): boolean {
  return words[(region >> 2) + HEADER.KIND] === FRAME_KIND.DEFERRED
}

/** Where the four words of what its records' ids have in common begin: epoch and sequence, the low word of each first. */
export function originWord(words: Int32Array, region: number): number {
  return (region >> 2) + (isDeferredFrame(words, region) ? HEADER.ORIGIN_EPOCH : HEADER.EPOCH)
}

/** The text of the ids of a frame's records, up to the index. */
export function eventIdPrefix(words: Int32Array, region: number): string {
  const word = originWord(words, region)
  return `${readEpoch(words, word)}-${readU64(words, word + 2)}-`
}

/** Index of a DEFERRED frame's record, whose words begin at `word`, in the frame that it first stood in. */
export function deferredIndex(words: Int32Array, word: number): number {
  return words[word + 3]! >>> 16
}
