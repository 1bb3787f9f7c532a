import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { GC_BUCKETS_S, GcPauses } from '../../src/memory/gc-pauses.ts'

t.test('pauses by thread, kind and bucket; what there was none of is not told', async (t) => {
  const pauses = GcPauses.create()
  t.strictSame(pauses.series(), [])
  pauses.count('main', 'minor', 0.1)
  pauses.count('main', 'minor', 0.11)
  pauses.count('main', 'minor', 600)
  new GcPauses(pauses.buffer).count('worker', 'weak', 2)
  t.strictSame(pauses.series(), [
    { thread: 'main', kind: 'minor', counts: [1, 1, 0, 0, 0, 0, 0, 0, 1], sumS: 0.60021 },
    { thread: 'worker', kind: 'weak', counts: [0, 0, 0, 1, 0, 0, 0, 0, 0], sumS: 0.002 },
  ])
  t.equal(GC_BUCKETS_S.length, 8)
})

t.test('a worker counts the pauses of its own isolate', async (t) => {
  const pauses = GcPauses.create()
  const file = new URL('fixtures/collecting-worker.ts', import.meta.url)
  const [code] = await once(new Worker(file, { workerData: pauses.buffer }), 'exit')
  t.equal(code, 0)
  const series = pauses.series()
  t.ok(series.every(({ thread }) => thread === 'worker'))
  const major = series.find(({ kind }) => kind === 'major')!
  t.ok(major.counts.some((count) => count > 0))
  t.ok(major.sumS > 0 && major.sumS < 10)
})
