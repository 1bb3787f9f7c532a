import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { journalCatCommand } from '../../src/commands/journal/cat.ts'
import type { CatOptions } from '../../src/commands/journal/cat.ts'
import { journalLsCommand } from '../../src/commands/journal/ls.ts'
import type { JournalOptions } from '../../src/commands/journal/open-journal.ts'
import { journalVerifyCommand } from '../../src/commands/journal/verify.ts'
import { EPOCH, MadeJournal, events } from '../journal/fixtures/made-journal.ts'
import { JournalOnDisk, run, sinkOf, stateOf } from './fixtures/journal-on-disk.ts'
import type { Ran } from './fixtures/journal-on-disk.ts'

const ls = (options: JournalOptions) => run((output) => journalLsCommand(options, output))
const verify = (options: JournalOptions) => run((output) => journalVerifyCommand(options, output))

async function cat(options: CatOptions): Promise<Ran & { lines: string[] }> {
  let text = ''
  const ran = await run((output) =>
    journalCatCommand(options, output, async (bytes) => {
      text += Buffer.from(bytes).toString()
      return true
    }),
  )
  return { ...ran, lines: text.split('\n').filter((line) => line !== '') }
}

const event = (label: string, index: number) => `{"e":"${label}-${index}"}`

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
    .frame({ source: 0, records: events('d', 3, { routes: 4 }) })
    .frame({ source: 0, records: events('a', 1), deferred: { sink: 0, sequence: 1, indexes: [1] } })
}

t.test('ls', async (t) => {
  const made = journal()
  const disk = await new JournalOnDisk(t, made).state(
    stateOf(made.checkpoints[1]!, 5, {
      siem: sinkOf(made.frames[0]!, [2, 0], { unsettled: [{ from: [1, 2], to: [2, 0] }] }),
      left: sinkOf(made.frames[3]!, [7, 0]),
    }),
  )
  const { code, out } = await ls({ config: disk.config, json: true })
  t.equal(code, 0)
  const [first, second] = [...made.files.values()].map(({ length }) => length)
  t.match(JSON.parse(out), {
    segments: [
      { number: 1, firstSequence: 1, lastSequence: 2, bytes: first, frames: 2, events: { push: 3, net: 2 } },
      { number: 2, firstSequence: 3, lastSequence: 4, bytes: second, frames: 1, events: { push: 3 } },
    ],
    sinks: [
      {
        name: 'siem',
        attached: true,
        segment: 1,
        sequence: 2,
        lagEvents: 6,
        lagBytes: first! - made.frames[0]!.end + second!,
      },
      { name: 'left', attached: false, sequence: 5, lagEvents: 0, lagBytes: 0 },
    ],
  })
  const text = await ls({ config: disk.config })
  t.match(text.out, /^ {6}1 {2}1-2 .*push 3, net 2$/m)
  t.match(text.out, /^left +no: has left the configuration +2:5 +0 +0$/m)
})

t.test('verify names what is damaged, and changes nothing', async (t) => {
  const made = journal()
  const disk = new JournalOnDisk(t, made)
  const whole = await verify({ config: disk.config })
  t.equal(whole.code, 0)
  t.match(whole.out, /^0000000001\.0000000000000001\.frames: ok, 3 frames, 5 events, [\d,]+ bytes\n/)

  const [name, newest] = [...made.files.keys()]
  const path = join(disk.directory, name!)
  const content = Buffer.from(made.files.get(name!)!)
  content[made.frames[0]!.offset + 320]! ^= 1
  writeFileSync(path, content)
  writeFileSync(join(disk.directory, newest!), made.content.subarray(0, made.content.length - 5))
  const { code, out } = await verify({ config: disk.config })
  t.equal(code, 1)
  const { offset, end } = made.frames[0]!
  t.match(out, `  bytes ${offset} to ${end}: the checksum does not fit; frames 1 to 1; events lost: push 3\n`)
  t.match(out, /frames: ok, 2 frames, 3 events, [\d,]+ bytes, of these \d+ of an unfinished write\n/)
  t.same(readFileSync(path), content)

  const json = await verify({ config: disk.config, json: true })
  t.match(JSON.parse(json.out), {
    damaged: true,
    segments: [{ damage: [{ reason: 'body', lost: { push: 3 } }] }, {}],
  })
})

t.test('verify: garbage at the end, a hole between segments, a file of nothing', async (t) => {
  const made = journal()
  const disk = new JournalOnDisk(t, made)
  const [first, second] = [...made.files.keys()].map((name) => join(disk.directory, name))
  writeFileSync(second!, Buffer.concat([made.content, Buffer.alloc(640, 7)]))
  writeFileSync(first!, made.files.get([...made.files.keys()][0]!)!.subarray(0, made.frames[1]!.offset))
  const { code, out } = await verify({ config: disk.config })
  t.equal(code, 1)
  t.match(out, /: frames are missing; frames 2 to 2; events lost: not known\n/)
  t.match(out, /bytes \d+ to \d+: no valid header; events lost: not known\n/)
  const content = made.files.get([...made.files.keys()][0]!)!
  writeFileSync(first!, content.subarray(0, made.frames[1]!.offset + 300))
  const cut = await verify({ config: disk.config })
  t.match(cut.out, /: ends within a frame; frames 2 to 2; events lost: net 2\n/, 'its header tells')
  writeFileSync(first!, '')
  t.equal((await verify({ config: disk.config })).code, 1)
})

t.test('cat: everything, from somewhere, so much, of one source', async (t) => {
  const disk = new JournalOnDisk(t, journal())
  const { config } = disk
  const all = await cat({ config })
  t.equal(all.code, 0)
  t.same(all.lines, [
    event('a', 0),
    event('a', 1),
    event('b', 0),
    event('c', 0),
    event('c', 1),
    event('d', 0),
    event('d', 1),
    event('d', 2),
  ])
  t.same((await cat({ config, from: '2', count: '3' })).lines, [event('c', 0), event('c', 1), event('d', 0)])
  t.same((await cat({ config, from: '3', count: '1' })).lines, [event('d', 0)])
  t.same((await cat({ config, source: 'net' })).lines, [event('c', 0), event('c', 1)])
  t.same((await cat({ config, count: '0' })).lines, [])
  t.same((await cat({ config, from: '3', ids: true })).lines, [
    `{"id":"${EPOCH}-3-0","event":${event('d', 0)}}`,
    `{"id":"${EPOCH}-3-1","event":${event('d', 1)}}`,
    `{"id":"${EPOCH}-3-2","event":${event('d', 2)}}`,
  ])
})

t.test('cat --sink: what it still has to settle, each event once', async (t) => {
  const made = journal()
  const disk = new JournalOnDisk(t, made)
  const { config } = disk
  const sinks = {
    siem: sinkOf(made.frames[1]!, [3, 0], { unsettled: [{ from: [1, 2], to: [2, 0] }] }),
    alerts: sinkOf(null, [0, 0], { inputs: ['push'] }),
  }
  await disk.state(stateOf(made.checkpoints[1]!, 5, sinks))
  const siem = await cat({ config, sink: 'siem', ids: true })
  t.same(
    siem.lines,
    [
      `{"id":"${EPOCH}-1-2","event":${event('b', 0)}}`,
      `{"id":"${EPOCH}-3-0","event":${event('d', 0)}}`,
      `{"id":"${EPOCH}-3-1","event":${event('d', 1)}}`,
      `{"id":"${EPOCH}-3-2","event":${event('d', 2)}}`,
      `{"id":"${EPOCH}-1-1","event":${event('a', 0)}}`,
    ],
    'a deferred event has the id that it came with',
  )
  t.same((await cat({ config, sink: 'alerts' })).lines, [
    event('a', 0),
    event('a', 1),
    event('d', 0),
    event('d', 1),
    event('d', 2),
  ])

  await disk.state(stateOf(made.checkpoints[1]!, 4, sinks))
  t.equal((await cat({ config, sink: 'siem' })).lines.length, 4, 'deferred behind the state: not yet')
  await disk.state(stateOf(made.checkpoints[1]!, 5, { ...sinks, siem: { ...sinks.siem, voided: [4] } }))
  t.equal((await cat({ config, sink: 'siem' })).lines.length, 4, 'or never')
})

t.test('cat stops when nobody reads any more', async (t) => {
  const disk = new JournalOnDisk(t, journal())
  let calls = 0
  const { code } = await run((output) =>
    journalCatCommand({ config: disk.config }, output, async () => {
      calls++
      return false
    }),
  )
  t.equal(code, 0)
  t.equal(calls, 1)
})

t.test('no journal yet, none at all, and what is wrong with options', async (t) => {
  const disk = new JournalOnDisk(t, null)
  const { config } = disk
  for (const command of [ls, verify]) t.match(await command({ config }), { code: 0, out: /no journal yet/ })
  t.match(await cat({ config }), { code: 0, lines: [] })
  t.match(await cat({ config, sink: 'siem' }), {
    code: 2,
    err: /--sink: the journal knows no sink siem; those that it knows: none/,
  })
  t.match(await cat({ config, from: 'x' }), { code: 2, err: /--from: x is no whole number/ })
  t.match(await cat({ config, count: '1.5' }), { code: 2 })
  t.match(await ls({ config: join(disk.dataDir, 'none.yaml') }), { code: 2, err: /cannot read/ })
  const json = await ls({ config: join(disk.dataDir, 'none.yaml'), json: true })
  t.match(JSON.parse(json.out), { code: 'SPW_ERR_CONFIG_UNREADABLE' })

  const memory = new JournalOnDisk(
    t,
    null,
    'journal: { mode: memory }\nsources: { in: { type: tcp, listen: 127.0.0.1:0 } }\nsinks: { out: { type: stdout } }\n',
  )
  t.match(await ls({ config: memory.config }), {
    code: 0,
    out: /there is no journal: journal.mode is memory/,
  })
  t.match(JSON.parse((await verify({ config: memory.config, json: true })).out), { mode: 'memory' })
})

t.test('a directory that cannot be used', async (t) => {
  const disk = new JournalOnDisk(t, journal())
  writeFileSync(join(disk.dataDir, 'other'), '')
  const config = join(disk.dataDir, 'c.yaml')
  writeFileSync(
    config,
    'data_dir: ./other\nsources: { in: { type: tcp, listen: 127.0.0.1:0 } }\nsinks: { out: { type: stdout } }\n',
  )
  t.match(await ls({ config }), { code: 1, err: /cannot be used: / })
})
