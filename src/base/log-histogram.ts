/** Values below it have a bucket each; above, every doubling has so many. */
const BUCKETS_PER_DOUBLING = 8
export const LOG_BUCKETS = 30 * BUCKETS_PER_DOUBLING
export const LOG_VALUE_MAX = 0xffffffff

/**
 * Bucket of a whole number from 0 to `LOG_VALUE_MAX`, which may come as the signed 32-bit integer of the same bits. A bucket
 * is at most an eighth as wide as what is in it.
 */
export function logBucketOf(value: number): number {
  if (value >>> 3 === 0) return value
  const exponent = 31 - Math.clz32(value)
  return ((exponent - 2) << 3) + ((value >>> (exponent - 3)) & 7)
}

/** The largest value of a bucket. */
export function logBucketMax(bucket: number): number {
  if (bucket < 2 * BUCKETS_PER_DOUBLING) return bucket
  const exponent = (bucket >> 3) + 2
  return (9 + (bucket & 7)) * 2 ** (exponent - 3) - 1
}

/**
 * The smallest value that at least `share` (0 to 1) of the values counted are not above, rounded up to the end of its
 * bucket; 0 where nothing is counted.
 */
export function logQuantile(counts: Int32Array | Float64Array, share: number): number {
  let total = 0
  for (const count of counts) total += count
  if (total === 0) return 0
  let left = share * total
  for (const [bucket, count] of counts.entries()) {
    left -= count
    if (left <= 0) return logBucketMax(bucket)
  }
  return LOG_VALUE_MAX
}
