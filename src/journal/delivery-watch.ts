/** With more the oldest are forgotten: who waits for them is told that it took too long. */
const FRAMES_MAX = 65_536

/** Frames that somebody waits for until every sink has settled them (`ack: delivered`). */
export class DeliveryWatch {
  readonly #waiting = new Map<number, { events: number; readonly settled: () => void }>()

  /** `events`: of the frame with this sequence, over all sinks. */
  add(sequence: number, events: number, settled: () => void): void {
    if (events === 0) {
      settled()
      return
    }
    this.#waiting.set(sequence, { events, settled })
    if (this.#waiting.size <= FRAMES_MAX) return
    for (const oldest of this.#waiting.keys()) {
      this.#waiting.delete(oldest)
      return
    }
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
