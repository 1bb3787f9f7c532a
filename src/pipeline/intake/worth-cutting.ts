import type { Lane } from './lane.ts'

/**
 * A lane is worth a task when a worker is idle and so much is there, or so much when it is to wait behind another task.
 * A task costs as much as scanning some 100 KiB: with 500 connections extents of 64 KiB took 2.5 CPU-seconds per million
 * events, these 1.8 (`npm run bench -- tcp-500`).
 */
export const EXTENT_BYTES_IDLE = 256 * 1024
const EXTENT_BYTES_BUSY = 512 * 1024

/** The first lane that is worth a task: for an idle worker also one that is urgent or due. */
export function worthCutting(lanes: Iterable<Lane>, workerIdle: boolean): Lane | null {
  for (const lane of lanes) {
    const { pendingBytes } = lane
    if (pendingBytes === 0) continue
    if (
      workerIdle
        ? lane.urgent || lane.due || pendingBytes >= EXTENT_BYTES_IDLE
        : pendingBytes >= EXTENT_BYTES_BUSY
    )
      return lane
  }
  return null
}
