/** The source over descriptors of its own, in one process with the test. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { parseConfig } from '../../../src/app/config/load.ts'
import { STDIN_READ_BYTES } from '../../../src/pipeline/limits.ts'
import { openInput } from '../../../src/sources/stdin/input.ts'
import { StdinSource } from '../../../src/sources/stdin/index.ts'
import { startCollector, temporaryDirectory } from '../../helpers/collector.ts'
import { quietEvents } from '../../helpers/quiet-events.ts'
import { socEvent } from '../../helpers/soc-event.ts'
import { until } from '../../helpers/until.ts'

const event = (n: number) => `${socEvent(n)}\n`

/** A descriptor for reading and one for writing to it; what reads one closes it, too. */
function pipe(test: Test): { readFd: number; writeFd: number } {
  const path = join(temporaryDirectory(test), 'pipe')
  execFileSync('mkfifo', [path])
  const both = openSync(path, 'r+')
  const readFd = openSync(path, 'r')
  const writeFd = openSync(path, 'w')
  closeSync(both)
  return { readFd, writeFd }
}

/** A source that writes to the intake of an embedded one. */
async function stdinOver(test: Test, fd: number) {
  const collector = await startCollector(
    test,
    'sources: { app: { type: embedded } }\nsinks: { out: { type: blackhole, batch: { max_age: 1h } } }',
  )
  const { intake } = collector.topology.sources[0]!
  const { config } = parseConfig(
    'sources: { app: { type: stdin } }\nsinks: { out: { type: blackhole } }',
    'c.yaml',
    '/base',
    { env: {}, cwd: '/base', cores: 1 },
  )
  const failures: string[] = []
  const context = {
    intake,
    clock: systemClock,
    random: () => 0.5,
    events: {
      ...quietEvents,
      inputFailed: (_source: string, reason: string) => void failures.push(reason),
    },
    retryAfterSeconds: () => 1,
    accepting: () => intake.accepting,
  }
  const [settings] = config.sources
  if (settings?.type !== 'stdin') throw new Error('no stdin')
  const source = new StdinSource(settings, context, fd)
  test.teardown(() => source.stop())
  return { collector, counts: collector.ledger.sources[0]!, intake, source, failures }
}

t.test('a pipe is read until its last writer is gone', async (t) => {
  const { readFd, writeFd } = pipe(t)
  const { source, counts } = await stdinOver(t, readFd)
  await source.start()
  writeSync(writeFd, event(1) + event(2).slice(0, 10))
  await until(() => counts.accepted === 1)
  writeSync(writeFd, event(2).slice(10, -1))
  closeSync(writeFd)
  await source.ended
  await until(() => counts.accepted === 2)
  t.equal(counts.received, 2)
  await Promise.all([source.stop(), source.stop()])
})

t.test('where nothing may be taken, nothing is read', async (t) => {
  const { readFd, writeFd } = pipe(t)
  const { source, counts, intake } = await stdinOver(t, readFd)
  intake.setAccepting(false)
  await source.start()
  writeSync(writeFd, event(1))
  const again = openSync(`/proc/self/fd/${writeFd}`, 'r')
  const bytes = Buffer.alloc(1000)
  t.equal(readSync(again, bytes), event(1).length, 'it is still in the pipe')
  closeSync(again)
  intake.setAccepting(true)
  writeSync(writeFd, event(2))
  await until(() => counts.accepted === 1)
  closeSync(writeFd)
  await source.ended
})

t.test('a stop in the middle of a line, and of a wait for room', async (t) => {
  const { readFd, writeFd } = pipe(t)
  const { source, counts, intake } = await stdinOver(t, readFd)
  await source.start()
  writeSync(writeFd, event(1) + event(2).slice(0, 10))
  await until(() => counts.accepted === 1)
  intake.setAccepting(false)
  await source.stop()
  intake.setAccepting(true)
  closeSync(writeFd)
  intake.flush()
  await until(() => counts.received === 2)
  t.equal(counts.rejectedTotal, 1, 'the line that was begun is bad_framing')
  t.equal(await Promise.race([source.ended, Promise.resolve('pending')]), 'pending')
})

t.test('a line longer than what is read at once', async (t) => {
  const file = join(temporaryDirectory(t), 'long.ndjson')
  const long = event(1).replace('"x"', JSON.stringify('x'.repeat(3 * STDIN_READ_BYTES)))
  writeFileSync(file, long + event(2))
  const fd = openSync(file, 'r')
  const { source, counts } = await stdinOver(t, fd)
  await source.start()
  await source.ended
  await until(() => counts.accepted === 2)
  t.equal(counts.receivedBytes, long.length + event(2).length)
  closeSync(fd)
})

t.test('what fails in the middle is told, and what was read counts', async (t) => {
  const file = join(temporaryDirectory(t), 'unreadable')
  const fd = openSync(file, 'w')
  const { source, failures } = await stdinOver(t, fd)
  await source.start()
  await t.rejects(source.ended, {
    code: 'SPW_ERR_STDIN_UNREADABLE',
    message: /^sources\.app: standard input cannot be read: .*EBADF/,
  })
  t.equal(failures.length, 1)
  closeSync(fd)
})

t.test('an input that was closed is read no more', async (t) => {
  const { readFd, writeFd } = pipe(t)
  const input = openInput(readFd, new Uint8Array(10))
  const pending = input.read()
  input.close()
  t.same([await pending, await input.read()], [null, null])
  closeSync(writeFd)
  const fd = openSync('/dev/null', 'r')
  const file = openInput(fd, new Uint8Array(10))
  t.equal(await file.read(), 0)
  file.close()
  t.equal(await file.read(), null)
  closeSync(fd)
})

t.test('neither a directory nor a device', async (t) => {
  for (const [path, reason] of [
    ['.', 'it is a directory'] as const,
    ['/dev/zero', /^it is a device/] as const,
  ]) {
    const fd = openSync(path, 'r')
    const { source } = await stdinOver(t, fd)
    await t.rejects(source.start(), { code: 'SPW_ERR_STDIN_UNREADABLE', details: { source: 'app', reason } })
    await source.stop()
    closeSync(fd)
  }
})

t.test('at most one source can have it', async (t) => {
  const text = 'sources: { a: { type: stdin }, b: { type: stdin } }\nsinks: { out: { type: blackhole } }'
  t.throws(() => parseConfig(text, 'c.yaml', '/base', { env: {}, cwd: '/base', cores: 1 }), {
    message: /c\.yaml:1:.*: sources\.b\.type: expected at most one source of type stdin, found one more/,
  })
})
