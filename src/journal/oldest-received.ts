import { LANES_BULK, LANES_FAST } from '../memory/frame-region.ts'
import type { DeferredTimes } from './deferred-times.ts'
import { BULK, FAST } from './log.ts'
import type { Track } from './track.ts'

const LANES = [
  [BULK, LANES_BULK],
  [FAST, LANES_FAST],
] as const

/**
 * When the oldest event was received that a reader on disk has not handed out, by lane; Infinity where there is none.
 * At hand that is known; what is still to be read was received after what was read last, which is taken for it, and
 * deferred frames among it are known unless an earlier run wrote them.
 */
export function oldestReceived(
  tracks: { readonly bulk: Track; readonly fast: Track | null },
  deferred: DeferredTimes,
  held: readonly [bulk: number, fast: number],
): [bulk: number, fast: number] {
  const oldest: [number, number] = [Infinity, Infinity]
  for (const track of [tracks.bulk, tracks.fast]) {
    if (track === null) continue
    const atHand = track.window.oldestReceived()
    for (const [lane, bit] of LANES) {
      oldest[lane] = Math.min(oldest[lane], atHand[lane])
      if (track.backlog === null || (track.lanes & bit) === 0) continue
      const { next, receivedAtMs } = track.backlog
      oldest[lane] = Math.min(oldest[lane], receivedAtMs, deferred.oldestFrom(lane, next.sequence))
    }
  }
  for (const [lane] of LANES) if (held[lane] === 0) oldest[lane] = Infinity
  return oldest
}
