/** Slabs that are kept back, so that nothing deadlocks, and the number of workers that the arena has them for. */
import {
  RESERVE_SLABS_PER_DECODER,
  RESERVE_SLABS_PER_SINK,
  RESERVE_SLABS_PER_SOURCE,
  RESERVE_SLABS_PER_WORKER,
  RESERVE_SLABS_READ_BACK,
  SHARED_SLABS_MIN,
} from '../../pipeline/limits.ts'
import type { ResolvedConfig } from './root.ts'
import { isDecoded } from '../../sources/registry.ts'

export interface ReservingParts {
  readonly sources: readonly { readonly type: string }[]
  readonly sinks: readonly unknown[]
  readonly journal: { readonly mode: 'disk' | 'memory' }
}

/** Slabs reserved for the sources, sinks and workers of a configuration. */
export function reserves({ sources, sinks, journal }: ReservingParts, workers: number): number {
  const perSink = RESERVE_SLABS_PER_SINK + (journal.mode === 'disk' ? RESERVE_SLABS_READ_BACK : 0)
  return (
    sources.length * RESERVE_SLABS_PER_SOURCE +
    sources.filter(isDecoded).length * RESERVE_SLABS_PER_DECODER +
    sinks.length * perSink +
    workers * RESERVE_SLABS_PER_WORKER
  )
}

/** Bytes that one sink may have in flight at once: half of what the reserves leave of the arena. */
export function sinkShareBytes(config: ReservingParts & Pick<ResolvedConfig, 'memory' | 'workers'>): number {
  const { slabBytes, arenaBytes } = config.memory
  const sharedSlabs = Math.floor(arenaBytes / slabBytes) - reserves(config, config.workers.max)
  return Math.floor(sharedSlabs / 2) * slabBytes
}

/** The most workers for which an arena of so many slabs holds the reserves and the least that is shared; may be below 1. */
export function workersMax(parts: ReservingParts, slabCount: number): number {
  return Math.floor((slabCount - SHARED_SLABS_MIN - reserves(parts, 0)) / RESERVE_SLABS_PER_WORKER)
}

/** Slabs that an arena needs at least. */
export function slabCountMin(parts: ReservingParts, workers: number): number {
  return reserves(parts, workers) + SHARED_SLABS_MIN
}
