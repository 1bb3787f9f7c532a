import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ControlServer } from '../../src/app/control/server.ts'
import { DETACH_METHOD, detachHandler } from '../../src/app/control/journal-detach.ts'
import { lockDataDir } from '../../src/app/data-lock.ts'
import { nodeFileIo } from '../../src/base/file-io.ts'
import { journalDetachCommand } from '../../src/commands/journal-detach.ts'
import { readState, StateFile } from '../../src/journal/state-file.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { events, MadeJournal } from '../journal/fixtures/made-journal.ts'
import { laneOf, stateOf } from '../journal/fixtures/states.ts'

const noEvents = { stateSlotBad() {}, stateLost() {} }

/** A configuration with the sink `siem`, and the journal that it had with `old` besides, which has settled 5 of 12 events. */
async function scene(test: Test) {
  const directory = temporaryDirectory(test)
  const file = join(directory, 'spillway.yaml')
  writeFileSync(
    file,
    `data_dir: ./data
admin: { listen: none }
sources: { push: { type: http, listen: 127.0.0.1:0 } }
sinks: { siem: { type: blackhole } }
`,
  )
  const journal = join(directory, 'data', 'journal')
  mkdirSync(journal, { recursive: true })
  const made = new MadeJournal(
    ['push'],
    [
      { name: 'siem', inputs: [0] },
      { name: 'old', inputs: [0] },
    ],
  )
  made.begin(3)
  made.frame({ source: 0, records: events('a', 10) })
  made.frame({ source: 0, records: events('b', 2, { fast: true }) })
  made.save(journal, (path, bytes) => writeFileSync(path, bytes))
  const { siem } = stateOf(1).sinks
  const old = {
    ...siem!,
    settled: [5, 0] as const,
    delivered: [5, 0] as const,
    lanes: [laneOf([]), laneOf([])] as const,
  }
  const state = await StateFile.open(join(journal, 'state'), nodeFileIo, noEvents)
  await state.write({ ...stateOf(1), checkpoint: made.checkpoints[0]!, sinks: { siem: siem!, old } })
  await state.close()
  return { directory, file, dataDir: join(directory, 'data'), journal }
}

async function run(sink: string, file: string, json = false) {
  let out = ''
  let err = ''
  const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  const exitCode = await journalDetachCommand(sink, { config: file, json }, output)
  return { exitCode, out, err }
}

t.test('without a collector: what the sink held is counted as discarded, in the state', async (t) => {
  const { file, journal } = await scene(t)
  t.same(await run('old', file), {
    exitCode: 0,
    out: 'old: detached; 7 events that it held are discarded\n',
    err: '',
  })
  const { state } = await readState(join(journal, 'state'))
  const end = { segment: 4, offset: 0, sequence: 17 }
  const lane = { next: end, oldest: end, unsettled: [] }
  t.match(state!.sinks.old, {
    settled: [10, 2],
    delivered: [5, 0],
    discarded: { detached: 7 },
    lanes: [lane, lane],
  })
  t.same(state!.sinks.siem, stateOf(1).sinks.siem, 'the others stand as they stood')
  t.same(await run('old', file, true), { exitCode: 0, out: '{"sink":"old","discarded":0}\n', err: '' })
  t.equal(readFileSync(join(journal, '..', 'lock'), 'utf8'), '', 'the lock is free')
})

t.test('a sink of the configuration, and one that never was', async (t) => {
  const { file } = await scene(t)
  const configured = await run('siem', file)
  t.match(configured, { exitCode: 2, out: '', err: /^the sink siem is in the configuration/ })
  t.match(await run('sime', file), { exitCode: 2, err: /^no sink sime has left .* those that have: old\n$/ })
  t.match(await run('constructor', file), { exitCode: 2, err: /those that have: old/ })
  const { out } = await run('sime', file, true)
  t.match(JSON.parse(out), { code: 'SPW_ERR_SINK_UNKNOWN', message: /old/ })
  t.match(await run('old', `${file}.not`), { exitCode: 2, err: /cannot read the configuration/ })
})

t.test('where there is no journal, none is made', async (t) => {
  const { file, directory, dataDir } = await scene(t)
  const elsewhere = join(directory, 'elsewhere')
  writeFileSync(file, readFileSync(file, 'utf8').replace('./data', './elsewhere'))
  t.match(await run('old', file), { exitCode: 1, err: /cannot use the data directory/ })
  mkdirSync(elsewhere)
  t.match(await run('old', file), { exitCode: 2, err: /those that have: none/ })
  t.same(readdirSync(elsewhere), ['lock'])
  t.ok(readdirSync(dataDir).length > 0)
})

t.test('through a collector that runs', async (t) => {
  const { file, dataDir, journal } = await scene(t)
  const before = readFileSync(join(journal, 'state'))
  const lock = await lockDataDir(dataDir)
  t.teardown(() => lock.release())
  t.match(
    await run('old', file),
    { exitCode: 1, err: /is in use by process/ },
    'one that does not listen yet',
  )
  const asked: string[] = []
  const running = {
    leftSinks: ['old'],
    async detach(sink: string) {
      asked.push(sink)
      return { discarded: 1234, durable: true }
    },
  }
  const handlers = {
    [DETACH_METHOD]: detachHandler({ sinks: [{ name: 'siem' }, { name: 'sime' }] }, running),
  }
  const server = new ControlServer({ path: join(dataDir, 'control.sock'), handlers })
  t.teardown(() => server.stop())
  await server.start()
  t.match(await run('old', file), {
    exitCode: 0,
    out: 'old: detached; 1,234 events that it held are discarded\n',
  })
  t.same(asked, ['old'])
  t.match(
    await run('sime', file),
    { exitCode: 2, err: /^the sink sime is in the configuration/ },
    'by what it runs with',
  )
  t.ok(readFileSync(join(journal, 'state')).equals(before), 'nothing is written beside it')
})

t.test('a state that cannot be read is left alone', async (t) => {
  const { file, journal } = await scene(t)
  const path = join(journal, 'state')
  const damaged = readFileSync(path).fill(1, 0, 24)
  writeFileSync(path, damaged)
  t.match(await run('old', file), {
    exitCode: 1,
    err: /^the state of the journal .* not written whole, or damaged/,
  })
  t.ok(readFileSync(path).equals(damaged))
})
