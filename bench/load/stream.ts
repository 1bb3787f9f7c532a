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

  /** Milliseconds until the write that begins with this event is due. */
  dueInMs(index: number): number {
    const { eventsPerSecond, firstIndex } = this.plan
    if (eventsPerSecond === null) return 0
    // The first is due when its connection stands.
    if (this.#startMs === 0) this.#startMs = performance.now()
    return this.#startMs + ((index - firstIndex) / eventsPerSecond) * 1000 - performance.now()
  }
}
