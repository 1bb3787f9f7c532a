/** Whether something has grown while nothing changed about the load. */
import { KIB, MIB } from '../../src/base/units.ts'
import type { Sample } from './sample.ts'

type Quantity = Exclude<keyof Sample, 'atS' | 'cpuS' | 'workerMajorCollections'>

interface Tolerance {
  readonly quantity: Quantity
  readonly share: number
  readonly units: number
}

/** A run of less than this can't tell a leak from a beginning: it is told, and is no fault. */
export const JUDGED_MINUTES_MIN = 9

/**
 * The first third is the warm-up. The median of the last third may be this much above that of the middle one: the larger of
 * a share of it and a number of units. A median doesn't see a throttled minute or what a collection has just freed.
 */
const tolerances: readonly Tolerance[] = [
  { quantity: 'residentBytes', share: 0.03, units: 6 * MIB },
  { quantity: 'heapBytes', share: 0.1, units: 3 * MIB },
  { quantity: 'externalBytes', share: 0.1, units: 2 * MIB },
  { quantity: 'activeResources', share: 0.1, units: 4 },
  { quantity: 'openFiles', share: 0.1, units: 4 },
  { quantity: 'threads', share: 0, units: 1 },
  { quantity: 'usedSlabs', share: 0.2, units: 3 },
  { quantity: 'journalBytes', share: 0.25, units: 64 * MIB },
  { quantity: 'heldEvents', share: 0.25, units: 64 * KIB },
]

export interface Growth {
  readonly quantity: Quantity
  /** Medians of the middle third and of the last one. */
  readonly middle: number
  readonly last: number
  readonly allowed: number
  readonly grown: boolean
}

/** Of every quantity, in the order of the table. `samples` are of equal distance. */
export function growthOf(samples: readonly Sample[]): Growth[] {
  const third = Math.floor(samples.length / 3)
  return tolerances.map(({ quantity, share, units }) => {
    const values = samples.map((sample) => sample[quantity])
    const middle = median(values.slice(third, 2 * third))
    const last = median(values.slice(2 * third))
    const allowed = middle + Math.max(share * middle, units)
    return { quantity, middle, last, allowed, grown: last > allowed }
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
