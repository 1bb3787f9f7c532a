/** What a Prometheus histogram tells for certain: not a percentile, but the bucket that it lies in. */

export interface Buckets {
  /** Upper bounds in seconds, the last one Infinity. */
  readonly upperS: readonly number[]
  /** Events up to each bound, the faster ones included. */
  readonly counts: readonly number[]
}

/** The buckets of a histogram in the text format of Prometheus, over all its labels (sinks, lanes). */
export function parseBuckets(text: string): Buckets {
  const counts = new Map<number, number>()
  for (const [, upper, count] of text.matchAll(/_bucket\{[^}]*\ble="([^"]+)"[^}]*\} (\d+)/g)) {
    const upperS = upper === '+Inf' ? Infinity : Number(upper)
    counts.set(upperS, (counts.get(upperS) ?? 0) + Number(count))
  }
  return { upperS: [...counts.keys()], counts: [...counts.values()] }
}

/** What was counted since. */
export function since(now: Buckets, before: Buckets): Buckets {
  return { upperS: now.upperS, counts: now.counts.map((count, index) => count - (before.counts[index] ?? 0)) }
}

/** Milliseconds within which a share (0 to 1) of the events was delivered; NaN without events. */
export function withinMs({ upperS, counts }: Buckets, share: number): number {
  const total = counts.at(-1) ?? 0
  const index = counts.findIndex((count) => count >= share * total)
  return total === 0 ? NaN : upperS[index]! * 1000
}
