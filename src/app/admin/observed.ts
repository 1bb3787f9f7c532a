import type { PinningStatus } from '../pinning/cpu-pinning.ts'
import type { DispatcherStatus } from '../../pipeline/dispatch/dispatcher-options.ts'
import type { EventLagStatus } from '../../pipeline/intake/event-lag.ts'
import type { DatagramStatus, UrlStatus } from '../../pipeline/source.ts'
import type { Ledger } from '../../pipeline/ledger.ts'
import type { ReplayStatus } from '../../sources/dlq/index.ts'

export type CollectorState = 'starting' | 'running' | 'draining' | 'stopped'

/** Why the collector should not be given work: which source, sink or part, and what is wrong with it. */
export interface NotReady {
  readonly component: string
  readonly reason: string
}

/** A source's ring of extents between cut and commit. */
export interface RingStatus {
  readonly depth: number
  readonly entries: number
  readonly uncommittedBytes: number
}

/** The journal on disk. */
export interface JournalStatus {
  readonly bytes: number
  /** `journal.max_bytes` */
  readonly maxBytes: number
  /** 0 to 1, with what is on the way to it. */
  readonly fill: number
  readonly segments: number
  /** Its disk takes what is written. */
  readonly healthy: boolean
  /** Nothing more is taken in. */
  readonly full: boolean
  /** Events of a lower severity are shed; 0: none are. */
  readonly shedBelow: number
  /** Sinks that have left the configuration and keep their place. */
  readonly leftSinks: readonly string[]
}

/** What the admin server may ask of the collector: nothing that changes it. Everything is asked anew for each answer. */
export interface Observed {
  readonly version: string
  readonly ledger: Ledger
  /** The ceiling printed at start. */
  readonly memoryLimitBytes: number
  state(): CollectorState
  uptimeS(): number
  /** Empty when every source takes work and nothing waits for the operator. */
  notReady(): readonly NotReady[]
  /** Slabs by state: free, filling, working, held, ... */
  slabs(): Readonly<Record<string, number>>
  /** Threads: those that are there, and how many there may be now. */
  workers(): { readonly threads: number; readonly allowed: number }
  /** Which threads are bound to which CPUs. */
  cpuPinning(): PinningStatus
  /** By source. */
  rings(): Readonly<Record<string, RingStatus>>
  /** By source, of those that take datagrams. */
  datagrams(): Readonly<Record<string, DatagramStatus>>
  /** By source, of those that ask servers. */
  polls(): Readonly<Record<string, readonly UrlStatus[]>>
  /** By source. */
  eventLag(): Readonly<Record<string, EventLagStatus>>
  /** By sink. */
  sinks(): Readonly<Record<string, DispatcherStatus>>
  /** Null in memory mode. */
  journal(): JournalStatus | null
  /** Of dead letters: the one under way, or else the last one; null where there was none. */
  replay(): ReplayStatus | null
  /** Bytes of the dead-letter queue on disk. */
  deadLetterBytes(): number
}
