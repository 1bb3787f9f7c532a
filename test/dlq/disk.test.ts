/** The queue over a real disk. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { DeadLetterQueue } from '../../src/dlq/queue.ts'
import { DeadLetterCounts } from '../../src/pipeline/ledger.ts'
import { idsOf, letters } from './fixtures/harness.ts'

function openQueue(directory: string, maxBytes = 1e9) {
  const counts = new DeadLetterCounts()
  let failures = 0
  const failing = Promise.withResolvers<void>()
  const queue = new DeadLetterQueue({
    directory,
    maxBytes,
    clock: systemClock,
    counts,
    events: {
      deadLetterDiskFailing: () => {
        failures++
        failing.resolve()
      },
      deadLetterDiskRecovered: () => {},
      deadLettersEvicted: () => {},
      deadLetterTorn: () => {},
    },
  })
  return { queue, counts, failing: failing.promise, failureCount: () => failures }
}

const idsIn = (directory: string) =>
  readdirSync(directory).flatMap((name) => idsOf(readFileSync(join(directory, name), 'utf8')))

t.test('only the owner can read the letters, and a second run finds them', async (t) => {
  const directory = join(t.testdir(), 'data', 'dlq')
  const first = openQueue(directory)
  await first.queue.start()
  const shared = new Uint8Array(new SharedArrayBuffer(1000))
  const line = letters(['from the arena'])
  shared.set(line, 100)
  await first.queue.write('push', shared.subarray(100, 100 + line.length), 1)
  await first.queue.stop()
  t.equal(statSync(directory).mode & 0o777, 0o700)
  t.equal(statSync(join(directory, 'push.00000001.ndjson')).mode & 0o777, 0o600)
  t.strictSame(idsIn(directory), ['from the arena'])
  const second = openQueue(directory)
  await second.queue.start()
  t.match(second.counts, { found: 1, queued: 1 })
  await second.queue.stop()
})

t.test('after kill -9 everything acknowledged is found', async (t) => {
  const directory = join(t.testdir(), 'dlq')
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/writer.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged: string[] = []
  for await (const line of createInterface(writer.stdout)) {
    acknowledged.push(line)
    if (acknowledged.length === 300) writer.kill('SIGKILL')
  }
  if (writer.signalCode === null) await once(writer, 'exit')
  const { queue, counts } = openQueue(directory)
  await queue.start()
  const ids = idsIn(directory)
  t.equal(counts.found, ids.length)
  const found = new Set(ids)
  t.equal(found.size, ids.length, 'none twice')
  t.strictSame(
    acknowledged.filter((id) => !found.has(id)),
    [],
  )
  t.ok(counts.found <= acknowledged.length + 4, 'at most those in flight beside them')
  await queue.stop()
})

function mountSmall(directory: string): boolean {
  mkdirSync(directory)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

t.test('a file system that fills up', async (t) => {
  const mountPoint = join(t.testdir(), 'small')
  if (!mountSmall(mountPoint)) {
    t.skip('needs root and mount', () => {})
    return
  }
  try {
    const directory = join(mountPoint, 'dlq')
    const { queue, counts, failing, failureCount } = openQueue(directory)
    await queue.start()
    writeFileSync(join(mountPoint, 'filler'), Buffer.alloc(150 * 1024))
    const writes = Array.from({ length: 80 }, (_, id) => queue.write('push', letters([id], 2000), 1))
    await failing
    t.notOk(queue.healthy)
    rmSync(join(mountPoint, 'filler'))
    await Promise.all(writes)
    await queue.stop()
    t.ok(queue.healthy)
    t.ok(failureCount() > 0)
    const ids = idsIn(directory)
    t.equal(ids.length, 80)
    t.equal(new Set(ids).size, 80)
    t.equal(counts.queued, 80)
  } finally {
    execFileSync('umount', ['-l', mountPoint])
  }
})
