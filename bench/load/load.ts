/** What a benchmark needs of whatever sends and receives. */
import type { EventForm } from '../events.ts'
import type { ServedPlan } from './poll-server-thread.ts'
import type { Outage } from './receiver-thread.ts'
import type { StreamPlan } from './stream.ts'

/** Share of what was sent, also when one in a hundred is malformed. */
export const NEARLY_ALL = 0.98

export interface LoadPlan {
  /** Over all streams, malformed ones included. */
  readonly events: number
  readonly malformedShare: number
  readonly form: EventForm
  /** Events that the collector asks for; null: they are sent. */
  readonly served: ServedPlan | null
  readonly outage: Outage | null
  /** The receiver takes nothing before `drain`. */
  readonly dead: boolean
  /** Each gets all events; one, where this is not said. */
  readonly receivers?: number
}

/** A request that was taken. */
export interface Answer {
  /** By the machine's monotonic clock; where it was refused meanwhile, when it was sent first. */
  readonly sentAtMs: number
  readonly tookMs: number
}

/** What arrived of what was sent. Times are milliseconds of the machine's monotonic clock. */
export interface LoadReport {
  readonly sent: number
  readonly malformed: number
  readonly bytes: number
  /** Well-formed events that came, each once; of several receivers, to the one that has the fewest. */
  readonly unique: number
  readonly duplicates: number
  /** Events that came and should have been refused, or were never sent. */
  readonly strange: number
  readonly firstSentAtMs: number
  /** null: not all were taken. */
  readonly lastSentAtMs: number | null
  /** null: nothing came. */
  readonly firstReceivedAtMs: number | null
  /** When most events had come, by the share of NEARLY_ALL: the last batch may wait for its `max_age`; null: they never did. */
  readonly nearlyAllAtMs: number | null
  /** Requests to the collector that were answered 429 or 503, and sent again. */
  readonly retries: number
  /** Requests of the collector that the receiver refused. */
  readonly refused: number
  /** Of the requests to the collector, in any order; empty where the load does not tell. */
  readonly answers: readonly Answer[]
}

export interface Load {
  /** Where the collector must deliver to: the first of `urls`. */
  readonly url: string
  /** One for each receiver. */
  readonly urls: readonly string[]
  /** What the collector must ask; empty where events are sent. */
  readonly served: readonly string[]
  /** Sends all streams, or gives what is asked for; resolves when all has come, or nothing new came for `idleMs`. */
  send(streams: readonly StreamPlan[], idleMs: number): Promise<LoadReport>
  /** Sends one stream whose events the receiver does not take yet; resolves when all are answered. */
  feed(stream: StreamPlan): Promise<void>
  /** The receiver takes what was fed; resolves as `send` does. */
  drain(idleMs: number): Promise<LoadReport>
  /** From when each event was sent, or due, to its arrival, of those since `sinceMs`, sorted; null: it does not tell. */
  latenciesMs(sinceMs: number): Float64Array | null
  stop(): Promise<void>
}
