import type { SegmentInfo } from './segment-file.ts'

/** Where each segment begins in the log as a whole. Those that have gone are forgotten, but not their length. */
export class SegmentStarts {
  readonly #starts = new Map<number, number>()
  #newest: SegmentInfo | null = null

  /** Segments that follow those known; ascending, and live: the last one may still grow. */
  add(segments: readonly SegmentInfo[]): void {
    const newest = segments.at(-1)
    if (newest === undefined || newest === this.#newest) return
    for (const segment of segments) {
      if (this.#newest !== null && segment.number <= this.#newest.number) continue
      const start = this.#newest === null ? 0 : this.#starts.get(this.#newest.number)! + this.#newest.bytes
      this.#starts.set(segment.number, start)
      this.#newest = segment
    }
    const oldest = segments[0]!.number
    for (const number of this.#starts.keys()) {
      if (number >= oldest) break
      this.#starts.delete(number)
    }
  }

  /** Of a segment; of one that has gone, where the oldest begins, of one to come, where the newest ends. */
  of(number: number): number {
    const start = this.#starts.get(number)
    if (start !== undefined) return start
    if (this.#newest === null) return 0
    if (number > this.#newest.number) return this.#starts.get(this.#newest.number)! + this.#newest.bytes
    for (const [known, begin] of this.#starts) if (known > number) return begin
    return 0
  }
}
