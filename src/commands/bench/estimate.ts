/** From what was measured to what a collector that has the host for itself can be expected to do; each figure with its arithmetic. */
import type { DiskReport } from './disk.ts'
import type { HostFacts } from './host.ts'
import type { Rehearsal } from './rehearsal.ts'

/**
 * Share of the highest rate that is called sustainable: the rest is for what comes unevenly, and to catch up after an
 * outage. No measurement is behind it, it is a rule.
 */
export const SUSTAINABLE_SHARE = 0.7
export const SPIKE_FACTOR = 10
/** Of the record table (src/memory), for each event, in memory and on disk. */
const TABLE_ENTRY_BYTES = 16
/** Everyday rates that the reserve is told for, besides those that follow from the highest one. */
const EVERYDAY_RATES = [1000, 10_000, 50_000] as const

/** One of the things that run out first. */
export interface RateBound {
  readonly what: 'main thread' | 'workers' | 'cores' | 'disk'
  readonly events_per_second: number
  readonly because: string
}

export interface RateEstimate {
  readonly workers: number
  readonly bounds: readonly RateBound[]
  readonly bound_by: RateBound['what']
  readonly highest_events_per_second: number
  readonly sustainable_events_per_second: number
}

export interface Measured {
  readonly host: Pick<HostFacts, 'cores'>
  readonly disk: Pick<DiskReport, 'commits'> | null
  readonly rehearsal: Pick<Rehearsal, 'by_thread'>
  /** Of an event, with its line feed. */
  readonly eventBytes: number
}

export function diskBytesPerEvent(eventBytes: number): number {
  return eventBytes + TABLE_ENTRY_BYTES
}

export function estimateRate({ host, disk, rehearsal, eventBytes }: Measured): RateEstimate {
  const { main, workers: inWorkers, pool, v8 } = rehearsal.by_thread
  const all = main + inWorkers + pool + v8
  const { cores } = host
  const others: RateBound[] = [
    bound('main thread', 1 / main, `1 / ${figure(main)} CPU-s per million`),
    bound('cores', cores / all, `${figure(cores)} cores / ${figure(all)} CPU-s per million`),
    ...diskBound(disk, diskBytesPerEvent(eventBytes)),
  ]
  // No more than the rest can feed, and one core is left to the main thread.
  const fed = lowest(others).events_per_second / 1e6
  const workers = Math.max(1, Math.min(Math.floor(cores) - 1, Math.ceil(fed * inWorkers)))
  const ofWorkers = bound(
    'workers',
    workers / inWorkers,
    `${workers} ${workers === 1 ? 'thread' : 'threads'} / ${figure(inWorkers)} CPU-s per million`,
  )
  const bounds = [ofWorkers, ...others]
  const { what, events_per_second: highest } = lowest(bounds)
  return {
    workers,
    bounds,
    bound_by: what,
    highest_events_per_second: highest,
    sustainable_events_per_second: SUSTAINABLE_SHARE * highest,
  }
}

function bound(what: RateBound['what'], millionsPerSecond: number, because: string): RateBound {
  return { what, events_per_second: millionsPerSecond * 1e6, because }
}

function diskBound(disk: Measured['disk'], bytesPerEvent: number): RateBound[] {
  const best = Math.max(0, ...(disk?.commits ?? []).map((commits) => commits.megabytes_per_second))
  if (best === 0) return []
  const because = `${figure(best)} MB/s / ${Math.round(bytesPerEvent)} B on disk`
  return [bound('disk', best / bytesPerEvent, because)]
}

function lowest(bounds: readonly RateBound[]): RateBound {
  return bounds.reduce((least, other) => (other.events_per_second < least.events_per_second ? other : least))
}

/** How long the journal, and then the arena, take what the receiver does not. */
export interface Reserve {
  readonly everyday_events_per_second: number
  /** A receiver that takes nothing. */
  readonly dead_receiver_s: number
  /** Until the journal holds nothing any more, once the receiver takes all that it is given. */
  readonly caught_up_s: number
  /** Ten times as much comes, and the receiver goes on taking the everyday rate. */
  readonly spike_s: number
  /** What can be taken of the spike; below it, senders wait. */
  readonly spike_taken_events_per_second: number
  /** The same without a journal: `journal: { mode: memory }`. */
  readonly dead_receiver_in_memory_s: number
}

export interface ReservePlan {
  readonly rate: Pick<RateEstimate, 'highest_events_per_second' | 'sustainable_events_per_second'>
  readonly journalBytes: number
  /** Of the arena, without the reserves. */
  readonly sharedArenaBytes: number
  readonly eventBytes: number
}

export function reservesOf({ rate, journalBytes, sharedArenaBytes, eventBytes }: ReservePlan): Reserve[] {
  const { highest_events_per_second: highest, sustainable_events_per_second: sustainable } = rate
  const bytesPerEvent = diskBytesPerEvent(eventBytes)
  const rates = [...EVERYDAY_RATES, highest / SPIKE_FACTOR, sustainable]
  return [...new Set(rates.map(rounded))]
    .filter((everyday) => everyday <= sustainable)
    .toSorted((a, b) => a - b)
    .map((everyday) => {
      const taken = Math.min(SPIKE_FACTOR * everyday, highest)
      const deadReceiverS = journalBytes / (everyday * bytesPerEvent)
      return {
        everyday_events_per_second: everyday,
        dead_receiver_s: deadReceiverS,
        caught_up_s: journalBytes / bytesPerEvent / (highest - everyday),
        spike_s: journalBytes / ((taken - everyday) * bytesPerEvent),
        spike_taken_events_per_second: taken,
        dead_receiver_in_memory_s: sharedArenaBytes / (everyday * bytesPerEvent),
      }
    })
}

/** To two digits, down: nobody plans with 61,327. */
export function rounded(rate: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(rate)) - 1)
  return Math.floor(rate / unit) * unit
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}
