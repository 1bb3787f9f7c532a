import { BULK, FAST } from '../../journal/log.ts'
import type { Part } from './batch.ts'

/**
 * Events that a sink holds, by lane: those not taken from the log and those taken and not settled. Counted by walking, so
 * that the ledger's equation is a check and no tautology.
 */
export function countHeld(
  inLog: readonly [bulk: number, fast: number],
  taken: Iterable<Part>,
): [bulk: number, fast: number] {
  const held: [number, number] = [...inLog]
  for (const { events, fast } of taken) {
    held[BULK] += events - fast
    held[FAST] += fast
  }
  return held
}

/**
 * How long ago the oldest event held was received, in milliseconds, by lane; 0 where there is none. `inLog`: when the oldest
 * was received that is not taken, Infinity for none.
 */
export function oldestMs(
  taken: Iterable<Part>,
  wallClockMs: number,
  inLog: readonly [bulk: number, fast: number] = [Infinity, Infinity],
): { bulk: number; fast: number } {
  const oldest = {
    bulk: Math.max(0, wallClockMs - inLog[BULK]),
    fast: Math.max(0, wallClockMs - inLog[FAST]),
  }
  for (const { of, events, fast } of taken) {
    const ageMs = wallClockMs - of.frame.receivedAtMs
    if (events > fast) oldest.bulk = Math.max(oldest.bulk, ageMs)
    if (fast > 0) oldest.fast = Math.max(oldest.fast, ageMs)
  }
  return oldest
}
