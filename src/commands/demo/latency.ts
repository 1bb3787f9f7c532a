/** What a Prometheus histogram tells for certain: not a percentile, but the bucket that it lies in. */

export interface Buckets {
  /** Upper bounds in seconds, the last one Infinity. */
  readonly upperS: readonly number[]
  /** Events up to each bound, the faster ones included. */
  readonly counts: readonly number[]
}

/** The buckets of one histogram in the text format of Prometheus. */
export function parseBuckets(text: string): Buckets {
  const found = [...text.matchAll(/_bucket\{[^}]*\ble="([^"]+)"[^}]*\} (\d+)/g)]
  return {
    upperS: found.map(([, upper]) => (upper === '+Inf' ? Infinity : Number(upper))),
    counts: found.map(([, , count]) => Number(count)),
  }
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
