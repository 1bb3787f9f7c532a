/** Slabs that are kept back, so that nothing deadlocks, and the number of workers that the arena has them for. */
import {
  RESERVE_SLABS_PER_SOURCE,
  RESERVE_SLABS_PER_WORKER,
  SHARED_SLABS_MIN,
} from '../../pipeline/limits.ts'

/** Slabs reserved for the sources and workers of a configuration. */
export function reserves(config: { readonly sources: readonly unknown[] }, workers: number): number {
  return config.sources.length * RESERVE_SLABS_PER_SOURCE + workers * RESERVE_SLABS_PER_WORKER
}

/** The most workers for which an arena of so many slabs holds the reserves and the least that is shared; may be below 1. */
export function workersMax(config: { readonly sources: readonly unknown[] }, slabCount: number): number {
  return Math.floor((slabCount - SHARED_SLABS_MIN - reserves(config, 0)) / RESERVE_SLABS_PER_WORKER)
}

/** Slabs that an arena needs at least. */
export function slabCountMin(config: { readonly sources: readonly unknown[] }, workers: number): number {
  return reserves(config, workers) + SHARED_SLABS_MIN
}
