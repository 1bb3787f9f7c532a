/* oxlint-disable no-await-in-loop -- one write after another */
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { nodeFileIo } from '../../src/base/file-io.ts'
import type { FileIo } from '../../src/base/file-io.ts'
import { SLOT_BYTES, STATE_BYTES_MAX, StateFile, readState } from '../../src/journal/state-file.ts'
import type { JournalState } from '../../src/journal/state.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { OneFileDisk } from './fixtures/one-file-disk.ts'
import type { Fault } from './fixtures/one-file-disk.ts'
import { intervalOf, laneOf, stateOf } from './fixtures/states.ts'

const PATH = '/data/journal/state'

class Told {
  readonly bad: string[] = []
  readonly lost: string[] = []
  stateSlotBad(slot: number, reason: string): void {
    this.bad.push(`${slot}: ${reason}`)
  }
  stateLost(reason: string): void {
    this.lost.push(reason)
  }
}

const open = (io: FileIo, told = new Told()) => StateFile.open(PATH, io, told)
const numberOf = (state: JournalState | null) => state?.checkpoint.sequence ?? 0
const half = () => 0.5

t.test('what was written is found again, on a real disk', async (t) => {
  const path = join(temporaryDirectory(t), 'journal', 'state')
  const told = new Told()
  const file = await StateFile.open(path, nodeFileIo, told)
  t.equal(file.found.state, null)
  t.equal(statSync(path).size, 2 * SLOT_BYTES, 'it has its full size at once')
  t.ok(statSync(path).blocks * 512 >= 2 * SLOT_BYTES, 'and its blocks')
  t.equal(statSync(path).mode & 0o777, 0o600)
  for (let n = 1; n <= 5; n++) await file.write(stateOf(n))
  await file.close()
  await file.close()
  t.same((await readState(path)).state, stateOf(5))
  const again = await StateFile.open(path, nodeFileIo, told)
  t.same(again.found, { state: stateOf(5), bad: [] })
  await again.write(stateOf(6))
  await again.close()
  t.same((await readState(path)).state, stateOf(6))
  t.equal(statSync(path).size, 2 * SLOT_BYTES)
  t.same([...told.bad, ...told.lost], [])
})

t.test('a state that has gone from beside segments is told of, and no slot is said to hold', async (t) => {
  for (const bytes of [null, 0, 100]) {
    const directory = join(temporaryDirectory(t), 'journal')
    const path = join(directory, 'state')
    const first = await StateFile.open(path, nodeFileIo, new Told())
    await first.write(stateOf(1))
    await first.close()
    writeFileSync(join(directory, '0000000001.0000000000000001.frames'), '')
    if (bytes === null) rmSync(path)
    else truncateSync(path, bytes)
    const told = new Told()
    const file = await StateFile.open(path, nodeFileIo, told)
    await file.close()
    t.equal(told.lost.length, 1)
    t.same(told.bad, [])
  }
})

t.test('a file that is not there is no state, and none is made by looking', async (t) => {
  const path = join(temporaryDirectory(t), 'state')
  t.same(await readState(path), { state: null, bad: [] })
  t.throws(() => statSync(path))
  t.equal((await readState(temporaryDirectory(t))).bad.length, 2, 'something else in its place')
})

t.test('a write that is cut at any byte leaves the state before it or the new one', async (t) => {
  const disk = new OneFileDisk(() => 1)
  const file = await open(disk)
  await file.write(stateOf(1))
  await file.write(stateOf(2))
  const before = Buffer.from(disk.durable)
  await file.write(stateOf(3))
  const after = disk.durable
  const changed = [...after.keys()].filter((at) => after[at] !== before[at])
  for (let at = changed[0]!; at <= changed.at(-1)! + 1; at++) {
    const cut = new OneFileDisk(half)
    cut.durable = Buffer.concat([after.subarray(0, at), before.subarray(at)])
    cut.cached = cut.durable
    const { state } = await readState(PATH, cut)
    t.ok(numberOf(state) === 2 || numberOf(state) === 3)
    t.same(state, stateOf(numberOf(state)))
  }
})

t.test('flipped bits are seen, and the other slot holds', async (t) => {
  const disk = new OneFileDisk(() => 1)
  const file = await open(disk)
  await file.write(stateOf(1))
  await file.write(stateOf(2))
  const end = SLOT_BYTES + 24 + Buffer.byteLength(JSON.stringify(stateOf(2)))
  // Every byte of the head, and as many of the JSON as take no more than a moment.
  for (let at = SLOT_BYTES; at < end; at += at < SLOT_BYTES + 24 ? 1 : 4) {
    const damaged = new OneFileDisk(() => 1)
    damaged.cached = Buffer.from(disk.durable)
    damaged.cached[at]! ^= 1 << (at % 8)
    const { state, bad } = await readState(PATH, damaged)
    if (numberOf(state) !== 1 || bad[0]?.slot !== 1) t.fail(`a flip at ${at} goes unseen`)
  }
  t.pass('all of them')
})

t.test('whatever fails, tears, is killed or cut off: the newest that was synced is never lost', async (t) => {
  const faults: readonly Fault[] = [null, null, null, 'open', 'write', 'tear', 'sync', 'full']
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed)
    const chance = (share: number) => random() < share
    let disk = new OneFileDisk(random)
    let file = await open(disk)
    let synced = 0
    for (let n = 1; n <= 30; n++) {
      disk.fault = faults[Math.floor(random() * faults.length)]!
      const sink = { inputs: ['push', 'x'.repeat(Math.floor(random() * 50_000))] }
      const writing = file.write(stateOf(n, sink))
      // The power may go in the middle of a write: what its promises still do then is done to the disk that is gone.
      if (chance(0.1)) {
        for (let turns = Math.floor(random() * 30); turns > 0; turns--) await Promise.resolve()
        disk = disk.afterPowerCut()
        await writing.catch(() => {})
      } else {
        synced = await writing.then(
          () => n,
          () => synced,
        )
        if (!chance(0.2)) continue
        disk = chance(0.5) ? disk.afterKill() : disk.afterPowerCut()
      }
      const told = new Told()
      file = await open(disk, told)
      const found = numberOf(file.found.state)
      if (found < synced || found > n) {
        t.fail(`seed ${seed}, write ${n}: found ${found}, synced was ${synced}`, { told })
        return
      }
      if (synced > 0 && told.lost.length > 0) t.fail(`seed ${seed}: ${told.lost[0]}`)
    }
    disk.fault = null
    await file.write(stateOf(99))
    await file.close()
    t.equal(numberOf((await readState(PATH, disk)).state), 99)
  }
})

t.test(
  'what is found may be in the cache alone: it is made durable before the other slot is touched',
  async (t) => {
    let disk = new OneFileDisk(() => 1)
    const first = await open(disk)
    await first.write(stateOf(1))
    await first.write(stateOf(2))
    // Nothing of it reaches the disk, though it can be read until the power goes.
    disk.random = () => 0.3
    disk.fault = 'sync'
    const lost = Buffer.from(disk.durable)
    await t.rejects(first.write(stateOf(3)), /EIO/)
    disk.durable = lost
    disk = disk.afterKill()
    const second = await open(disk)
    t.equal(numberOf(second.found.state), 3)
    disk.fault = 'tear'
    await t.rejects(second.write(stateOf(4)))
    t.equal(numberOf((await readState(PATH, disk.afterPowerCut())).state), 2)
  },
)

t.test('a full disk does not stop it', async (t) => {
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  disk.fault = 'full'
  for (let n = 1; n <= 4; n++) await file.write(stateOf(n))
  t.equal(numberOf((await readState(PATH, disk)).state), 4)
})

t.test('a failed write is tried again through a new handle, in the same slot', async (t) => {
  for (const fault of ['write', 'tear', 'sync'] as const) {
    const disk = new OneFileDisk(half)
    const file = await open(disk)
    await file.write(stateOf(1))
    disk.fault = fault
    await t.rejects(file.write(stateOf(2)), /EIO/)
    await t.rejects(file.write(stateOf(3)), /EIO/)
    t.equal(disk.openHandles, 0, 'the handle that failed is closed')
    disk.fault = 'open'
    await t.rejects(file.write(stateOf(3)), /EMFILE/)
    disk.fault = null
    await file.write(stateOf(4))
    t.equal(numberOf((await readState(PATH, disk)).state), 4)
    await file.close()
    t.equal(disk.openHandles, 0)
  }
})

t.test('one write at a time', async (t) => {
  const file = await open(new OneFileDisk(half))
  const first = file.write(stateOf(1))
  await t.rejects(file.write(stateOf(2)), /when the one before it is/)
  await first
})

t.test('slots that are both damaged are told of, and what they held cannot come back', async (t) => {
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  for (let n = 1; n <= 9; n++) await file.write(stateOf(n))
  disk.fault = 'read'
  const told = new Told()
  const again = await open(disk, told)
  t.equal(again.found.state, null)
  t.match(told.lost, [/slot 0: EIO.*slot 1: EIO/])
  t.same(told.bad, [])
  t.equal((await readState(PATH, disk)).bad.length, 2)
  disk.fault = null
  await again.write(stateOf(1))
  t.equal(numberOf((await readState(PATH, disk)).state), 1, 'though those had been written more often')
})

t.test('one that is damaged is told of', async (t) => {
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  await file.write(stateOf(1))
  await file.write(stateOf(2))
  disk.cached![30]! ^= 1
  const told = new Told()
  const again = await open(disk, told)
  t.equal(numberOf(again.found.state), 2)
  t.match(told, { bad: [/^0: not written whole, or damaged/], lost: [] })
})

t.test('a file that was cut short is as long again as it must be', async (t) => {
  const path = join(temporaryDirectory(t), 'state')
  const file = await StateFile.open(path, nodeFileIo, new Told())
  await file.write(stateOf(1))
  await file.close()
  const bytes = readFileSync(path)
  for (const length of [0, 10, SLOT_BYTES, SLOT_BYTES + 10]) {
    writeFileSync(path, bytes.subarray(0, length))
    const again = await StateFile.open(path, nodeFileIo, new Told())
    t.equal(numberOf(again.found.state), length < SLOT_BYTES ? 0 : 1)
    t.equal(statSync(path).size, 2 * SLOT_BYTES)
    await again.close()
  }
})

t.test('a later format is refused, not lost', async (t) => {
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  await file.write(stateOf(1))
  reseal(disk.cached!, (slot) => slot.writeUInt32LE(2, 4))
  await t.rejects(open(disk), { code: 'SPW_ERR_STATE_VERSION', message: /written in format 2.*knows 1/ })
  await t.rejects(readState(PATH, disk), { code: 'SPW_ERR_STATE_VERSION' })
})

t.test('JSON that is none of a state is a bad slot', async (t) => {
  const backwards = laneOf([intervalOf(9, 0, 4), intervalOf(8, 0, 4)])
  const empty = laneOf([intervalOf(9, 4, 4)])
  const good = stateOf(1)
  const wrong: readonly unknown[] = [
    null,
    [],
    {},
    { ...good, version: 2 },
    { ...good, deadLetters: { ...good.deadLetters, found: -1 } },
    { ...good, checkpoint: { ...good.checkpoint, epoch: 'x' } },
    stateOf(1, { settled: [1.5, 0] }),
    stateOf(1, { lanes: [backwards, laneOf([])] }),
    stateOf(1, { lanes: [laneOf([]), empty] }),
  ]
  for (const value of wrong) {
    const disk = new OneFileDisk(half)
    const file = await open(disk)
    await file.write(value as JournalState)
    t.match(await readState(PATH, disk), { state: null, bad: [{ slot: 0, reason: /none of a state/ }] })
  }
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  await file.write({ ...good, added_later: 1 } as JournalState)
  t.equal(numberOf((await readState(PATH, disk)).state), 1, 'a key more does no harm')
  reseal(disk.cached!, (slot) => slot.write('}', 24))
  t.match(await readState(PATH, disk), { state: null, bad: [{ slot: 0 }] }, 'no JSON at all')
})

t.test('a state that is too large is written coarser, one that cannot be made so is refused', async (t) => {
  const disk = new OneFileDisk(() => 1)
  const file = await open(disk)
  const intervals = Array.from({ length: 9000 }, (_, i) => intervalOf(100_000 + i, 3, 7))
  const state = stateOf(1, { lanes: [laneOf(intervals), laneOf([])] })
  t.ok(JSON.stringify(state).length > STATE_BYTES_MAX)
  await file.write(state)
  const { unsettled } = (await readState(PATH, disk)).state!.sinks.siem!.lanes[0]
  t.ok(unsettled.length < intervals.length && unsettled.length > 3000)
  t.same([unsettled[0]!.from, unsettled.at(-1)!.to], [intervals[0]!.from, intervals.at(-1)!.to])
  const huge = stateOf(2, { inputs: ['x'.repeat(SLOT_BYTES)] })
  await t.rejects(file.write(huge), { code: 'SPW_ERR_STATE_TOO_LARGE' })
  await file.write(stateOf(3))
  t.equal(numberOf((await readState(PATH, disk)).state), 3)
})

t.test('where it cannot be made or opened, that is an error', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'journal'), 'no directory')
  await t.rejects(StateFile.open(join(directory, 'journal', 'state'), nodeFileIo, new Told()), {
    code: 'SPW_ERR_STATE_UNUSABLE',
  })
  const disk = new OneFileDisk(half)
  disk.fault = 'full'
  await t.rejects(open(disk), { code: 'SPW_ERR_STATE_UNUSABLE', message: /ENOSPC/ })
  t.equal(disk.openHandles, 0)
  disk.fault = null
  t.equal((await open(disk)).found.state, null, 'later it works')
})

t.test('who only looks sees a state while another one writes', async (t) => {
  const disk = new OneFileDisk(half)
  const file = await open(disk)
  await file.write(stateOf(1))
  const writing = (async () => {
    for (let n = 2; n <= 200; n++) await file.write(stateOf(n))
  })()
  let seen = 1
  while (seen < 200) {
    const { state } = await readState(PATH, disk)
    if (numberOf(state) < seen) t.fail(`${numberOf(state)} after ${seen}`)
    seen = numberOf(state)
  }
  await writing
})

/** Changes the first slot, with a checksum that fits. */
function reseal(bytes: Buffer, change: (slot: Buffer) => void): void {
  change(bytes)
  const length = bytes.readUInt32LE(16)
  bytes.writeUInt32LE(crc32(bytes.subarray(24, 24 + length), crc32(bytes.subarray(0, 20))), 20)
}
