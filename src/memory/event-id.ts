/**
 * The id of an event: epoch, sequence and index of the frame that it first stood in, however often it was deferred since.
 * Never used twice. As text: `<epoch, 16 hexadecimal digits>-<sequence>-<index>`.
 */
import { FRAME_KIND, HEADER } from './frame-region.ts'

/** An epoch, a sequence up to 2 ** 53, an index below 2 ** 14, and two dashes. */
export const EVENT_ID_BYTES_MAX = 16 + 1 + 16 + 1 + 5

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
  const sequence = (words[word + 3]! >>> 0) * 2 ** 32 + (words[word + 2]! >>> 0)
  return `${hex(words[word + 1]!)}${hex(words[word]!)}-${sequence}-`
}

/** Index of a DEFERRED frame's record, whose words begin at `word`, in the frame that it first stood in. */
export function deferredIndex(words: Int32Array, word: number): number {
  return words[word + 3]! >>> 16
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
