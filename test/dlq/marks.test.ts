/** Letters leave the queue: durably, once, and counted so that no crash makes the ledger tell of a loss. */
import t from 'tap'
import { LetterReader } from '../../src/dlq/letter-reader.ts'
import type { LetterRun } from '../../src/dlq/letter-id.ts'
import type { MarkKind } from '../../src/dlq/marks.ts'
import { DeadLetterCounts } from '../../src/pipeline/ledger.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { FaultyDisk } from './fixtures/faulty-disk.ts'
import { letterLine, queueOn, settle } from './fixtures/harness.ts'

const PUSH = 'push.00000001.ndjson'

/** `count` letters of `push` whose records are their numbers, from 1. */
const numbered = (count: number) =>
  Buffer.from(Array.from({ length: count }, (_, index) => letterLine({ record: String(index + 1) })).join(''))

const line = (number: number, count = 1): LetterRun => ({ file: PUSH, line: number, count })

/** Records of the letters that a reader finds. */
async function readable(disk: FaultyDisk): Promise<string[]> {
  const records: string[] = []
  for await (const { letter } of new LetterReader({ directory: 'dlq', io: disk }))
    records.push(letter.record!)
  return records
}

async function filled(count: number, options: Parameters<typeof queueOn>[1] = {}) {
  const disk = new FaultyDisk()
  const made = queueOn(disk, options)
  await made.queue.start()
  await made.queue.write('push', numbered(count), count)
  return { disk, ...made }
}

t.test('a marked letter is gone, once', async (t) => {
  const { disk, queue, counts } = await filled(10)
  t.equal(await queue.mark([line(3), line(5, 2)], 'replayed'), 3)
  t.equal(await queue.mark([line(2, 3), line(3)], 'purged'), 2, 'line 3 was marked before')
  t.equal(await queue.mark([line(0), line(11), { file: 'net.00000001.ndjson', line: 1 }], 'purged'), 0)
  t.equal(await queue.mark([{ file: '../../etc/passwd', line: 1 }], 'purged'), 0)
  t.match(counts, { queued: 5, replayed: 3, purged: 2 })
  t.strictSame(await readable(disk), ['1', '7', '8', '9', '10'])
  t.equal(queue.bytes, disk.usedBytes, 'marks take room, too')
  await queue.stop()

  const next = queueOn(disk)
  await next.queue.start()
  t.match(next.counts, { found: 5, queued: 5, replayed: 3, purged: 2 }, 'their totals are in the marks')
  t.equal(await next.queue.mark([line(1, 10)], 'purged'), 5)
  await settle()
  t.strictSame([...disk.files.keys()], [], 'a file without letters goes, with its marks')
  await next.queue.write('push', numbered(1), 1)
  t.strictSame([...disk.files.keys()], ['push.00000002.ndjson'])
  await next.queue.stop()
  await t.rejects(next.queue.mark([line(1)], 'purged'), { code: 'SPW_ERR_DLQ_MARK' })
})

t.test('an evicted file counts what was still in it', async (t) => {
  const { disk, queue, counts, told } = await filled(4, { maxBytes: 2000, fileBytesMax: 800 })
  await queue.mark([line(1), line(4)], 'replayed')
  await queue.write('push', numbered(4), 4)
  await queue.write('push', numbered(4), 4)
  t.match(counts, { queued: 8, replayed: 2, evicted: 2 })
  t.match(told, [/^evicted push 2 /])
  t.strictSame(
    [...disk.files.keys()].filter((name) => name.endsWith('.marks')),
    [],
  )
  await queue.stop()
})

t.test('a file stays while its counts cannot be made durable', async (t) => {
  let durable = false
  const options = { makeCountsDurable: async () => durable }
  const { disk, queue } = await filled(2, options)
  t.equal(await queue.mark([line(1, 2)], 'purged'), 2)
  t.strictSame([...disk.files.keys()].toSorted(), ['push.00000001.marks', PUSH])
  await queue.stop()
  durable = true
  const next = queueOn(disk, options)
  await next.queue.start()
  t.match(next.counts, { found: 0, queued: 0, purged: 2 })
  t.strictSame([...disk.files.keys()], [])
  await next.queue.stop()
})

t.test('marks that a crash tore, and marks without letters', async (t) => {
  const disk = new FaultyDisk()
  disk.put(PUSH, numbered(3).toString())
  disk.put('push.00000001.marks', '{"kind":"purged","lines":[[1')
  disk.put('net.00000007.marks', '{"kind":"purged","lines":[[1,1]],"totals":{"replayed":0,"purged":1}}\n')
  const { queue, counts, told } = queueOn(disk)
  await queue.start()
  t.match(counts, { found: 3, purged: 0 })
  t.strictSame(told, ['torn push.00000001.marks 28'])
  t.equal(await queue.mark([line(2)], 'purged'), 1)
  t.strictSame(await readable(disk), ['1', '3'])
  await queue.write('net', numbered(1), 1)
  t.ok(disk.files.has('net.00000008.ndjson'), 'a number is not used twice')
  await queue.stop()
})

t.test('a line of marks that is none is passed over', async (t) => {
  const disk = new FaultyDisk()
  disk.put(PUSH, numbered(3).toString())
  const totals = '"totals":{"replayed":0,"purged":1}'
  disk.put(
    'push.00000001.marks',
    `nonsense\n{"kind":"purged","lines":[[1,99999999999]],${totals}}\n{"kind":"purged","lines":[[3,3]],${totals}}\n`,
  )
  const { queue, counts } = queueOn(disk)
  await queue.start()
  t.match(counts, { found: 2, purged: 1 })
  t.strictSame(await readable(disk), ['1', '2'])
  await queue.stop()
})

/** Marks in some calls, of two files, to the end of one of them. */
const CALLS: readonly (readonly [MarkKind, readonly LetterRun[]])[] = [
  ['replayed', [line(1), line(4, 2)]],
  ['purged', [{ file: 'net.00000002.ndjson', line: 2 }, line(2)]],
  ['replayed', [line(3)]],
  ['purged', [line(6), { file: 'net.00000002.ndjson', line: 1, count: 9 }]],
]
const LETTERS = 6 + 4

interface Life {
  readonly disk: FaultyDisk
  readonly made: ReturnType<typeof queueOn>
  /** What the journal's state tells at the next start. */
  durable: DeadLetterCounts
}

async function beginLife(): Promise<Life> {
  const disk = new FaultyDisk()
  const made = queueOn(disk, {
    makeCountsDurable: async () => {
      disk.check('datasync', 'state')
      life.durable = Object.assign(new DeadLetterCounts(), made.counts)
      return true
    },
  })
  const life: Life = { disk, made, durable: new DeadLetterCounts() }
  await made.queue.start()
  await made.queue.write('push', numbered(6), 6)
  await made.queue.write('net', numbered(4), 4)
  return life
}

/** What the ledger of the next run makes of it. */
async function nextLife(disk: FaultyDisk, { replayed, purged }: DeadLetterCounts) {
  const next = queueOn(disk, { counts: Object.assign(new DeadLetterCounts(), { replayed, purged }) })
  await next.queue.start()
  return next
}

t.test('a power cut at any operation: marks and counts agree', async (t) => {
  const whole = await beginLife()
  let operations = 0
  whole.disk.fault = () => void operations++
  for (const [kind, runs] of CALLS) await whole.made.queue.mark(runs, kind)
  await whole.made.queue.stop()
  t.ok(operations > 20, `${operations} operations`)
  for (let cut = 0; cut <= operations; cut++) {
    for (const seed of [1, 2, 3]) {
      const { disk, made, durable } = await cutAfter(cut)
      const { queue, counts } = await nextLife(disk.afterPowerCut(seededRandom(seed)), durable)
      const left = counts.queued + counts.replayed + counts.purged
      const marked = counts.replayed + counts.purged
      const acknowledged = made.counts.replayed + made.counts.purged
      t.ok(left === LETTERS && marked >= acknowledged, `cut ${cut}, seed ${seed}`, {
        counts,
        before: made.counts,
      })
      await queue.stop()
    }
  }
})

async function cutAfter(cut: number): Promise<Life> {
  const life = await beginLife()
  let at = 0
  life.disk.fault = () => (at++ < cut ? undefined : 'EIO')
  for (const [kind, runs] of CALLS) await life.made.queue.mark(runs, kind).catch(() => {})
  return life
}

t.test('a disk that fails now and then: what was refused is marked by doing it again', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const life = await beginLife()
    const { disk, made } = life
    const { queue, counts } = made
    disk.fault = () => (random() < 0.25 ? 'EIO' : undefined)
    disk.writeBytesMax = () => (random() < 0.3 ? 7 : Infinity)
    for (const [kind, runs] of CALLS) await queue.mark(runs, kind).catch(() => {})
    const cut = disk.afterPowerCut(random)
    disk.fault = () => undefined
    for (const [kind, runs] of CALLS) await queue.mark(runs, kind)
    await settle()
    await queue.stop()
    const right = counts.queued === 0 && counts.replayed + counts.purged === LETTERS
    t.ok(right, `seed ${seed}`, { counts })
    const next = await nextLife(cut, life.durable)
    const sum = next.counts.queued + next.counts.replayed + next.counts.purged
    t.ok(sum >= LETTERS, `after a power cut, seed ${seed}`, next.counts)
    await next.queue.stop()
  }
})

t.test('marks and evictions by turns, on a disk that fails now and then', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const disk = new FaultyDisk()
    const { queue, counts, clock } = queueOn(disk, { maxBytes: 4000, fileBytesMax: 900 })
    await queue.start()
    disk.fault = () => (random() < 0.1 ? 'EIO' : undefined)
    let written = 0
    for (let at = 0; at < 40; at++) {
      const letters = 1 + Math.floor(random() * 3)
      written += letters
      void queue.write('push', numbered(letters), letters)
      if (random() < 0.5)
        void queue.mark(someOf(disk, random), random() < 0.5 ? 'purged' : 'replayed').catch(() => {})
      if (random() < 0.7) await settle()
      clock.advance(random() * 3000)
    }
    disk.fault = () => undefined
    for (let at = 0; at < 20; at++) {
      await settle()
      clock.advance(5000)
    }
    await queue.stop()
    const { queued, replayed, purged, evicted } = counts
    const found = await readable(disk)
    t.ok(
      found.length === queued && queued + replayed + purged + evicted === written && disk.openCount === 0,
      `seed ${seed}`,
      { counts, written, found: found.length },
    )
    const { queue: next, counts: nextCounts } = await nextLife(disk, counts)
    t.match(nextCounts, { queued, replayed, purged }, `the next run, seed ${seed}`)
    await next.stop()
  }
})

/** A few lines of the files that are there, some of them of none. */
function someOf(disk: FaultyDisk, random: () => number): LetterRun[] {
  const files = [...disk.files.keys()].filter((name) => name.endsWith('.ndjson'))
  return files.flatMap((file) =>
    random() < 0.5 ? [] : [{ file, line: 1 + Math.floor(random() * 5), count: 1 + Math.floor(random() * 4) }],
  )
}
