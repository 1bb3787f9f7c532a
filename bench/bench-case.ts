/** What a case says: what is sent, what the collector is told, and what the figures should be. */
import type { EventForm } from './events.ts'
import type { ServedPlan } from './load/poll-server-thread.ts'
import type { Outage } from './load/receiver-thread.ts'
import type { StreamPlan } from './load/stream.ts'

/** Names of figures end in their unit. */
export type Figures = Record<string, number | null>

export type Target =
  | {
      readonly atMost: number
      /** Better than what is asked. */
      readonly wanted?: number
    }
  | { readonly atLeast: number }

interface CaseBase {
  readonly name: string
  /** How long a run takes, about, seconds: what a start will take is told before, and what hangs is ended. */
  readonly aboutS: number
  /** By figure. */
  readonly targets: Readonly<Record<string, Target>>
  /** A case before it, whose figures of the same round its own are compared with. */
  readonly beside?: string
}

interface CollectorCase extends CaseBase {
  /** What the sink is told beside its url; nothing: the shipped defaults. */
  readonly sink: object
  /** Where events lie until they are delivered; on disk, HTTP answers when they are durable. */
  readonly journal: 'disk' | 'memory'
  /** What else the collector is told. */
  readonly collector?: object
}

/** How events get to where they are taken. */
export type Push = Pick<StreamPlan, 'mode' | 'connections' | 'eventsPerWrite' | 'eventsPerSecond'>

/** Many events through one source: as many as are taken, or at a steady rate where nobody can be told to wait. */
export interface FloodCase extends CollectorCase {
  readonly kind: 'flood'
  /** What the collector is told, beside an address to listen on, or urls. */
  readonly source: object
  readonly form: EventForm
  readonly load: Push | ServedPlan
  readonly events: number
  readonly malformedShare: number
  readonly outage: Outage | null
  /** Garbage collection and answers count from so long after the first event. */
  readonly warmUpS: number
  /** A second sink, for the same events, that nobody listens for. */
  readonly deadSink: boolean
  /** How long answers take is a figure; only the load of our own tells. */
  readonly answers: boolean
  /** Each gets all events; one, where this is not said. */
  readonly sinks?: number
  /** The load of our own sends, also where C tools are at hand: they can't do it. */
  readonly ownThreads?: boolean
}

/** First a flood as fast as it is taken, then the same at a share of that rate: how long an event is on its way. */
export interface LatencyCase extends CollectorCase {
  readonly kind: 'latency'
  readonly source: object
  readonly load: Push
  readonly eventsAtMost: number
  readonly share: number
  readonly warmUpS: number
  readonly durationS: number
}

/** A steady rate; then for a while many times that, or the receiver is gone; then the steady rate again. */
export interface SurgeCase extends CollectorCase {
  readonly kind: 'surge'
  readonly source: object
  readonly load: Push & { readonly eventsPerSecond: number }
  readonly times: number
  readonly isReceiverGone: boolean
  readonly beforeS: number
  readonly surgeS: number
  readonly afterS: number
}

/** Events taken over HTTP while the receiver is dead; then the collector is killed and started, and the receiver comes back. */
export interface BacklogCase extends CollectorCase {
  readonly kind: 'backlog'
  readonly load: Push
  /** Fewer where the disk has little room. */
  readonly events: number
}

/** Datagrams to a socket of a process that counts them and does nothing else. */
export interface BareUdpCase extends CaseBase {
  readonly kind: 'bare-udp'
  readonly form: EventForm
  readonly load: Push
  readonly events: number
}

/** A few events a second, through several sources. */
export interface TrickleCase extends CollectorCase {
  readonly kind: 'trickle'
  readonly sources: readonly ('tcp' | 'http')[]
  /** Of each source. */
  readonly eventsPerSecond: number
  /** Events of one write, over HTTP of one request. */
  readonly eventsPerWrite: number
  readonly warmUpS: number
  readonly durationS: number
}

/** Connections that have sent one event, and then nothing. */
export interface IdleCase extends CollectorCase {
  readonly kind: 'idle'
  readonly connectionsPerType: number
  readonly warmUpS: number
  readonly durationS: number
}

export type BenchCase =
  FloodCase | LatencyCase | SurgeCase | BareUdpCase | BacklogCase | TrickleCase | IdleCase
