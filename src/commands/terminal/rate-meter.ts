/** Rates from counts that only grow, over a window of the last moments. */
export class RateMeter {
  readonly #windowMs: number
  readonly #samples: { readonly atMs: number; readonly count: number }[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Notes the count of now and tells the rate per second over the window; 0 from one sample alone. */
  perSecond(atMs: number, count: number): number {
    const samples = this.#samples
    samples.push({ atMs, count })
    // One sample older than the window stays, so that the rate is over all of it.
    while (samples.length > 2 && samples[1]!.atMs <= atMs - this.#windowMs) samples.shift()
    const first = samples[0]!
    return atMs > first.atMs ? ((count - first.count) / (atMs - first.atMs)) * 1000 : 0
  }
}
