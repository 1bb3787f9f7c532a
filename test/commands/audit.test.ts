import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { auditCommand } from '../../src/commands/audit.ts'
import type { Audited } from '../../src/commands/audit/ledger-audit.ts'
import type { SinkState } from '../../src/journal/state.ts'
import { MadeJournal, events } from '../journal/fixtures/made-journal.ts'
import { startCollector, temporaryDirectory } from '../helpers/collector.ts'
import { JournalOnDisk, run, sinkOf, stateOf } from './fixtures/journal-on-disk.ts'

const audit = ({ config }: { config: string }) => run((output) => auditCommand({ config }, output))

/** What is said of files that nobody writes is said at once. */
const ATTEMPTS = 1

async function auditJson({
  config,
}: {
  config: string
}): Promise<Audited & { balanced: boolean; code: number }> {
  const { code, out } = await run((output) => auditCommand({ config, json: true }, output, ATTEMPTS))
  return { ...JSON.parse(out), code }
}

/** What doesn't hold, in short. */
async function problemsOf(disk: JournalOnDisk): Promise<string[]> {
  const { code, problems } = await auditJson(disk)
  t.equal(code, problems.length > 0 ? 1 : 0)
  return problems.map(({ where, what }) => `${where}: ${what}`)
}

function journal(): MadeJournal {
  return new MadeJournal(
    ['push', 'net'],
    [
      { name: 'siem', inputs: [0, 1] },
      { name: 'alerts', inputs: [0], filter: 2 },
    ],
  )
    .begin()
    .frame({ source: 0, records: [...events('a', 2, { routes: 4 }), ...events('b', 1, { fast: true })] })
    .frame({ source: 1, records: events('c', 2), rejected: 3 })
    .begin()
    .frame({ source: 0, records: events('d', 3, { routes: 4 }), shed: 2 })
    .frame({ source: 0, records: events('a', 1), deferred: { sink: 0, sequence: 1, indexes: [1] } })
    .begin()
    .frame({ source: 1, records: events('e', 1) })
}

/** `siem` has settled all but one event of the first frame that is deferred, and what follows; `alerts` nothing. */
const SINKS = {
  siem: [2, 1],
  alerts: [0, 0],
} as const

interface Made {
  readonly siem?: Partial<SinkState>
  readonly alerts?: Partial<SinkState>
  readonly more?: Record<string, SinkState>
  readonly letters?: number
  readonly change?: (made: MadeJournal) => void
}

async function onDisk({ siem, alerts, more, letters = 3, change }: Made = {}): Promise<JournalOnDisk> {
  const made = journal()
  change?.(made)
  const sinks = {
    // Behind the second frame, with the deferred one of event a-1 before it.
    siem: sinkOf(made.frames[1]!, [3, 1], { ...siem }),
    alerts: sinkOf(null, SINKS.alerts, { inputs: ['push'], ...alerts }),
    ...more,
  }
  const disk = new JournalOnDisk(t, made)
  await disk.state(stateOf(made.checkpoints.at(-1)!, made.sequence, sinks))
  return disk.letters('push', letters)
}

t.test('a ledger that balances', async (t) => {
  const disk = await onDisk()
  const { code, out } = await audit(disk)
  t.equal(code, 0, out)
  t.match(out, /^push +8 +6 +0 +2 +0$/m)
  t.match(out, /^net +6 +3 +3 +0 +0$/m)
  t.match(out, /^siem +9 +9 +0 +4 +5 +0 +0$/m)
  t.match(out, /^alerts +6 +5 +1 +0 +5 +0 +0$/m)
  t.match(out, /^the ledger balances$/m)
  const json = await auditJson(disk)
  t.match(json, {
    balanced: true,
    problems: [],
    notes: [],
    damage: [],
    sources: [{ name: 'push', received: 8 }, {}],
  })
})

t.test('counts of a sink that do not fit', async (t) => {
  t.same(await problemsOf(await onDisk({ siem: { settled: [4, 1] } })), [
    'sink siem: settled = delivered + dead-lettered + discarded: 5 is not 4',
  ])
  t.same(await problemsOf(await onDisk({ siem: { settled: [2, 0], delivered: [2, 0] } })), [
    'sink siem: 9 offered and 2 settled, but 5 are found in the log',
  ])
  t.same(await problemsOf(await onDisk({ siem: { before: 2 } })), [
    'sink siem: accepted = offered + filtered: 7 is not 9',
  ])
  const counted = { delivered: [1, 1], deadLettered: { refused: 1 }, discarded: { corrupt: 1 } } as const
  t.same(await problemsOf(await onDisk({ siem: counted, letters: 4 })), [], 'other ways to be settled')
})

t.test('an interval that was made coarser is no fault', async (t) => {
  const unsettled = [{ from: [1, 0], to: [2, 0] }] as const
  const { code, notes } = await auditJson(await onDisk({ siem: { lanes: lanesOf(unsettled) } }))
  t.equal(code, 0)
  t.match(notes, [
    { where: 'sink siem', what: '3 events that are settled would be sent again after a crash' },
  ])
})

function lanesOf(unsettled: SinkState['lanes'][0]['unsettled']): SinkState['lanes'] {
  const [lane] = sinkOf(journal().frames[1]!, [0, 0], { unsettled }).lanes
  const withThem = { ...lane, unsettled }
  return [withThem, withThem]
}

/** Counts that no frame told of, and a segment behind them. */
function tampered(made: MadeJournal): void {
  made.tallies.sources[0]!.accepted += 2
  made.tallies.sources[1]!.rejected[0]! -= 1
  made.tallies.sources[1]!.shed[3]! += 1
  made.tallies.sinks[0]!.offered[0] += 2
  made.tallies.sinks[1]!.filtered += 2
  made.begin().frame({ source: 0, records: events('f', 1, { routes: 4 }) })
}

t.test('checkpoints that do not follow from the frames before them', async (t) => {
  t.same(await problemsOf(await onDisk({ change: tampered, letters: 2 })), [
    'source push: accepted: the frames add up to 6, segment 4 says 8',
    'source net: rejected: the frames add up to 3, segment 4 says 2',
    'source net: shed: the frames add up to 0, segment 4 says 1',
    'sink siem: offered (bulk): the frames add up to 8, segment 4 says 10',
    'sink alerts: filtered: the frames add up to 1, segment 4 says 3',
    'sink siem: 12 offered and 4 settled, but 6 are found in the log',
  ])
})

t.test('damage is named; what it took is known, and the ledger holds', async (t) => {
  const disk = await onDisk()
  const made = journal()
  const [name] = [...made.files.keys()].slice(1)
  const content = Buffer.from(made.files.get(name!)!)
  content[made.frames[2]!.offset + 4]! ^= 1
  writeFileSync(join(disk.directory, name!), content)
  const { code, out } = await audit(disk)
  t.equal(code, 0, out)
  t.match(
    out,
    /^segment 2 is damaged: bytes \d+ to \d+: no valid header; frames 3 to 3; events lost: not known$/m,
  )
  t.match(out, /^push +8 +6 +0 +2 +3$/m, 'the next checkpoint tells how many')
  t.match(out, /^sink siem: 3 of what it holds are damaged and will be discarded$/m)
  t.match(out, /^sink alerts: 3 of what it holds are damaged/m)
  t.match(out, /^the ledger balances$/m)
})

t.test('dead letters: more of them are no failure, fewer are', async (t) => {
  const { code, notes } = await auditJson(await onDisk({ letters: 5 }))
  t.equal(code, 0)
  t.match(notes, [{ where: 'dead letters', what: /^5 on disk, 3 counted: / }])
  t.same(await problemsOf(await onDisk({ letters: 2 })), ['dead letters: 2 on disk, 3 counted'])
})

t.test('a sink that has left is told of, and what it holds is looked for', async (t) => {
  const left = { old: sinkOf(null, [0, 0]) }
  const disk = await onDisk({ more: left })
  const { code, sinks } = await auditJson(disk)
  t.equal(code, 0)
  t.match(
    sinks.find(({ name }) => name === 'old'),
    { attached: false, held: 0 },
  )
})

t.test('without a state nothing tells what sinks have settled', async (t) => {
  t.same(await problemsOf(new JournalOnDisk(t, journal()).letters('net', 3)), [
    'journal: its state cannot be read: nothing tells what sinks settled',
  ])
  const { code, problems } = await auditJson(new JournalOnDisk(t, null))
  t.match({ code, problems }, { code: 0, problems: [] }, 'there was nothing yet')
})

t.test('the newest segments are gone', async (t) => {
  const made = journal()
  const disk = new JournalOnDisk(t, made).letters('net', 3)
  const checkpoint = { ...made.checkpoint(), segment: 9, sequence: 30 }
  await disk.state(stateOf(checkpoint, 30, { siem: sinkOf(made.frames[4]!, [8, 1]) }))
  t.same(await problemsOf(disk), [], 'a run that has not written yet')
  const [push, net] = checkpoint.sources
  const more = { ...checkpoint, sources: [{ ...push!, accepted: 60 }, net!] }
  await disk.state(stateOf(more, 30, { siem: sinkOf(made.frames[4]!, [8, 1]) }))
  t.match(await problemsOf(disk), [
    'source push: accepted: the frames add up to 6, the state says 60',
    'sink siem: accepted = offered + filtered: 63 is not 9',
  ])
})

t.test('in memory mode there is nothing to audit', async (t) => {
  const disk = new JournalOnDisk(
    t,
    null,
    'journal: { mode: memory }\nsources: { in: { type: tcp, listen: 127.0.0.1:0 } }\nsinks: { out: { type: stdout } }\n',
  )
  t.match(await audit(disk), { code: 0, out: /there is no journal/ })
})

t.test('beside a collector that is busy, and after it', async (t) => {
  const directory = temporaryDirectory(t)
  const text = `
data_dir: ./data
journal: { mode: disk }
sources: { push: { type: http, listen: 127.0.0.1:0, schema: any } }
sinks: { archive: { type: file, path: ./archive, batch: { max_age: 10ms } }, dead: { type: http, url: 'http://127.0.0.1:9/' } }
`
  const collector = await startCollector(t, text, { directory, unfinished: true })
  const config = join(directory, 'c.yaml')
  writeFileSync(config, text.replaceAll('listen: 127.0.0.1:0', 'listen: 127.0.0.1:1'))
  const post = async () => {
    const answer = await request(`http://${collector.address('push')}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `{"a":1}\n{"a":2}\nno json\n{"a":3}\n`,
    })
    t.equal(answer.statusCode, 200)
    await answer.body.dump()
  }
  for (let round = 0; round < 3; round++) {
    const [{ code, out }] = await Promise.all([audit({ config }), post(), post(), post()])
    t.equal(code, 0, out)
  }
  await collector.stop()
  const { code, out } = await audit({ config })
  t.equal(code, 0, out)
  t.match(out, /^push +36 +27 +9 +0 +0$/m)
  t.match(out, /^dead +27 +27 +0 +0 +27 +0 +0$/m)
})
