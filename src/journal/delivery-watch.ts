/**
 * Frames that somebody waits for until every sink has settled them (`ack: delivered`). Bounded by the requests that
 * sources have open.
 */
export class DeliveryWatch {
  readonly #waiting = new Map<number, { events: number; readonly settled: () => void }>()

  /** `events`: of the frame with this sequence, over all sinks. */
  add(sequence: number, events: number, settled: () => void): void {
    if (events === 0) settled()
    else this.#waiting.set(sequence, { events, settled })
  }

  settle(sequence: number, events: number): void {
    const frame = this.#waiting.get(sequence)
    if (frame === undefined) return
    frame.events -= events
    if (frame.events > 0) return
    this.#waiting.delete(sequence)
    frame.settled()
  }
}
