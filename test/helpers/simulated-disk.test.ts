/** What the simulated disk promises to the simulations that believe it. */
import t from 'tap'
import { SimulatedClock, settled } from '../pipeline/dispatch/simulated-clock.ts'
import { seededRandom } from './seeded-random.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const OLD = Buffer.from('old!')
const NEW = Buffer.from('new?')

function makeDisk(seed: number): SimulatedDisk {
  return new SimulatedDisk({ random: seededRandom(seed), directories: ['/d'], strict: () => true })
}

/** What a crash leaves of a file, over many seeds. */
async function leftBehind(run: (disk: SimulatedDisk) => Promise<void>): Promise<string[]> {
  const left = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const disk = makeDisk(seed)
    await run(disk)
    const after = disk.crash()
    left.add(
      after.names('/d').includes('a') ? after.content('/d/a').toString().replaceAll('\0', '0') : 'gone',
    )
  }
  return [...left].toSorted()
}

t.test('what was synced is there, with its name', async (t) => {
  const left = await leftBehind(async (disk) => {
    const file = await disk.open('/d/a', 'create')
    await file.writev([OLD], 0)
    await file.datasync()
    await disk.syncDirectory('/d')
  })
  t.same(left, ['old!'])
})

t.test('what was not synced is there, torn, or not', async (t) => {
  const left = await leftBehind(async (disk) => {
    disk.put('/d/a', OLD)
    const file = await disk.open('/d/a', 'modify')
    await file.writev([NEW], 0)
  })
  for (const content of ['old!', 'new?', 'ned!', 'olw?']) t.ok(left.includes(content), content)
})

t.test('a later write may survive without an earlier one', async (t) => {
  const left = await leftBehind(async (disk) => {
    disk.put('/d/a', new Uint8Array())
    const file = await disk.open('/d/a', 'modify')
    await file.writev([OLD], 0)
    await file.writev([NEW], 4)
  })
  for (const content of ['', 'old!', '0000new?', 'old!new?']) t.ok(left.includes(content), content)
})

t.test('a sync after a failed one promises nothing', async (t) => {
  const left = await leftBehind(async (disk) => {
    disk.put('/d/a', OLD)
    const file = await disk.open('/d/a', 'modify')
    await file.writev([NEW], 0)
    disk.fault = () => 'EIO'
    await t.rejects(file.datasync())
    disk.fault = () => undefined
    await file.datasync()
    t.match(disk.violations, ['datasync of a after a failure'])
  })
  for (const content of ['old!', 'new?']) t.ok(left.includes(content), content)
})

t.test('names are as volatile as bytes', async (t) => {
  const left = await leftBehind(async (disk) => {
    disk.put('/d/a', OLD)
    disk.put('/d/b', NEW)
    await disk.rename('/d/b', '/d/a')
  })
  t.same(left, ['new?', 'old!'])
  const unlinked = await leftBehind(async (disk) => {
    disk.put('/d/a', OLD)
    await disk.unlink('/d/a')
  })
  t.same(unlinked, ['gone', 'old!'])
  const directories = new Set<string>()
  for (let seed = 0; seed < 50; seed++) {
    const disk = makeDisk(seed)
    await disk.makeDirectory('/d/e')
    if (seed % 2 === 0) await disk.syncDirectory('/d')
    const there = await disk
      .crash()
      .list('/d/e')
      .then(
        () => true,
        () => false,
      )
    directories.add(`${seed % 2 === 0} ${there}`)
  }
  t.same([...directories].toSorted(), ['false false', 'false true', 'true true'])
})

t.test('it fills up, and has room again', async (t) => {
  const disk = makeDisk(1)
  disk.capacityBytes = 6
  const file = await disk.open('/d/a', 'create')
  t.equal(await file.writev([OLD, NEW], 0), 6)
  await t.rejects(file.writev([NEW], 6), { code: 'ENOSPC' })
  t.equal(await file.writev([NEW], 2), 4, 'in place there is room')
  await disk.unlink('/d/a')
  t.equal(disk.usedBytes, 6, 'as long as it is open')
  await file.close()
  t.equal(disk.usedBytes, 0)
})

t.test('it reads what was written, if need be in pieces', async (t) => {
  const disk = makeDisk(1)
  const file = await disk.open('/d/a', 'create')
  await file.writev([OLD, NEW], 0)
  await file.truncate(7)
  t.equal(await file.bytes(), 7)
  const into = new Uint8Array(16)
  t.equal(await file.read(into, 1), 6)
  disk.shortReads = 1
  t.ok((await file.read(into, 0)) < 8)
  t.equal(await file.read(into, 7), 0)
  await t.rejects(disk.open('/d/a', 'create'), { code: 'EEXIST' })
  await t.rejects(disk.open('/d/b', 'read'), { code: 'ENOENT' })
  await t.rejects(disk.open('/x/b', 'create'), { code: 'ENOENT' })
})

t.test('after a crash nothing comes back', async (t) => {
  const clock = new SimulatedClock()
  const disk = new SimulatedDisk({ random: seededRandom(1), clock, directories: ['/d'] })
  disk.slowMs = 100
  let answers = 0
  const answered = () => answers++
  disk.open('/d/a', 'create').then(answered, answered)
  disk.crash()
  disk.open('/d/b', 'create').then(answered, answered)
  await clock.pass(1000)
  await settled()
  t.equal(answers, 0)
  t.equal(clock.pending, 0)
})
