import { BULK, FAST } from '../ledger.ts'
import type { Batcher } from './batcher.ts'
import { partOf } from './record-walk.ts'
import type { Roster } from './roster.ts'
import type { Settlement } from './settlement.ts'

/**
 * Events that a sink holds, by lane: those of frames in the log, of the frame and the batch being cut, and of all batches
 * not settled. Counted by walking, so that the ledger's equation is a check and no tautology.
 */
export function countHeld(
  words: Int32Array,
  routeBit: number,
  settlement: Settlement,
  batcher: Batcher,
  roster: Roster,
): [bulk: number, fast: number] {
  const held: [number, number] = [0, 0]
  const add = (part: { readonly events: number; readonly fast: number }) => {
    held[BULK] += part.events - part.fast
    held[FAST] += part.fast
  }
  settlement.reader.forEachWaiting((frame) => {
    const [bulk, fast] = settlement.offered(frame)
    held[BULK] += bulk
    held[FAST] += fast
  })
  const rest = batcher.rest()
  if (rest !== null) add(partOf(words, routeBit, rest.of, rest.first, rest.of.frame.records))
  for (const part of batcher.parts) add(part)
  for (const batch of roster.live) for (const part of batch.parts) add(part)
  return held
}
