/**
 * Values of one series of a histogram, as prom-client has them: each bucket holds the smaller ones too. `counts` has each
 * bucket on its own, and one more for everything larger than the last of `bounds`.
 */
export function exportedBuckets(
  name: string,
  labels: Readonly<Record<string, string>>,
  { bounds, counts, sum }: { bounds: readonly number[]; counts: Iterable<number>; sum: number },
) {
  let count = 0
  const buckets = [...counts].map((own, index) => {
    count += own
    const le = bounds[index] ?? '+Inf'
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
