import assert from 'node:assert'
import { HEADER } from './frame-region.ts'

const WORD_BITS = 32
/** A frame can name the first so many sinks of its checkpoint. */
export const MEANT_FOR_SINKS_MAX = 2 * WORD_BITS

/**
 * The sinks that a frame names, ascending: indexes in the checkpoint of its segment, those of the configuration that it was
 * made under. Null: it names none, and is for every sink that reads its source. For all others all of it is filtered.
 *
 * @param header word index of the frame's header.
 */
export function readMeantFor(words: Int32Array, header: number): readonly number[] | null {
  const low = words[header + HEADER.MEANT_FOR]!
  const high = words[header + HEADER.MEANT_FOR + 1]!
  if (low === 0 && high === 0) return null
  const sinks: number[] = []
  for (let sink = 0; sink < MEANT_FOR_SINKS_MAX; sink++) {
    const word = sink < WORD_BITS ? low : high
    if (((word >>> (sink % WORD_BITS)) & 1) === 1) sinks.push(sink)
  }
  return sinks
}

/** `sinks`: at least one, each below MEANT_FOR_SINKS_MAX. */
export function writeMeantFor(words: Int32Array, header: number, sinks: readonly number[]): void {
  assert(sinks.length > 0, 'a frame that names sinks is for somebody')
  for (const sink of sinks) {
    assert(sink >= 0 && sink < MEANT_FOR_SINKS_MAX, 'a frame has bits for so many sinks')
    words[header + HEADER.MEANT_FOR + Math.floor(sink / WORD_BITS)]! |= 1 << (sink % WORD_BITS)
  }
}

/** Whether a sink is among those that a frame names. */
export function isMeantFor(meantFor: readonly number[] | null, sink: number): boolean {
  return meantFor?.includes(sink) ?? true
}
