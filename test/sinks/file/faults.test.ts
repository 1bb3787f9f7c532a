import t from 'tap'
import { FileSink } from '../../../src/sinks/file/index.ts'
import { FaultyDisk } from '../../dlq/fixtures/faulty-disk.ts'
import type { Operation } from '../../dlq/fixtures/faulty-disk.ts'
import { ManualClock } from '../../dlq/fixtures/manual-clock.ts'
import { NEVER, context as anyContext, fileConfig, payloadOf } from '../fixtures/configs.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'

const BOOT = 'ad5cf1c6-7f4e-4d5c-a4ac-2b0a1ba0a3c4'
const rotate = { maxBytes: 200, maxAgeMs: 3_600_000 }

/** Time stands still: the processes of one test, one after another, begin their files in the same millisecond. */
const context = { ...anyContext, clock: new ManualClock() }

/** All events on the disk, in the order of the files. */
function linesOf(disk: FaultyDisk): string[] {
  return [...disk.files.keys()]
    .filter((name) => !name.startsWith('.'))
    .toSorted((a, b) => Number(/-(\d+)\.ndjson/.exec(a)![1]) - Number(/-(\d+)\.ndjson/.exec(b)![1]))
    .flatMap((name) => disk.content(name).split('\n').slice(0, -1))
}

t.test('a full disk is retried, leaves nothing behind, and heals', async (t) => {
  const disk = new FaultyDisk()
  const sink = new FileSink(fileConfig('/x', { rotate }), context, disk, BOOT)
  await sink.start()
  t.match(await sink.send(payloadOf(['"first"\n']), NEVER), { kind: 'ack' })
  disk.capacityBytes = disk.usedBytes + 4
  const outcome = await sink.send(payloadOf(['"second"\n']), NEVER)
  t.match(outcome, { kind: 'retry', category: 'io', reason: /ENOSPC/ })
  t.same(linesOf(disk), ['"first"'])
  disk.capacityBytes = Infinity
  t.match(await sink.send(payloadOf(['"second"\n']), NEVER), { kind: 'ack' })
  t.same(linesOf(disk), ['"first"', '"second"'])
  await sink.stop()
  t.equal(disk.openCount, 0)
})

for (const operation of ['open', 'writev', 'datasync', 'syncDirectory'] as Operation[]) {
  t.test(`${operation} fails for a while, and so does the cutting back`, async (t) => {
    const disk = new FaultyDisk()
    const sink = new FileSink(fileConfig('/x', { rotate }), context, disk, BOOT)
    await sink.start()
    let failing = false
    disk.fault = (what) => (failing && (what === operation || what === 'truncate') ? 'EIO' : undefined)
    const settled: string[] = []
    for (let n = 0; n < 30; n++) {
      failing = n % 10 >= 5
      const outcome = await sink.send(payloadOf([`"${n} ${'x'.repeat(100)}"\n`]), NEVER)
      if (outcome.kind === 'ack') settled.push(String(n))
      else t.match(outcome, { kind: 'retry', category: 'io', reason: /EIO/ })
    }
    failing = false
    t.match(await sink.send(payloadOf(['"end "\n']), NEVER), { kind: 'ack' })
    await sink.stop()
    t.same(
      linesOf(disk).map((line) => line.slice(1, line.indexOf(' '))),
      [...settled, 'end'],
    )
    t.ok(settled.length >= 15)
    t.equal(disk.openCount, 0)
  })
}

t.test('any faults, then a kill: every settled batch once, and nothing else', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const disk = new FaultyDisk()
    const settled: string[] = []
    let n = 0
    for (let life = 0; life < 3; life++) {
      disk.fault = () => undefined
      const sink = new FileSink(fileConfig(`/x`, { rotate }), context, disk, BOOT)
      await sink.start()
      const faultRate = random() * 0.2
      disk.fault = () => (random() < faultRate ? 'EIO' : undefined)
      // The 16 bytes of the mark lie in one page: they are overwritten or they are not.
      disk.writeBytesMax = () => (random() < 0.5 ? Infinity : 16 + Math.floor(random() * 60))
      for (let i = 0; i < 10; i++) {
        n++
        const outcome = await sink.send(payloadOf([`"${n} `, `${'x'.repeat(random() * 150)}"\n`]), NEVER)
        if (outcome.kind === 'ack') settled.push(String(n))
      }
      // The killed process: its sink is never stopped, and its last write broke off.
      if (random() < 0.7) {
        let writes = 0
        disk.fault = (what) =>
          (what === 'writev' && ++writes > 1) || what === 'truncate' ? 'EIO' : undefined
        disk.writeBytesMax = () => 16
        await sink.send(payloadOf([`"torn ${n} ${'x'.repeat(30)}"\n`]), NEVER)
      }
    }
    disk.fault = () => undefined
    disk.writeBytesMax = () => Infinity
    const last = new FileSink(fileConfig('/x', { rotate }), context, disk, BOOT)
    await last.start()
    const found = linesOf(disk).map((line) => line.slice(1, line.indexOf(' ')))
    if (found.toSorted().join() !== settled.toSorted().join()) {
      t.fail(`seed ${seed}`, { found, settled })
      return
    }
    // A file that was begun, and nothing more, may stay empty.
    for (const [name] of disk.files) if (!name.startsWith('.')) t.match(disk.content(name), /^$|\n$/)
  }
})

t.test('a power failure: every settled batch is there', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const disk = new FaultyDisk()
    const sink = new FileSink(fileConfig('/x', { rotate }), context, disk, BOOT)
    await sink.start()
    const settled: string[] = []
    const cutAfter = random() * 20
    let outcome: unknown
    for (let n = 0; n <= cutAfter; n++) {
      outcome = await sink.send(payloadOf([`"${n} ${'x'.repeat(random() * 150)}"\n`]), NEVER)
      settled.push(String(n))
    }
    t.match(outcome, { kind: 'ack' })
    disk.fault = (what) => (what === 'datasync' || what === 'truncate' ? 'EIO' : undefined)
    await sink.send(payloadOf([`"unsettled `, `"\n`]), NEVER)
    const after = disk.afterPowerCut(random)
    await new FileSink(fileConfig('/x', { rotate }), context, after, 'another boot').start()
    const found = linesOf(after).map((line) => line.slice(1, line.indexOf(' ')))
    const missing = settled.filter((name) => !found.includes(name))
    if (missing.length > 0) t.fail(`seed ${seed}`, { missing, found })
  }
})
