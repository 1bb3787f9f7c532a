import { monotonicMs } from './tally.ts'

/** From `fromS` to `toS` after the first event, events come so many times as fast. */
export interface Surge {
  readonly fromS: number
  readonly toS: number
  readonly times: number
}

/** What goes to one source of the collector. */
export interface StreamPlan {
  readonly mode: 'tcp' | 'http' | 'udp'
  readonly port: number
  /** Over UDP: senders, each with an address of its own. */
  readonly connections: number
  /** Events of one write, over HTTP of one request, over UDP of one burst; `events` is a multiple of it. */
  readonly eventsPerWrite: number
  /** Index of the first event; the streams of a run don't overlap. */
  readonly firstIndex: number
  readonly events: number
  /** Over all connections; null: as fast as they are taken. */
  readonly eventsPerSecond: number | null
  /** Only at a steady rate. */
  readonly surge?: Surge
}

/** Gives each write of a stream its events and the time when it is due. */
export class StreamCursor {
  readonly plan: StreamPlan
  #taken = 0
  #startMs = 0

  constructor(plan: StreamPlan) {
    this.plan = plan
  }

  /** Index of the first event of the next write; -1 when all are taken. */
  take(): number {
    if (this.#taken >= this.plan.events) return -1
    const first = this.plan.firstIndex + this.#taken
    this.#taken += this.plan.eventsPerWrite
    return first
  }

  /** When the write that begins with this event is due, by the monotonic clock; 0: as soon as it can be. */
  dueAtMs(index: number): number {
    const { eventsPerSecond, firstIndex, surge } = this.plan
    if (eventsPerSecond === null) return 0
    // The first is due when its connection stands.
    if (this.#startMs === 0) this.#startMs = monotonicMs()
    return this.#startMs + dueAfterS(index - firstIndex, eventsPerSecond, surge) * 1000
  }
}

/** Seconds from the first event to the one so many behind it. */
export function dueAfterS(events: number, eventsPerSecond: number, surge?: Surge): number {
  const steadyS = events / eventsPerSecond
  if (surge === undefined || steadyS <= surge.fromS) return steadyS
  const { fromS, toS, times } = surge
  const inSurgeS = (steadyS - fromS) / times
  const afterS = steadyS - fromS - (toS - fromS) * times
  return afterS <= 0 ? fromS + inSurgeS : toS + afterS
}
