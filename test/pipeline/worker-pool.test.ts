/** Threads of a real pool come and go. */
import { connect } from 'node:net'
import t from 'tap'
import { WorkerPool } from '../../src/pipeline/worker-pool.ts'
import type { WorkerContext } from '../../src/scan/worker-context.ts'
import { startCollector } from '../helpers/collector.ts'
import { until } from '../helpers/until.ts'

const fixture = (name: string) => new URL(`../fixtures/${name}.ts`, import.meta.url).href

t.test('threads are started up to what is allowed, and end when they are idle', async (t) => {
  const pool = new WorkerPool({
    workers: { min: 1, max: 4 },
    idleTimeoutMs: 300,
    // The worker of this test looks at nothing.
    context: {} as unknown as WorkerContext,
    oldSpaceMiB: 32,
    youngSpaceMiB: 4,
    filename: fixture('waiting-worker'),
  })
  t.teardown(() => pool.stop())
  const work = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        pool.ingest([{ source: 0, entry: index }], new AbortController()),
      ),
    )
  t.equal(pool.workerCount, 1)
  await work(6)
  t.equal(pool.threads, 1, 'tasks that wait are no reason')

  pool.allow(3)
  t.equal(pool.workerCount, 3)
  await work(12)
  t.equal(pool.threads, 3)
  await until(() => pool.threads === 1)
  await pool.threadsGone()
  await work(1)
  t.equal(pool.threads, 1)
})

t.test('sinks with much to encode wait for each other, and sources do not wait for them all', async (t) => {
  const pool = new WorkerPool({
    workers: { min: 1, max: 1 },
    context: {} as unknown as WorkerContext,
    oldSpaceMiB: 32,
    youngSpaceMiB: 4,
    filename: fixture('waiting-worker'),
  })
  t.teardown(() => pool.stop())
  let encoded = 0
  const task = { parts: [], format: 'json', compression: 'none', outFrom: 0, outTo: 0 } as const
  const tasks = Array.from({ length: 40 }, async () => {
    await pool.encode(task)
    encoded++
  })
  await pool.ingest([{ source: 0, entry: 0 }], new AbortController())
  t.ok(encoded < 10, `${encoded} before it`)
  await Promise.all(tasks)
  t.equal(encoded, 40)
  t.equal(pool.tasks, 0)
  const last = Promise.allSettled(Array.from({ length: 8 }, () => pool.encode(task)))
  await pool.stop()
  for (const { status } of await last) t.equal(status, 'rejected')
})

t.test('a spike is met with more workers, and nothing is lost', async (t) => {
  const collector = await startCollector(
    t,
    `
workers: { min: 1, max: 3 }
memory: { slab_bytes: 128KiB, arena_bytes: 8MiB }
sources: { lines: { type: tcp, listen: 127.0.0.1:0, schema: any, max_record_bytes: 16KiB } }
sinks: { out: { type: blackhole, batch: { max_bytes: 64KiB, max_age: 10ms } } }`,
    { workerFile: fixture('slow-worker') },
  )
  const { workers } = collector.topology
  t.equal(workers.threads, 1)
  const count = 40_000
  const line = `{"text":"${'x'.repeat(190)}"}\n`
  const socket = connect(Number(collector.address('lines').split(':')[1]), '127.0.0.1')
  socket.end(line.repeat(count))
  await until(() => workers.workerCount === 3)
  await until(() => workers.threads === 3)
  await until(() => collector.ledger.sources[0]!.accepted === count)
  await until(() => collector.ledger.deliveredEvents() === count)
  socket.destroy()
})
