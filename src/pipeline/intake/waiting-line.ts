import type { Stream } from './stream.ts'

/** Streams that wait for the same thing, oldest first. Each source bounds its streams. */
export class WaitingLine {
  readonly #streams = new Set<Stream>()
  #served: Stream | null = null
  #servedStays = false

  get empty(): boolean {
    return this.#streams.size === 0
  }

  /** Joins at the end; the one that is being served keeps its place. */
  add(stream: Stream): void {
    if (stream === this.#served) this.#servedStays = true
    else this.#streams.add(stream)
  }

  delete(stream: Stream): void {
    this.#streams.delete(stream)
  }

  clear(): void {
    this.#streams.clear()
  }

  /** True when nobody is in line before this stream. */
  isFirst(stream: Stream): boolean {
    return this.empty || this.#served === stream
  }

  /** Resumes one after another, while `available` and until one must wait again. Costs as much as is resumed. */
  serve(available: () => boolean): void {
    for (const stream of this.#streams) {
      if (!available()) return
      this.#served = stream
      this.#servedStays = false
      stream.resume()
      this.#served = null
      if (this.#servedStays) return
      this.#streams.delete(stream)
    }
  }
}
