import { join } from 'node:path'
import t from 'tap'
import type { Checkpoint } from '../../src/journal/checkpoint.ts'
import type { JournalState, SinkState } from '../../src/journal/state.ts'
import { EPOCH, MadeJournal, events } from './fixtures/made-journal.ts'
import type { Placed } from './fixtures/made-journal.ts'
import { DIRECTORY, QUARANTINE, recoveryRig } from './fixtures/recovery-rig.ts'
import type { Rig } from './fixtures/recovery-rig.ts'

const SOURCES = ['push', 'net']
const SINKS = [
  { name: 'siem', inputs: [0, 1] },
  { name: 'archive', inputs: [0] },
]

/** Segments 1 to 3, with one, two and two frames. */
function threeSegments(): MadeJournal {
  return new MadeJournal(SOURCES, SINKS)
    .begin()
    .frame({ source: 0, records: events('a', 3) })
    .begin()
    .frame({ source: 0, records: events('b', 2) })
    .frame({ source: 1, records: events('c', 4), rejected: 1 })
    .begin()
    .frame({ source: 1, records: events('d', 1) })
    .frame({ source: 0, records: [...events('e', 2), ...events('f', 3, { fast: true })] })
}

function saved(journal: MadeJournal, rig: Rig): string[] {
  journal.save(DIRECTORY, (path, bytes) => rig.disk.put(path, bytes))
  return [...journal.files.keys()]
}

function damage({ disk }: Rig, name: string, at: number, bytes = 8): void {
  const content = disk.content(join(DIRECTORY, name))
  content.fill(0xee, at, at + bytes)
  disk.put(join(DIRECTORY, name), content)
}

function stateWith(checkpoint: Checkpoint, sinks: Record<string, Partial<SinkState>> = {}): JournalState {
  const place = { segment: 1, offset: 0, sequence: 1 }
  const lane = { next: place, oldest: place, unsettled: [] }
  const whole = Object.entries(sinks).map(([name, sink]) => [
    name,
    {
      attachedAt: '2026-11-22T08:00:00.000Z',
      inputs: ['push'],
      before: 0,
      lanes: [lane, lane],
      settled: [0, 0],
      voided: [],
      delivered: [0, 0],
      deliveredBytes: 0,
      deadLettered: {},
      discarded: {},
      ...sink,
    },
  ])
  return {
    version: 1,
    sequence: checkpoint.sequence,
    checkpoint,
    sinks: Object.fromEntries(whole),
    deadLetters: { found: 0, replayed: 0, purged: 0, evicted: 0 },
  }
}

const acceptedOf = ({ sources }: Checkpoint) =>
  Object.fromEntries(sources.map(({ name, accepted }) => [name, accepted]))

t.test('nothing there, not even a directory', async (t) => {
  const rig = recoveryRig()
  const nothing = { segments: [], nextSegment: 1, nextSequence: 1, newest: null, deferred: [], damage: [] }
  t.match(await rig.recover(), { ...nothing, checkpoint: { sources: [], sinks: [] } })
  rig.disk.removeDirectory('/data')
  t.match(await rig.recover(), nothing)
  t.same(rig.told, [])
})

t.test('a directory that cannot be listed', async (t) => {
  const rig = recoveryRig()
  rig.disk.fault = (operation) => (operation === 'list' ? 'EACCES' : undefined)
  await t.rejects(rig.recover(), { code: 'SPW_ERR_JOURNAL_UNUSABLE', message: /EACCES/ })
})

t.test('only the newest segment is read, but for a look at nothing', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  const names = saved(journal, rig)
  const reads: string[] = []
  rig.disk.fault = (operation, name) => {
    if (operation === 'read') reads.push(name)
    return undefined
  }
  const recovered = await rig.recover({ ...stateWith(journal.checkpoints[2]!, {}), sequence: 6 })
  t.same(new Set(reads), new Set([names[2]]))
  t.same(
    recovered.segments.map(({ number, firstSequence, bytes }) => [number, firstSequence, bytes]),
    names.map((name, index) => [index + 1, [1, 2, 4][index], journal.files.get(name)!.length]),
  )
  t.match(recovered, { nextSegment: 4, nextSequence: 6, newest: journal.checkpoints[2], damage: [] })
  const { sources, sinks } = recovered.checkpoint
  t.same({ sources, sinks }, { sources: journal.tallies.sources, sinks: journal.tallies.sinks })
  t.match(recovered.checkpoint, { segment: 4, sequence: 6 })
  t.same(rig.told, [])
})

t.test('files of failed attempts go, foreign ones stay', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  saved(journal, rig)
  const [void2, odd, wrong] = [
    '0000000004.0000000000000006.frames',
    'notes.txt',
    '0000000002.0000000000000099.frames',
  ]
  journal.begin(5).save(DIRECTORY, (path, bytes) => rig.disk.put(path, bytes))
  for (const name of [void2, odd, wrong]) rig.disk.put(join(DIRECTORY, name), Buffer.from('?'))
  rig.disk.put(join(DIRECTORY, 'state'), Buffer.from('?'))
  const recovered = await rig.recover()
  t.same(
    recovered.segments.map(({ number }) => number),
    [1, 2, 3, 5],
  )
  t.equal(recovered.nextSegment, 6)
  const names = rig.disk.crash().names(DIRECTORY)
  t.notOk(names.includes(void2), 'durably')
  t.ok(names.includes(odd) && names.includes(wrong) && names.includes('state'))
  t.same(rig.told.toSorted(), [`foreign ${wrong}`, `foreign ${odd}`])
})

t.test('a file that cannot be unlinked is left for the next time', async (t) => {
  const rig = recoveryRig()
  saved(threeSegments(), rig)
  rig.disk.put(join(DIRECTORY, '0000000002.0000000000000004.frames'), Buffer.from('?'))
  rig.disk.fault = (operation) => (operation === 'unlink' ? 'EROFS' : undefined)
  const recovered = await rig.recover()
  t.equal(recovered.segments.length, 3)
  t.same(rig.told, ['failing 0000000002.0000000000000004.frames'])
})

t.test('an unfinished write is cut off', async (t) => {
  const rig = recoveryRig()
  const [, , name] = saved(threeSegments(), rig)
  const path = join(DIRECTORY, name!)
  const content = Buffer.from(rig.disk.content(path))
  rig.disk.put(path, Buffer.concat([content, content.subarray(0, 100)]))
  const recovered = await rig.recover()
  t.match(recovered, { nextSequence: 6, damage: [] })
  t.match(recovered.segments.at(-1), { bytes: content.length, tailBytes: 0 })
  t.same(rig.told, [`cut ${name}`])
  t.same(rig.disk.crash().content(path), content, 'durably')
})

t.test('a segment in which nothing is whole goes', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  const [, , name] = saved(journal, rig)
  rig.disk.put(join(DIRECTORY, name!), journal.content.subarray(0, 150))
  const before = await rig.recover()
  t.match(before, { nextSequence: 4, nextSegment: 4, damage: [] })
  t.equal(before.segments.length, 2)
  t.notOk(rig.disk.names(DIRECTORY).includes(name!))
  t.same(rig.disk.names(QUARANTINE), [])
})

t.test('garbage at the end is cut off once there is a copy, and a sequence is left out', async (t) => {
  const rig = recoveryRig()
  const [, , name] = saved(threeSegments(), rig)
  const path = join(DIRECTORY, name!)
  const content = Buffer.from(rig.disk.content(path))
  rig.disk.put(path, Buffer.concat([content, Buffer.alloc(400)]))
  rig.disk.fault = (operation, file) =>
    operation === 'writev' && file.endsWith('.partial') ? 'ENOSPC' : undefined
  const uncopied = await rig.recover()
  t.match(uncopied.segments.at(-1), { bytes: content.length, tailBytes: 400 })
  t.equal(rig.disk.content(path).length, content.length + 400, 'nothing is cut that was not copied')

  rig.disk.fault = () => undefined
  const recovered = await rig.recover()
  t.match(recovered, { nextSequence: 7, damage: [{ reason: 'header', offset: content.length, lost: {} }] })
  t.equal(rig.disk.content(path).length, content.length)
  t.equal(rig.disk.content(join(QUARANTINE, name!)).length, content.length + 400)
  const report = JSON.parse(rig.disk.content(join(QUARANTINE, `${name}.report.json`)).toString())
  t.match(report, { segment: name, damage: [{ segment: 3, reason: 'header' }] })
})

t.test('a file that cannot be cut is left as it is', async (t) => {
  const rig = recoveryRig()
  const [, , name] = saved(threeSegments(), rig)
  const path = join(DIRECTORY, name!)
  const content = Buffer.from(rig.disk.content(path))
  rig.disk.put(path, Buffer.concat([content, content.subarray(0, 100)]))
  rig.disk.fault = (operation) => (operation === 'truncate' ? 'EIO' : undefined)
  const recovered = await rig.recover()
  t.match(recovered.segments.at(-1), { bytes: content.length, tailBytes: 100 })
  t.same(rig.told, [`failing ${name}`])
})

t.test('damage in the middle: what is behind it is kept, what it hid is counted', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  const [, , name] = saved(journal, rig)
  const [, , , first, second] = journal.frames
  damage(rig, name!, first!.offset)
  journal.frame({ source: 1, records: events('g', 2) })
  const path = join(DIRECTORY, name!)
  const whole = Buffer.from(journal.content)
  whole.fill(0xee, first!.offset, first!.offset + 8)
  rig.disk.put(path, whole)
  const recovered = await rig.recover()
  t.same(recovered.damage, [
    {
      segment: 3,
      offset: first!.offset,
      end: second!.offset,
      reason: 'header',
      frames: { first: 4, count: 1 },
      lost: { net: 1 },
    },
  ])
  t.same(acceptedOf(recovered.checkpoint), { push: 10, net: 7 }, 'as if nothing had happened')
  t.same(recovered.checkpoint.sinks, journal.tallies.sinks)
  t.equal(rig.disk.content(path).length, whole.length)
  t.same(rig.told, [`damaged ${name}`, `quarantined ${name}`])
})

t.test('the checkpoint is damaged: the state has a copy, or the segment before adds up to it', async (t) => {
  for (const withState of [true, false]) {
    const rig = recoveryRig()
    const journal = threeSegments()
    const names = saved(journal, rig)
    damage(rig, names[2]!, 300)
    const recovered = await rig.recover(withState ? stateWith(journal.checkpoints[2]!) : null)
    t.same(acceptedOf(recovered.checkpoint), { push: 10, net: 5 })
    t.same(recovered.checkpoint.sinks, journal.tallies.sinks)
    t.match(recovered.newest, { segment: 3, sequence: 4, epoch: EPOCH })
    t.match(recovered.damage, [{ segment: 3, offset: 0, reason: 'body', frames: null, lost: {} }])
    t.equal(recovered.segments.length, 3)
  }
})

t.test('another run wrote it, and nothing tells whose the events are', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  journal.epoch = 'b'.repeat(16)
  journal
    .begin()
    .frame({ source: 0, records: events('h', 6) })
    .frame({ source: 1, records: events('i', 1) })
  const names = saved(journal, rig)
  damage(rig, names[3]!, 0)
  const recovered = await rig.recover()
  t.equal(recovered.newest, null)
  t.same(acceptedOf(recovered.checkpoint), { push: 10, net: 5, '(source 0)': 6, '(source 1)': 1 })
  t.same(recovered.damage.at(-1)!.lost, { '(source 0)': 6, '(source 1)': 1 })
  t.same(
    recovered.checkpoint.sinks.map(({ offered }) => offered),
    [
      [12, 3],
      [7, 3],
    ],
  )
  t.equal(recovered.nextSequence, 8)
})

t.test('the newest segment cannot be read, or not to its end', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  const names = saved(journal, rig)
  rig.disk.fault = (operation, name) => (operation === 'read' && name === names[2] ? 'EIO' : undefined)
  const recovered = await rig.recover(stateWith(journal.checkpoints[2]!))
  t.match(recovered.damage, [{ segment: 3, reason: 'unreadable', frames: null }])
  t.same(acceptedOf(recovered.checkpoint), { push: 5, net: 4 }, 'up to where it begins')
  t.equal(recovered.nextSegment, 4)
  t.equal(rig.disk.content(join(DIRECTORY, names[2]!)).length, journal.content.length, 'nothing is cut')

  rig.disk.fault = (operation, name) => (operation === 'open' && name === names[2] ? 'EIO' : undefined)
  const closed = await rig.recover(stateWith(journal.checkpoints[2]!))
  t.match(closed, { nextSequence: 5, damage: [{ segment: 3, reason: 'unreadable' }] })
  t.same(acceptedOf(closed.checkpoint), { push: 5, net: 4 })
  t.equal(closed.nextSegment, 4)
})

t.test('an older segment that cannot be opened is in doubt later', async (t) => {
  const rig = recoveryRig()
  const names = saved(threeSegments(), rig)
  rig.disk.fault = (operation, name) => (operation === 'open' && name === names[0] ? 'EIO' : undefined)
  const recovered = await rig.recover()
  t.match(recovered.segments[0], { number: 1, bytes: 0 })
  t.match(recovered, { nextSegment: 4, nextSequence: 6 })
  t.same(new Set(rig.told), new Set([`failing ${names[0]}`]))
})

t.test('the state knows of more than there is', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  const names = saved(journal, rig)
  const later = journal.checkpoint()
  rig.disk.put(join(DIRECTORY, names[2]!), journal.content.subarray(0, journal.frames[4]!.offset))
  const next = { segment: 3, offset: 4096, sequence: 6 }
  const lane = { next, oldest: next, unsettled: [] }
  const ahead = stateWith(journal.checkpoints[2]!, { siem: { lanes: [lane, lane], settled: [12, 3] } })
  const recovered = await rig.recover(ahead)
  t.equal(recovered.nextSequence, 6, 'no sequence that a cursor has passed')
  t.same(acceptedOf(recovered.checkpoint), { push: 10, net: 5 }, 'what was settled was accepted')
  t.match(recovered.damage, [{ segment: 3, reason: 'missing', lost: { push: 5 } }])
  t.same(
    recovered.checkpoint.sinks.map(({ offered }) => offered),
    [
      [12, 3],
      [7, 3],
    ],
    'the other sink will miss it',
  )

  const gone = await rig.recover(stateWith({ ...later, segment: 9, sequence: 70 }, { left: {} }))
  t.match(gone, { nextSegment: 10, nextSequence: 70, damage: [{ segment: 9, reason: 'missing' }] })
  t.same(acceptedOf(gone.checkpoint), { push: 10, net: 5 })
})

const place = ({ offset, sequence }: Placed) => ({ segment: 3, offset, sequence })

t.test('deferred frames of the newest segment that their sinks have not passed', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  journal
    .frame({ source: 0, records: events('a', 1), deferred: { sink: 0, sequence: 1, indexes: [2] } })
    .frame({ source: 0, records: events('b', 1), deferred: { sink: 1, sequence: 2, indexes: [0] } })
  const names = saved(journal, rig)
  const [, , , , , first, second] = journal.frames
  const recovered = await rig.recover()
  t.same(recovered.deferred, [
    { sink: 'siem', position: place(first!), originSequence: 1 },
    { sink: 'archive', position: place(second!), originSequence: 2 },
  ])
  t.same(acceptedOf(recovered.checkpoint), { push: 10, net: 5 }, 'they count nowhere')
  const next = { segment: 3, offset: 0, sequence: 7 }
  const lane = { next, oldest: next, unsettled: [] }
  const passed = await rig.recover(stateWith(journal.checkpoints[2]!, { siem: { lanes: [lane, lane] } }))
  t.same(
    passed.deferred.map(({ sink }) => sink),
    ['archive'],
  )
  t.equal(names.length, 3)
})

t.test('deferred frames behind a damaged checkpoint are found by another one of their run', async (t) => {
  const rig = recoveryRig()
  const journal = threeSegments()
  journal
    .begin()
    .frame({ source: 0, records: events('a', 1), deferred: { sink: 0, sequence: 1, indexes: [2] } })
    .begin()
    .frame({ source: 0, records: events('z', 1) })
  const [, , , fourth] = saved(journal, rig)
  const content = journal.files.get(fourth!)!.slice()
  content[8]! ^= 1
  rig.disk.put(join(DIRECTORY, fourth!), content)
  const recovered = await rig.recover({ ...stateWith(journal.checkpoints[2]!, {}), sequence: 6 })
  t.same(
    recovered.deferred.map(({ sink, position }) => [sink, position.sequence]),
    [['siem', 6]],
  )
})
