import { join } from 'node:path'
import t from 'tap'
import { MadeJournal, events } from './fixtures/made-journal.ts'
import { DIRECTORY, LogRig } from './fixtures/log-rig.ts'

const SINK = { name: 'siem', inputs: [0] }

/** Segments with two frames each, all for one sink. */
function journalOf(segments: number): MadeJournal {
  const journal = new MadeJournal(['push'], [SINK])
  for (let number = 1; number <= segments; number++) {
    journal.begin()
    for (const frame of ['a', 'b']) journal.frame({ source: 0, records: events(`${number}${frame}`, 3) })
  }
  return journal
}

t.test('a sink of which the state is lost gets everything once more', async (t) => {
  const rig = new LogRig(journalOf(3), ['push'], [SINK])
  await rig.log.open()
  await rig.run(1000)
  const [sink] = rig.sinks
  t.equal(sink!.taken.length, 18)
  t.equal(sink!.discarded, 0)
  t.same(sink!.reader.held(), [0, 0])
})

t.test('a disk that cannot read an old segment keeps nobody from starting', async (t) => {
  for (const operation of ['open', 'read'] as const) {
    for (const name of ['siem', 'fresh']) {
      const rig = new LogRig(journalOf(3), ['push'], [{ name, from: 'oldest' }])
      const oldest = rig.disk.names(DIRECTORY)[0]!
      rig.disk.fault = (what, file) => (what === operation && file === oldest ? 'EIO' : undefined)
      await t.resolves(rig.log.open(), `${name}: ${operation}`)
    }
  }
})

t.test('a new sink begins behind what the disk cannot read', async (t) => {
  const rig = new LogRig(journalOf(3), ['push'], [{ name: 'fresh', from: 'oldest' }])
  const [, second] = rig.disk.names(DIRECTORY)
  let bad = true
  rig.unreadable = (name, _from, to) => bad && name === second && to > 1000
  await rig.log.open(() => (bad = false))
  await rig.run(1000)
  const [sink] = rig.sinks
  t.same(
    sink!.taken.toSorted(),
    [...events('3a', 3), ...events('3b', 3)].map(({ event }) => event),
  )
  t.same([sink!.discarded, ...sink!.reader.held()], [0, 0, 0])
})

t.test('a page that the disk cannot read is damage, once it was tried for long', async (t) => {
  const journal = new MadeJournal(['push'], [SINK]).begin()
  for (let frame = 0; frame < 40; frame++) journal.frame({ source: 0, records: events(`${frame}`, 10) })
  const rig = new LogRig(journal.begin().frame({ source: 0, records: events('last', 3) }), ['push'], [SINK])
  const [bad] = journal.files.keys()
  rig.unreadable = (name, from, to) => name === bad && from < 8192 && to > 4096
  await rig.log.open()
  const [sink] = rig.sinks
  await rig.run(30_000)
  t.equal(sink!.taken.length, 0, 'it is tried again for some time')
  t.ok(rig.told.some((told) => told.startsWith('journalReadFailing')))
  await rig.run(120_000)
  t.ok(
    sink!.taken.includes('{"e":"0-0"}') && sink!.taken.includes('{"e":"39-9"}'),
    'what stands around it comes',
  )
  t.ok(sink!.discarded > 30 && sink!.discarded < 150, 'and it alone is lost')
  t.equal(sink!.taken.length + sink!.discarded, 403)
  t.same(sink!.reader.held(), [0, 0])
})

t.test('a disk that reads nothing is waited for', async (t) => {
  const rig = new LogRig(journalOf(3), ['push'], [SINK])
  let gone = false
  rig.unreadable = (name) => gone && name.endsWith('.frames')
  await rig.log.open(() => (gone = true))
  await rig.run(300_000)
  const [sink] = rig.sinks
  t.equal(sink!.taken.length + sink!.discarded, 0)
  gone = false
  await rig.run(5000)
  t.equal(sink!.taken.length, 18)
})

t.test('a damaged checkpoint costs no frames where the run has another one', async (t) => {
  const journal = journalOf(3)
  const names = [...journal.files.keys()]
  for (const [name, at] of [
    [names[1]!, 8],
    [names[1]!, 300],
    [names[0]!, 8],
  ] as const) {
    const rig = new LogRig(journal, ['push'], [SINK])
    const content = journal.files.get(name)!.slice()
    content[at]! ^= 1
    rig.disk.put(join(DIRECTORY, name), content)
    await rig.log.open()
    await rig.run(1000)
    t.equal(rig.sinks[0]!.taken.length, 18, `bit at ${at}`)
    t.equal(rig.sinks[0]!.discarded, 0)
  }
})

t.test('a restart with nothing in between tells of no damage', async (t) => {
  const rig = new LogRig(journalOf(1), ['push'], [SINK])
  await rig.log.open()
  t.same(
    rig.told.filter((told) => told.includes('Damaged')),
    [],
  )
})

t.test(
  'without a state, what was deferred comes from where it first stood, and if that is gone from there',
  async (t) => {
    const journal = journalOf(2).begin()
    journal.frame({
      source: 0,
      records: events('1b', 1),
      deferred: { sink: 0, sequence: 2, indexes: [0] },
    })
    journal.begin().frame({ source: 0, records: events('4a', 1) })
    const whole = new LogRig(journal, ['push'], [SINK])
    await whole.log.open()
    await whole.run(1000)
    t.equal(whole.sinks[0]!.taken.length, 13)
    t.same(whole.sinks[0]!.reader.held(), [0, 0])
    journal.files.delete([...journal.files.keys()][0]!)
    const rest = new LogRig(journal, ['push'], [SINK])
    await rest.log.open()
    await rest.run(1000)
    t.ok(rest.sinks[0]!.taken.includes('{"e":"1b-0"}'))
  },
)

t.test('a new sink is offered what stands behind a damaged checkpoint', async (t) => {
  const journal = journalOf(2)
  const name = journal.name
  const content = journal.content.slice()
  content[300]! ^= 1
  const rig = new LogRig(journal, ['push'], [{ name: 'fresh', from: 'oldest' }])
  rig.disk.put(join(DIRECTORY, name), content)
  await rig.log.open()
  await rig.run(1000)
  t.equal(rig.sinks[0]!.taken.length, 12)
  t.same([rig.sinks[0]!.discarded, ...rig.sinks[0]!.reader.held()], [0, 0, 0])
})

t.test('when the oldest event was received that a sink has not taken', async (t) => {
  const journal = journalOf(3)
  const received = journal.frames.map(({ sequence }) => 1.8e12 + sequence)
  const rig = new LogRig(journal, ['push'], [SINK])
  await rig.log.open()
  const { reader } = rig.sinks[0]!
  await rig.clock.pass(100)
  for (const receivedAtMs of received) {
    t.same(reader.oldestReceivedAtMs!(), [receivedAtMs, Infinity])
    const taken = reader.takeBulk()!
    t.equal(taken.frame.receivedAtMs, receivedAtMs)
    reader.settle(taken, taken.events)
    // oxlint-disable-next-line no-await-in-loop -- the next one is read
    await rig.clock.pass(100)
  }
  t.same(reader.oldestReceivedAtMs!(), [Infinity, Infinity])
})
