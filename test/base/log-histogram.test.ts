import t from 'tap'
import {
  LOG_BUCKETS,
  LOG_VALUE_MAX,
  logBucketMax,
  logBucketOf,
  logQuantile,
} from '../../src/base/log-histogram.ts'

t.test('buckets follow each other without a gap, and are at most an eighth wide', async (t) => {
  let from = 0
  for (let bucket = 0; bucket < LOG_BUCKETS; bucket++) {
    const to = logBucketMax(bucket)
    if (logBucketOf(from) !== bucket || logBucketOf(to) !== bucket) t.fail(`${from} to ${to} is ${bucket}`)
    if (to - from > from / 8) t.fail(`${from} to ${to} is wide`)
    from = to + 1
  }
  t.equal(from - 1, LOG_VALUE_MAX, 'the last one ends where values do')
  t.equal(logBucketOf(LOG_VALUE_MAX | 0), LOG_BUCKETS - 1, 'as a signed integer too')
})

t.test('quantiles', async (t) => {
  const counts = new Float64Array(LOG_BUCKETS)
  t.equal(logQuantile(counts, 0.5), 0)
  for (let value = 1; value <= 1000; value++) counts[logBucketOf(value)]!++
  t.ok(logQuantile(counts, 0.5) >= 500 && logQuantile(counts, 0.5) < 563)
  t.ok(logQuantile(counts, 0.99) >= 990 && logQuantile(counts, 0.99) < 1114)
  t.equal(logQuantile(counts, 0.001), 1)
  t.equal(logQuantile(counts, 1), logBucketMax(logBucketOf(1000)))
})
