import { BULK, FAST } from './log.ts'
import type { LaneIndex, TakenPart } from './log.ts'

/** So many deferred frames of a lane whose times rise are told apart; further ones count as old as the one before. */
const ENTRIES_MAX = 256

interface DeferredTime {
  sequence: number
  readonly receivedAtMs: number
}

/**
 * When the events were received that deferred frames hold, which stand further on in the log than their age says: enough
 * of it to tell the oldest behind any place. Times rise with the sequence: what is younger than a later one isn't kept.
 */
export class DeferredTimes {
  readonly #times: readonly [bulk: DeferredTime[], fast: DeferredTime[]] = [[], []]

  /** A part was deferred, to a frame with this sequence. */
  add(sequence: number, { of, events, fast }: TakenPart): void {
    if (events > fast) add(this.#times[BULK], sequence, of.frame.receivedAtMs)
    if (fast > 0) add(this.#times[FAST], sequence, of.frame.receivedAtMs)
  }

  /** Of those that stand at a sequence or behind it; those before are forgotten. Infinity: there is none. */
  oldestFrom(lane: LaneIndex, sequence: number): number {
    const times = this.#times[lane]
    while (times.length > 0 && times[0]!.sequence < sequence) times.shift()
    return times[0]?.receivedAtMs ?? Infinity
  }
}

function add(times: DeferredTime[], sequence: number, receivedAtMs: number): void {
  while (times.length > 0 && times.at(-1)!.receivedAtMs >= receivedAtMs) times.pop()
  if (times.length < ENTRIES_MAX) times.push({ sequence, receivedAtMs })
  else times.at(-1)!.sequence = sequence
}
