import t from 'tap'
import { FaultyDisk } from './fixtures/faulty-disk.ts'
import { idsOn, letters, queueOn, settle } from './fixtures/harness.ts'

t.test('letters are on disk and counted when a write resolves', async (t) => {
  const disk = new FaultyDisk()
  const { queue, counts } = queueOn(disk)
  await queue.start()
  await queue.write('push', letters(['a', 'b']), 2)
  t.strictSame(idsOn(disk.afterPowerCut(() => 0.9)), ['a', 'b'], 'durable, with the name of the file')
  t.equal(counts.queued, 2)
  t.equal(queue.bytes, disk.usedBytes)
  await queue.stop()
  t.equal(disk.openCount, 0)
})

t.test('writes that arrive during a commit share the next one', async (t) => {
  const disk = new FaultyDisk()
  const { queue } = queueOn(disk)
  await queue.start()
  let during: Promise<void>[] = []
  disk.fault = (operation) => {
    if (operation === 'datasync' && during.length === 0) {
      during = Array.from({ length: 50 }, (_, id) => queue.write('push', letters([id]), 1))
    }
    return undefined
  }
  await queue.write('push', letters(['first']), 1)
  await Promise.all(during)
  t.equal(disk.count.datasync, 2)
  t.equal(disk.count.writev, 2)
  t.equal(idsOn(disk).length, 51)
  await queue.stop()
})

t.test('short writes are completed', async (t) => {
  const disk = new FaultyDisk()
  disk.writeBytesMax = () => 7
  const { queue } = queueOn(disk)
  await queue.start()
  await Promise.all([queue.write('push', letters(['a', 'b']), 2), queue.write('push', letters(['c']), 1)])
  t.strictSame(idsOn(disk), ['a', 'b', 'c'])
  await queue.stop()
})

t.test('files are rotated by size, their names say source and order', async (t) => {
  const disk = new FaultyDisk()
  const { queue } = queueOn(disk, { fileBytesMax: 100 })
  await queue.start()
  for (const id of [1, 2, 3]) await queue.write('push', letters([id], 50), 1)
  await queue.write('a-b_c', letters([4]), 1)
  await queue.stop()
  t.strictSame(
    [...disk.files.keys()],
    ['push.00000001.ndjson', 'push.00000002.ndjson', 'a-b_c.00000003.ndjson'],
  )
  t.strictSame(idsOn(disk).toSorted(), ['1', '2', '3', '4'])
})

t.test(
  'a start counts what is there, cuts off an unfinished line, and goes on in the newest file',
  async (t) => {
    const disk = new FaultyDisk()
    disk.put('push.00000003.ndjson', '{"id":"3"}\n')
    disk.put('push.00000007.ndjson', '{"id":"7"}\n{"id":"to')
    disk.put('lines.00000005.ndjson', '{"id":"never finis')
    disk.put('notes.txt', 'not ours\n')
    const { queue, counts, told } = queueOn(disk)
    await queue.start()
    t.match(counts, { found: 2, queued: 2 })
    t.strictSame(told.toSorted(), ['torn lines.00000005.ndjson 18', 'torn push.00000007.ndjson 9'])
    await queue.write('push', letters(['8']), 1)
    await queue.write('lines', letters(['9']), 1)
    t.equal(disk.content('push.00000007.ndjson'), '{"id":"7"}\n{"id":"8"}\n')
    t.equal(disk.content('lines.00000005.ndjson'), '{"id":"9"}\n')
    t.match(counts, { found: 2, queued: 4 })
    await queue.write('new', letters(['10']), 1)
    t.ok(disk.files.has('new.00000008.ndjson'), 'the sequence goes on behind the highest')
    await queue.stop()
  },
)

t.test('a file larger than the read buffer is counted', async (t) => {
  const disk = new FaultyDisk()
  disk.put('push.00000001.ndjson', `${'x'.repeat(300_000)}\n`.repeat(3) + 'torn'.repeat(100_000))
  const { queue, counts, told } = queueOn(disk)
  await queue.start()
  t.equal(counts.found, 3)
  t.strictSame(told, ['torn push.00000001.ndjson 400000'])
  t.equal(disk.usedBytes, 900_003)
  await queue.stop()
})

t.test('when full, whole oldest files go, with a count', async (t) => {
  const disk = new FaultyDisk()
  const { queue, counts, told } = queueOn(disk, { maxBytes: 1000, fileBytesMax: 200 })
  await queue.start()
  for (let id = 0; id < 30; id++) {
    await queue.write('push', letters([id], 100), 1)
    t.ok(disk.usedBytes <= 1000)
  }
  t.strictSame(idsOn(disk), ['20', '21', '22', '23', '24', '25', '26', '27', '28', '29'])
  t.match(counts, { queued: 10, evicted: 20 })
  t.strictSame(told[0], 'evicted push 2 200')
  t.equal(told.length, 10)
  await queue.stop()
})

t.test('a flooding source evicts its own letters, not those of others', async (t) => {
  const disk = new FaultyDisk()
  const { queue, counts } = queueOn(disk, { maxBytes: 10_000 })
  await queue.start()
  for (let id = 0; id < 20; id++) await queue.write('quiet', letters([`quiet ${id}`], 100), 1)
  for (let id = 0; id < 500; id++) {
    await queue.write('flood', letters([`flood ${id}`], 100), 1)
    t.ok(disk.usedBytes <= 10_000)
  }
  const ids = idsOn(disk)
  t.equal(ids.filter((id) => id.startsWith('quiet')).length, 20)
  t.ok(ids.length > 90, 'little is evicted beyond what must go')
  t.equal(counts.queued, ids.length)
  t.equal(counts.queued + counts.evicted, 520)
  await queue.stop()
})

t.test('a source over its share gives room to one below', async (t) => {
  const disk = new FaultyDisk()
  const { queue } = queueOn(disk, { maxBytes: 10_000 })
  await queue.start()
  for (let id = 0; id < 200; id++) await queue.write('early', letters([`early ${id}`], 100), 1)
  for (let id = 0; id < 200; id++) await queue.write('late', letters([`late ${id}`], 100), 1)
  const ids = idsOn(disk)
  const late = ids.filter((id) => id.startsWith('late')).length
  t.ok(late > 30 && late <= 60, `about half is of the late one: ${late}`)
  t.ok(ids.includes('late 199') && ids.includes('early 199'), 'the newest of both are there')
  await queue.stop()
})

t.test('a write larger than everything still goes, and is evicted for the next', async (t) => {
  const disk = new FaultyDisk()
  const { queue, counts } = queueOn(disk, { maxBytes: 1000 })
  await queue.start()
  await queue.write('quiet', letters(['quiet'], 100), 1)
  await queue.write('push', letters(['small'], 100), 1)
  await queue.write('push', letters(['large'], 5000), 1)
  t.strictSame(idsOn(disk).toSorted(), ['large', 'quiet'])
  await queue.write('push', letters(['next'], 100), 1)
  t.strictSame(idsOn(disk).toSorted(), ['next', 'quiet'])
  t.match(counts, { queued: 2, evicted: 2 })
  await queue.stop()
})

t.test('a smaller max_bytes than what is found is kept from the start', async (t) => {
  const disk = new FaultyDisk()
  for (let file = 1; file <= 5; file++)
    disk.put(`push.0000000${file}.ndjson`, letters([file], 100).toString())
  const happened: string[] = []
  const makeCountsDurable = () => Promise.resolve(happened.push('durable') > 0)
  const { queue, counts } = queueOn(disk, { maxBytes: 250, makeCountsDurable })
  await queue.start(() => happened.push('counted'))
  t.strictSame(idsOn(disk), ['4', '5'])
  t.match(counts, { found: 5, queued: 2, evicted: 3 })
  t.strictSame(happened, ['counted', 'durable', 'durable', 'durable'], 'what was found is settled first')
  await queue.stop()
})

t.test('a full disk is waited for', async (t) => {
  const disk = new FaultyDisk()
  disk.capacityBytes = 250
  const { queue, counts, clock, told } = queueOn(disk)
  await queue.start()
  await queue.write('push', letters([1, 2], 100), 2)
  let done = false
  const third = queue.write('push', letters([3], 100), 1).then(() => (done = true))
  await settle()
  t.notOk(queue.healthy)
  t.equal(disk.usedBytes, 200, 'cut back to what was committed')
  for (const retryMs of [100, 200, 400, 800, 1600, 3200, 5000]) {
    t.equal(told.at(-1), `failing ENOSPC: injected ${retryMs}`)
    clock.advance(retryMs)
    await settle()
  }
  t.notOk(done)
  t.equal(counts.queued, 2)
  disk.capacityBytes = 1000
  clock.advance(5000)
  await third
  await settle()
  t.ok(queue.healthy)
  t.match(told.at(-1), /^recovered /)
  t.strictSame(idsOn(disk), ['1', '2', '3'])
  t.equal(counts.queued, 3)
  await queue.stop()
  t.equal(clock.timerCount, 0)
})

t.test('after a failed fdatasync the file is never trusted again', async (t) => {
  const disk = new FaultyDisk()
  const { queue, clock } = queueOn(disk)
  await queue.start()
  await queue.write('push', letters([1]), 1)
  let failures = 1
  disk.fault = (operation) => (operation === 'datasync' && failures-- > 0 ? 'EIO' : undefined)
  const second = queue.write('push', letters([2]), 1)
  await settle()
  clock.advance(100)
  await second
  t.strictSame(idsOn(disk.afterPowerCut(() => 0.9)), ['1', '2'], 'nothing lost, nothing doubled')
  t.equal(disk.files.size, 2)
  await queue.stop()
})

t.test('a file that cannot be cut back is left, and cut back once that works', async (t) => {
  const disk = new FaultyDisk()
  const { queue, clock, counts } = queueOn(disk)
  await queue.start()
  await queue.write('push', letters([1]), 1)
  disk.fault = (operation) => (operation === 'datasync' || operation === 'truncate' ? 'EIO' : undefined)
  const second = queue.write('push', letters([2]), 1)
  for (let attempt = 0; attempt < 40; attempt++) {
    await settle()
    clock.advance(5000)
  }
  t.ok(disk.files.size <= 11, `a disk that fails for long gathers few files: ${disk.files.size}`)
  disk.fault = () => undefined
  await settle()
  clock.advance(5000)
  await second
  t.strictSame(idsOn(disk), ['1', '2'])
  t.equal(counts.queued, 2)
  await queue.stop()
})

t.test('when the oldest cannot be unlinked, the write waits', async (t) => {
  const disk = new FaultyDisk()
  const { queue, clock, counts } = queueOn(disk, { maxBytes: 300, fileBytesMax: 100 })
  await queue.start()
  for (const id of [1, 2, 3]) await queue.write('push', letters([id], 100), 1)
  disk.fault = (operation) => (operation === 'unlink' ? 'EIO' : undefined)
  const fourth = queue.write('push', letters([4], 100), 1)
  await settle()
  t.match(counts, { queued: 2, evicted: 1 }, 'counted before they go')
  t.notOk(queue.healthy)
  disk.fault = () => undefined
  clock.advance(100)
  await fourth
  t.strictSame(idsOn(disk), ['2', '3', '4'])
  await queue.stop()
})

t.test('files that someone removed by hand', async (t) => {
  const disk = new FaultyDisk()
  disk.put('push.00000001.ndjson', letters([1], 100).toString())
  const { queue, counts } = queueOn(disk, { maxBytes: 250 })
  await queue.start()
  disk.files.clear()
  await queue.write('push', letters([2], 100), 1)
  t.strictSame(idsOn(disk), ['2'], 'a new file is begun')
  await queue.write('push', letters([3], 100), 1)
  t.match(
    counts,
    { found: 1, queued: 2, evicted: 1 },
    'what is missing counts as evicted when its turn comes',
  )
  await queue.stop()
})

t.test('stop commits what waits; what cannot be committed is refused', async (t) => {
  const disk = new FaultyDisk()
  const { queue } = queueOn(disk)
  await queue.start()
  const write = queue.write('push', letters([1]), 1)
  await queue.stop()
  await write
  t.strictSame(idsOn(disk), ['1'])
  await t.rejects(queue.write('push', letters([2]), 1), { code: 'SPW_ERR_DLQ_STOPPED' })
  await queue.stop()

  const failing = queueOn(disk)
  await failing.queue.start()
  disk.fault = (operation) => (operation === 'writev' ? 'EIO' : undefined)
  const refused = failing.queue.write('push', letters([3]), 1)
  refused.catch(() => {})
  await settle()
  await failing.queue.stop()
  await t.rejects(refused, { code: 'SPW_ERR_DLQ_STOPPED', message: /before 1 of push/ })
  t.strictSame(idsOn(disk), ['1'])
  t.equal(failing.clock.timerCount, 0)
  t.equal(disk.openCount, 0)
})

t.test('stop before start', async (t) => {
  const { queue } = queueOn(new FaultyDisk())
  await queue.stop()
  await t.rejects(queue.write('push', letters([1]), 1), { code: 'SPW_ERR_DLQ_STOPPED' })
})

t.test('a directory that cannot be used is said at start', async (t) => {
  for (const operation of ['makeDirectory', 'list', 'open']) {
    const disk = new FaultyDisk()
    disk.fault = (asked) => (asked === operation ? 'EROFS' : undefined)
    await t.rejects(queueOn(disk).queue.start(), { code: 'SPW_ERR_DLQ_UNUSABLE', message: /dlq.*EROFS/ })
  }
})
