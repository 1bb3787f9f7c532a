/** Settings of `retry`. */
export interface RetryTimes {
  readonly initialMs: number
  readonly maxMs: number
}

/**
 * How long to wait after a failure: exponential backoff with full jitter, so that many batches that failed together
 * don't come back together.
 *
 * @param failures failures in a row, the last one included.
 * @param random from 0 to 1.
 */
export function backoffMs(retry: RetryTimes, failures: number, random: () => number): number {
  return random() * Math.min(retry.maxMs, retry.initialMs * 2 ** (failures - 1))
}
