import type { Lane } from './lane.ts'

/**
 * A lane is worth a task when a worker is idle and so much is there, or so much when it is to wait behind another task.
 * A task costs as much as scanning some 100 KiB: with 500 connections extents of 64 KiB took 2.5 CPU-seconds per million
 * events, these 1.8 (`npm run bench -- tcp-500`).
 */
export const EXTENT_BYTES_IDLE = 256 * 1024
const EXTENT_BYTES_BUSY = 512 * 1024

/** So little goes along with an extent of another source: a worker that is woken anyway takes it for next to nothing. */
const EXTENT_BYTES_ALONG = 16 * 1024

/** For whom: a worker that is idle, one that is busy, or one that has just been given something small to begin with. */
export type Taker = 'idle' | 'busy' | 'along'

/** The first lane that is worth a task: for an idle worker also one that is urgent or due. */
export function worthCutting(lanes: Iterable<Lane>, taker: Taker): Lane | null {
  for (const lane of lanes) if (lane.pendingBytes > 0 && isWorthCutting(lane, taker)) return lane
  return null
}

function isWorthCutting({ pendingBytes, urgent, due }: Lane, taker: Taker): boolean {
  if (taker === 'along') return pendingBytes <= EXTENT_BYTES_ALONG
  if (taker === 'busy') return pendingBytes >= EXTENT_BYTES_BUSY
  return urgent || due || pendingBytes >= EXTENT_BYTES_IDLE
}
