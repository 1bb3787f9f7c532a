import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { nodeFileIo } from '../../src/base/file-io.ts'
import type { Position } from '../../src/journal/frame.ts'
import { parseSegmentName } from '../../src/journal/segment-name.ts'
import { VOID_FILES_MAX } from '../../src/journal/segments.ts'
import { JournalWriter } from '../../src/journal/writer.ts'
import { settled } from '../pipeline/dispatch/simulated-clock.ts'
import { checkpointFrame, liveFrames, pendingFrame, walk } from './fixtures/segment-frames.ts'
import { DIRECTORY, WriterRig } from './fixtures/writer-rig.ts'

const never = () => new AbortController().signal

t.test('one writev and one fdatasync for all that is there', async (t) => {
  const rig = new WriterRig()
  t.same(rig.disk.names(DIRECTORY), [], 'no segment before there is a frame')
  for (let frames = 0; frames < 10; frames++) rig.append()
  t.ok(rig.writer.pendingBytes > 1000)
  await settled()
  t.same(rig.sequences, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  t.same([rig.counted('writev'), rig.counted('datasync')], [1, 1])
  t.equal(rig.writer.pendingBytes, 0)
  t.same(rig.live(), rig.committed)
})

t.test('what comes while a group is written is the next group', async (t) => {
  const rig = new WriterRig()
  rig.disk.slowMs = 10
  rig.append()
  await rig.clock.step()
  rig.append(0)
  rig.append(5)
  await rig.clock.pass(100)
  t.same([rig.counted('writev'), rig.counted('datasync')], [2, 2])
  t.same(rig.sequences, [1, 2, 3])
  t.same(rig.live(), rig.committed)
})

t.test('a group has its size, a frame may be longer', async (t) => {
  const rig = new WriterRig({ groupBytesMax: 700 })
  for (const bytes of [100, 100, 100, 2000, 100]) rig.append(bytes)
  await settled()
  t.same(rig.sequences, [1, 2, 3, 4, 5])
  t.equal(rig.counted('datasync'), 4)
})

t.test('many views take several writes, short ones go on', async (t) => {
  const rig = new WriterRig()
  for (let frames = 0; frames < 1000; frames++) rig.append(1 + (frames % 20))
  await settled()
  t.same([rig.counted('writev'), rig.counted('datasync')], [3, 1])
  rig.disk.shortWrites = 0.9
  for (let frames = 0; frames < 50; frames++) rig.append(frames)
  await rig.clock.pass(10)
  t.ok(rig.counted('writev') > 5)
  t.equal(rig.committed.length, 1050)
  t.same(rig.live(), rig.committed)
})

t.test('a segment that is full gets a successor', async (t) => {
  const rig = new WriterRig({ segmentBytes: 2000, nextSegment: 7 })
  for (let frames = 0; frames < 12; frames++) {
    rig.append(300)
    await settled()
  }
  t.same(rig.numbers, [7, 8, 9])
  t.same(rig.live(), rig.committed)
  t.match(rig.writer.segments, [
    { number: 7, firstSequence: 1 },
    { number: 8, firstSequence: 5 },
    { number: 9, firstSequence: 9 },
  ])
  t.equal(rig.writer.bytes, rig.disk.usedBytes)
  t.equal(rig.disk.openCount, 1)
})

for (const operation of ['writev', 'datasync', 'syncDirectory', 'open', 'makeDirectory'] as const) {
  t.test(`a disk that fails to ${operation} is waited for`, async (t) => {
    const rig = new WriterRig({ segmentBytes: 1 })
    rig.append()
    await settled()
    rig.disk.fault = (what) => (what === operation ? 'EIO' : undefined)
    rig.append()
    rig.append()
    await rig.clock.pass(9000)
    t.equal(rig.writer.healthy, false)
    t.same(rig.sequences, [1])
    t.ok(rig.writer.pendingBytes > 0)
    const delays = [100, 200, 400, 800, 1600, 3200, 5000]
    t.same(
      rig.told,
      delays.map((ms) => `EIO: s ${ms}`),
    )
    t.same(rig.numbers, [1], 'what the attempts left is gone')
    rig.disk.fault = () => undefined
    await rig.clock.pass(5000)
    t.equal(rig.writer.healthy, true)
    t.match(rig.told.at(-1)!, /^recovered 1\d{4}$/)
    t.same(rig.sequences, [1, 2, 3])
    t.same(rig.live(), rig.committed)
    t.same(rig.disk.violations, [])
  })
}

t.test('after a failed sync everything uncommitted is written anew elsewhere', async (t) => {
  const rig = new WriterRig()
  rig.append()
  await settled()
  rig.disk.fault = (what) => (what === 'datasync' ? 'EIO' : undefined)
  rig.append()
  rig.append()
  await settled()
  rig.disk.fault = () => undefined
  await rig.clock.pass(200)
  t.same(rig.numbers, [1, 2])
  t.same(
    rig.committed.map(({ segment }) => segment),
    [1, 2, 2],
  )
  t.match(rig.writer.segments, [
    { number: 1, tailBytes: 0 },
    { number: 2, firstSequence: 2, tailBytes: 0 },
  ])
  t.equal(rig.writer.bytes, rig.disk.usedBytes)
  t.same(rig.live(), rig.committed)
  t.same(rig.disk.violations, [])
})

t.test('a full disk takes what it can, and goes on when there is room', async (t) => {
  const rig = new WriterRig({ groupBytesMax: 8000 })
  rig.disk.capacityBytes = 5000
  for (let frames = 0; frames < 20; frames++) rig.append(300)
  await rig.clock.pass(60_000)
  t.equal(rig.writer.healthy, false)
  t.ok(rig.committed.length > 0, `${rig.committed.length} of 20`)
  t.ok(rig.committed.length < 20)
  rig.disk.capacityBytes = 50_000
  await rig.clock.pass(6000)
  t.equal(rig.committed.length, 20)
  t.equal(rig.writer.healthy, true)
  t.same(rig.live(), rig.committed)
})

t.test('a directory that went is made again', async (t) => {
  const rig = new WriterRig({ segmentBytes: 1 })
  rig.append()
  await settled()
  rig.disk.removeDirectory(DIRECTORY)
  rig.append()
  await settled()
  t.same(rig.sequences, [1, 2])
  t.same(rig.live(), rig.committed.slice(1))
})

t.test('files that can be neither written nor removed do not pile up', async (t) => {
  const rig = new WriterRig()
  rig.disk.fault = (what) => (what === 'datasync' || what === 'unlink' ? 'EIO' : undefined)
  rig.append()
  await rig.clock.pass(120_000)
  t.equal(rig.disk.names(DIRECTORY).length, VOID_FILES_MAX)
  t.ok(rig.writer.bytes >= rig.disk.usedBytes, 'they count')
  rig.disk.fault = () => undefined
  await rig.clock.pass(6000)
  t.same(rig.sequences, [1])
  t.equal(rig.disk.names(DIRECTORY).length, 1)
  t.equal(rig.writer.bytes, rig.disk.usedBytes)
})

t.test('segments go from the oldest on, but never the last', async (t) => {
  const rig = new WriterRig({
    segmentBytes: 1,
    found: [{ number: 3, firstSequence: 1, bytes: 800 }],
    nextSegment: 5,
  })
  t.equal(rig.writer.bytes, 800)
  rig.writer.removeBefore(9)
  await settled()
  t.match(rig.writer.segments, [{ number: 3 }])
  for (let frames = 0; frames < 4; frames++) {
    rig.append()
    await settled()
  }
  rig.writer.removeBefore(6)
  await settled()
  t.same(rig.numbers, [6, 7, 8], 'also where the file was gone already')
  rig.disk.fault = (what) => (what === 'unlink' ? 'EACCES' : undefined)
  rig.writer.removeBefore(7)
  await settled()
  rig.writer.removeBefore(8)
  await settled()
  t.same(rig.told, ['removal EACCES'], 'told once')
  t.equal(rig.writer.bytes, rig.disk.usedBytes)
  rig.disk.fault = () => undefined
  rig.writer.removeBefore(100)
  await settled()
  t.same(rig.numbers, [8])
  t.match(rig.writer.segments, [{ number: 8 }])
  t.equal(rig.writer.bytes, rig.disk.usedBytes)
})

t.test('a stop writes what waits', async (t) => {
  const rig = new WriterRig({ groupBytesMax: 500 })
  rig.disk.slowMs = 5
  for (let frames = 0; frames < 5; frames++) rig.append()
  const stopped = rig.writer.stop(never())
  await rig.clock.pass(500)
  await stopped
  t.same(rig.sequences, [1, 2, 3, 4, 5])
  t.equal(rig.disk.openCount, 0)
  await rig.writer.stop(never())
  rig.append()
  await settled()
  t.equal(rig.committed.length, 5, 'nothing is written afterwards')
})

t.test('a stop before the start', async (t) => {
  const rig = new WriterRig()
  await rig.writer.stop(never())
  rig.writer.start()
  t.equal(rig.clock.pending, 0)
})

t.test('a stop tries once more at once, and then until its signal', async (t) => {
  const rig = new WriterRig()
  rig.disk.fault = (what) => (what === 'datasync' ? 'EIO' : undefined)
  rig.append()
  await rig.clock.pass(3500)
  const attempts = rig.told.length
  const controller = new AbortController()
  const stopped = rig.writer.stop(controller.signal)
  await settled()
  t.equal(rig.told.length, attempts + 1)
  controller.abort()
  await stopped
  await settled()
  t.same(rig.sequences, [])
  t.equal(rig.clock.pending, 0)
  t.equal(rig.disk.openCount, 0)
  t.same(rig.disk.names(DIRECTORY), [])
})

t.test('a disk that hangs does not hold up a stop, and commits nothing afterwards', async (t) => {
  const rig = new WriterRig()
  rig.append()
  await settled()
  rig.disk.slowMs = 100_000
  rig.append()
  await settled()
  const controller = new AbortController()
  controller.abort()
  await rig.writer.stop(controller.signal)
  await rig.clock.pass(500_000)
  t.same(rig.sequences, [1])
  t.equal(rig.disk.openCount, 0)
  t.equal(rig.clock.pending, 0)
})

t.test('on a real disk, from shared memory', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'spillway-writer-'))
  t.teardown(() => rmSync(parent, { recursive: true }))
  const directory = join(parent, 'journal')
  const committed: Position[] = []
  const told: string[] = []
  const options = {
    directory,
    io: nodeFileIo,
    clock: systemClock,
    segmentBytes: 200_000,
    groupBytesMax: 50_000,
    checkpoint: checkpointFrame,
    events: {
      journalDiskFailing: (reason: string) => told.push(reason),
      journalDiskRecovered: () => told.push('recovered'),
      journalRemovalFailing: (reason: string) => told.push(reason),
    },
  }
  let sequence = 0
  const append = (writer: JournalWriter, frames: number) => {
    for (let count = 0; count < frames; count++) {
      const frame = pendingFrame(++sequence, sequence % 997, (position) => committed.push(position))
      const shared = frame.views.map((view) => {
        const copy = new Uint8Array(new SharedArrayBuffer(view.length))
        copy.set(view)
        return copy
      })
      const stamp = (segment: number) => {
        frame.stamp(segment)
        shared[0]!.set(frame.views[0]!)
      }
      writer.append({ ...frame, views: shared, stamp })
    }
  }
  const live = () =>
    liveFrames(
      readdirSync(directory)
        .toSorted()
        .map((name) => walk(parseSegmentName(name)!, readFileSync(join(directory, name)))),
    )

  const first = new JournalWriter({ ...options, nextSegment: 1, found: [] })
  append(first, 1500)
  first.start()
  await first.stop(never())
  t.equal(committed.length, 1500)
  t.same(live(), committed)
  const found = first.segments
  t.ok(found.length > 2)

  const second = new JournalWriter({ ...options, nextSegment: found.at(-1)!.number + 1, found })
  second.start()
  append(second, 700)
  second.removeBefore(found.at(-1)!.number)
  await second.stop(never())
  t.same(
    live(),
    committed.filter(({ segment }) => segment >= found.at(-1)!.number),
  )
  t.equal(committed.length, 2200)
  t.same(told, [])
})
