/** `spillway dlq ls`, `show`, `export` and `purge`, over letters as collectors leave them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import { ControlServer } from '../../../src/app/control/server.ts'
import { PURGE_METHOD, purgeHandler } from '../../../src/app/control/purge-letters.ts'
import { lockDataDir } from '../../../src/app/data-lock.ts'
import { auditCommand } from '../../../src/commands/audit.ts'
import { dlqExportCommand } from '../../../src/commands/dlq/export.ts'
import { dlqLsCommand } from '../../../src/commands/dlq/ls.ts'
import { dlqPurgeCommand } from '../../../src/commands/dlq/purge.ts'
import { dlqShowCommand } from '../../../src/commands/dlq/show.ts'
import { readState } from '../../../src/journal/state-file.ts'
import { letterLine } from '../../dlq/fixtures/harness.ts'
import { MadeJournal } from '../../journal/fixtures/made-journal.ts'
import { JournalOnDisk, run, sinkOf, stateOf } from '../fixtures/journal-on-disk.ts'

const event = (severity: unknown) =>
  JSON.stringify({ timestamp: '2026-11-03T09:15:00Z', severity, tags: ['a', { b: 1 }] })

const PUSH = [
  letterLine({ record: event(99), schema_version: '0123456789ab' }),
  letterLine({ record: event('high'), received_at: '2026-11-03T10:00:00.000Z' }),
  letterLine({
    record: 'no\njson \u001b[31m',
    category: 'malformed_json',
    path: '',
    expected: 'must be one JSON value',
  }),
  'damaged\n',
  letterLine({ record: '{"a":', category: 'oversize_record', path: '', truncated: true, length: 1_000_000 }),
  letterLine({ record: '{\n"a": 1\r\n}', path: '/timestamp', expected: 'must be present' }),
]

const NET = [
  letterLine({
    source: 'net',
    record_base64: 'Yf8AYg==',
    category: 'invalid_utf8',
    path: '',
    expected: 'must be UTF-8',
  }),
  letterLine({
    source: 'net',
    record: event(5),
    category: 'refused',
    path: '',
    expected: '',
    sink: 'siem',
    attempts: 3,
    status: 400,
    reason: 'mapping of [severity] failed for 17',
    history: [
      { at: '2026-11-03T09:16:00.000Z', status: 503, category: 'server_error', reason: 'busy', count: 4 },
    ],
  }),
]

/** Eight letters, one of them damaged, and a journal whose ledger has counted them. */
async function scene(test: Test): Promise<JournalOnDisk> {
  const made = new MadeJournal(['push', 'net'], [{ name: 'siem', inputs: [0, 1] }])
    .begin()
    .frame({ source: 0, records: [], rejected: PUSH.length })
    .frame({ source: 1, records: [], rejected: NET.length })
    .begin()
  const disk = new JournalOnDisk(test, made)
  const siem = sinkOf(made.frames[1]!, [0, 0])
  await disk.state(stateOf(made.checkpoints.at(-1)!, made.sequence, { siem }))
  const directory = join(disk.dataDir, 'dlq')
  mkdirSync(directory)
  writeFileSync(join(directory, 'push.00000001.ndjson'), PUSH.join(''))
  writeFileSync(join(directory, 'net.00000002.ndjson'), NET.join(''))
  return disk
}

const ls = (config: string, options = {}) => run((output) => dlqLsCommand({ config, ...options }, output))
const show = (config: string, ids: string[], options = {}) =>
  run((output) => dlqShowCommand(ids, { config, ...options }, output))
const purge = (config: string, ids: string[], options = {}) =>
  run((output) => dlqPurgeCommand(ids, { config, ...options }, output))

async function exported(config: string, ids: string[], options = {}, stream?: Writable) {
  const chunks: Buffer[] = []
  const target =
    stream ??
    new Writable({
      write(chunk, _, done) {
        chunks.push(chunk)
        done()
      },
    })
  const ran = await run((output) => dlqExportCommand(ids, { config, ...options }, output, target))
  return { ...ran, text: Buffer.concat(chunks).toString('latin1') }
}

t.test('ls', async (t) => {
  const { config } = await scene(t)
  const { code, out, err } = await ls(config)
  t.equal(code, 0)
  t.match(out, /^7 dead letters, .* received 2026-11-03 09:15:00Z to 10:00:00Z, in /)
  t.match(out, /schema_violation +3 .*\n(.*\n)*push +5 .*\nnet +2 .*\n\nsink .*\nsiem +1 /)
  t.match(
    out,
    / {2}2 {2}schema_violation \/severity an integer from 0 to 10\n +push, .* to .*\n +found 99 \| "high"\n +such as push.00000001:1 {2}\{"timestamp"/,
  )
  t.match(out, / 1 {2}refused by siem 400: mapping of \[severity\] failed for \*\n/)
  t.match(
    out,
    /malformed_json must be one JSON value\n.*\n.* no\\u000ajson \\u001b\[31m\n/,
    'no escape reaches the terminal',
  )
  t.equal(err, '1 line is damaged, no letters: push.00000001:4\n')

  const listing = JSON.parse((await ls(config, { json: true, top: '1' })).out)
  t.match(listing, {
    letters: 7,
    damaged: 1,
    category: [{ category: 'schema_violation', letters: 3 }],
    hour: [{ hour: '2026-11-03T09:00Z', letters: 6 }, { hour: '2026-11-03T10:00Z' }],
    failures: [{ category: 'schema_violation', path: '/severity', values: ['99', '"high"'], letters: 2 }],
    further_failures: { letters: 5 },
  })
  t.match(
    (await ls(config, { by: 'hour' })).out,
    /in .*\n\nhour .*\n2026-11-03T09:00Z +6 .*\n2026-11-03T10:00Z +1 .*\n$/,
  )
  t.match((await ls(config, { category: ['refused,invalid_utf8'], source: ['net'] })).out, /^2 dead letters/)
  t.match(
    (await ls(config, { sink: ['siem'], since: '2026-11-04' })).out,
    /^no dead letters of that kind in /,
  )
})

t.test('options that are none', async (t) => {
  const { config } = await scene(t)
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ source: ['pusch'] }, /^--source: there is no source pusch, only push, net; did you mean push\?\n/],
    [{ sink: ['nobody'] }, /^--sink: there is no sink nobody, only siem\n/],
    [{ category: ['schema'] }, /^--category: there is no category schema, only malformed_json/],
    [{ since: 'yesterday' }, /^--since: yesterday is no time/],
    [{ until: '2026-13-01' }, /^--until: /],
    [{ since: '1h', until: '2h' }, /^--until: 2h is not after --since 1h\n/],
    [{ path: 'severity' }, /^--path: severity is no JSON pointer/],
    [{ by: 'peer' }, /^--by: peer is none of category, source, sink, hour\n/],
    [{ top: '0' }, /^--top: 0 is no number/],
  ]
  for (const [options, message] of cases)
    t.match(await ls(config, options), { code: 2, out: '', err: message })
  t.match(await show(config, ['push:1']), { code: 2, err: /^ID: push:1 is none/ })
  t.match(await show(config, ['push.00000009:1']), { code: 2, err: /^there is no file push.00000009.ndjson/ })
  t.match(await show(config, ['push.00000001:1'], { first: '2' }), { code: 2 })
  t.match(JSON.parse((await ls(config, { json: true, top: 'x' })).out), { code: 'SPW_ERR_OPTION_INVALID' })
  t.match(await ls(config, { since: '2h' }), { code: 0, out: /^no dead letters/ })
  t.match(await ls(config, { since: '90000d', until: '2026-11-03T09:30' }), {
    code: 0,
    out: /^6 dead letters/,
  })
})

t.test('show', async (t) => {
  const { config } = await scene(t)
  t.equal(
    (await show(config, [])).out,
    `push.00000001:1  schema_violation at /severity
received  2026-11-03 09:15:00Z by push from 10.0.0.7:49152
schema    soc (version 0123456789ab)
expected  an integer from 0 to 10
record    71 bytes
  {
    "timestamp": "2026-11-03T09:15:00Z",
>   "severity": 99,
    "tags": [
      "a",
      {
        "b": 1
      }
    ]
  }
`,
  )
  t.match(
    (await show(config, ['net.00000002:2'])).out,
    /^.* refused by siem\n.*\n.*\nreason {4}after 3 attempts, status 400: mapping .*\n {10}2026-11-03 09:16:00Z {2}503 server_error: busy \(4 times\)\n/,
  )
  t.match(
    (await show(config, ['net.00000002:1'])).out,
    /4 bytes, not UTF-8\n {2}00000000 {2}61 ff 00 62 +a\.\.b\n/,
  )
  t.match((await show(config, ['push.00000001:3'])).out, /\n {2}no\n {2}json \\u001b\[31m\n/)
  t.match(
    (await show(config, ['push.00000001:5'])).out,
    /1,000,000 bytes, of which the first 5 were kept\n {2}\{"a":\n/,
  )
  t.match((await show(config, ['push.00000001:6'])).out, /\n> \/timestamp is not there\n$/)
  const none = await show(config, ['push.00000001:1', 'push.00000001:4', 'push.00000001:77'])
  t.match(none, { code: 1, err: /^1 line is damaged.*\npush.00000001:77: no letter of that number/ })
  t.equal(
    (await show(config, [], { first: '2', json: true })).out,
    withIds('push.00000001', PUSH).slice(0, 2).join(''),
  )
  t.match(await show(config, [], { path: '/none' }), { code: 0, out: '', err: /no letter is like that/ })
})

const refused = (n: number, at: string) => ({
  at,
  status: 400,
  category: 'refused',
  reason: `HTTP 400: no ${n}`,
  count: 1,
})

t.test('show of what was tried many times', async (t) => {
  const { config, dataDir } = await scene(t)
  const history = [
    { at: '2026-11-03T09:16:00.000Z', category: 'timeout', reason: 'no answer within 15000 ms', count: 7 },
    refused(1, '2026-11-03T09:17:00.000Z'),
    refused(2, '2026-11-03T09:18:00.000Z'),
  ]
  const letter = {
    record: '{}',
    category: 'refused',
    sink: 'siem',
    attempts: 9,
    status: 400,
    reason: 'HTTP 400: no 3',
  }
  writeFileSync(join(dataDir, 'dlq', 'push.00000001.ndjson'), letterLine({ ...letter, history }))
  t.match(
    (await show(config, [])).out,
    `reason    after 9 attempts, status 400: no 3
          2026-11-03 09:16:00Z  timeout: no answer within 15000 ms (7 times)
          2026-11-03 09:18:00Z  400 refused (2 times)
record`,
  )
  t.match((await ls(config, { by: 'sink', category: ['schema_violation'] })).out, /^no dead letters/)
})

t.test('show of a record that is long', async (t) => {
  const { config, dataDir } = await scene(t)
  const record = JSON.stringify({ list: Array.from({ length: 500 }, (_, n) => n), long: 'x'.repeat(1000) })
  writeFileSync(join(dataDir, 'dlq', 'push.00000001.ndjson'), letterLine({ record }))
  const { out } = await show(config, [])
  t.equal(out.split('\n').length, 207)
  t.match(out, /--json shows all of it/)
})

/** Letters of a file as they are printed. */
const withIds = (file: string, lines: readonly string[]) =>
  lines
    .map((line, index) => line.replace(/^\{/, `{"id":"${file}:${index + 1}",`))
    .filter((line) => line !== 'damaged\n')

/** An output that takes nothing. */
const failing = (code: string) =>
  new Writable({ write: (_, __, done) => done(Object.assign(new Error(`${code}: it fails`), { code })) })

t.test('export', async (t) => {
  const { config, dataDir } = await scene(t)
  t.match(await exported(config, []), {
    code: 0,
    text: [...withIds('push.00000001', PUSH), ...withIds('net.00000002', NET)].join(''),
  })
  const records = await exported(config, [], { records: true })
  t.equal(
    records.text,
    `${event(99)}\n${event('high')}\nno\njson \u001b[31m\n{ "a": 1  }\na\u00ff\0b\n${event(5)}\n`,
    'as they were received; a document is one line',
  )
  t.match(records.err, /^1 left out: their records were cut at 64 KiB\n1 line is damaged/)
  const file = join(dataDir, 'letters.ndjson')
  t.match(await exported(config, ['push.00000001:2'], { output: file }), {
    code: 0,
    err: `1 dead letter in ${file}\n`,
  })
  t.equal(readFileSync(file, 'utf8'), withIds('push.00000001', PUSH)[1])
  t.match(await exported(config, ['net.00000002:1', 'push.00000099:1', 'net.00000002:9']), {
    code: 0,
    err: '2 of 3 ids are of no such letter in the queue\n',
  })
  t.match(await exported(config, ['net.00000002:9']), { code: 1, text: '', err: /^1 of 1 ids is of no/ })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(await exported(config, [], { output: file }), { code: 1, err: /cannot be written to .*EEXIST/ })
  t.match(await exported(config, [], {}, failing('EPIPE')), { code: 0 })
  t.match(await exported(config, [], {}, failing('ENOSPC')), { code: 1, err: /standard output: ENOSPC/ })
})

t.test('purge without a collector', async (t) => {
  const disk = await scene(t)
  const { config, dataDir } = disk
  t.match(await purge(config, [], { yes: true }), { code: 2, err: /^purge: say which letters .* or --all\n/ })
  t.match(await purge(config, [], { all: true, source: ['net'] }), { code: 2, err: /^--all: not together/ })
  t.match(await purge(config, [], { path: '/severity' }), {
    code: 0,
    out: /^2 dead letters would be purged; --yes does it/,
  })
  t.match(await purge(config, [], { path: '/severity', yes: true }), {
    code: 0,
    out: '2 dead letters purged\n',
  })
  t.match(await purge(config, [], { path: '/severity', yes: true }), {
    code: 0,
    out: '0 dead letters purged\n',
  })
  t.match((await ls(config)).out, /^5 dead letters/)
  t.match(await show(config, ['push.00000001:1']), { code: 1 })
  const audit = await run((output) => auditCommand({ config }, output, 1))
  t.match(audit, { code: 0, out: /dead letters +found .*\n +0 +8 +6 +0 +2 +0\n/ }, 'before the state knows')

  t.match(await purge(config, ['net.00000002:2', 'net.00000002:1'], { yes: true, json: true }), {
    out: '{"purged":2}\n',
  })
  t.strictSame(readdirSync(join(dataDir, 'dlq')).toSorted(), ['push.00000001.marks', 'push.00000001.ndjson'])
  const { state } = await readState(join(disk.directory, 'state'))
  t.strictSame(state!.deadLetters, { found: 0, replayed: 0, purged: 4, evicted: 0 })
  t.match(
    await purge(config, [], { all: true, yes: true }),
    { out: '4 dead letters purged\n', err: '' },
    'the damaged one, too',
  )
  t.strictSame(readdirSync(join(dataDir, 'dlq')), [])
  t.match(await run((output) => auditCommand({ config }, output, 1)), { code: 0, out: / 0 +8 +0 +0 +8 +0\n/ })
})

t.test('purge through a collector that runs', async (t) => {
  const { config, dataDir } = await scene(t)
  const lock = await lockDataDir(dataDir)
  t.teardown(() => lock.release())
  t.match(await purge(config, [], { all: true, yes: true }), { code: 1, err: /is in use by process/ })
  const asked: unknown[] = []
  const letters = {
    async mark(...call: unknown[]) {
      asked.push(call)
      return 3
    },
  }
  const server = new ControlServer({
    path: join(dataDir, 'control.sock'),
    handlers: { [PURGE_METHOD]: purgeHandler(letters) },
  })
  t.teardown(() => server.stop())
  await server.start()
  t.match(await purge(config, [], { path: '/severity', yes: true }), {
    code: 0,
    out: '3 dead letters purged\n',
  })
  t.strictSame(asked, [
    [[], 'purged'],
    [[{ file: 'push.00000001.ndjson', line: 1, count: 2 }], 'purged'],
  ])
  await t.rejects(purgeHandler(letters)({ files: [] }), { code: 'SPW_ERR_OPTION_INVALID' })
})

t.test('the command line, into a reader that goes away', async (t) => {
  const { config, dataDir } = await scene(t)
  writeFileSync(
    join(dataDir, 'dlq', 'push.00000003.ndjson'),
    letterLine({ record: 'x'.repeat(1000) }).repeat(2000),
  )
  const cli = join(import.meta.dirname, '../../../src/cli.ts')
  const args = [
    'dlq',
    'export',
    '-c',
    config,
    '--source',
    'push',
    '--source',
    'net',
    '--category',
    'schema_violation',
  ]
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  child.stdout.destroy()
  const [code] = await once(child, 'close')
  t.match(chunk.toString(), withIds('push.00000001', PUSH)[0])
  t.equal(code, 0)
  t.match(err, /^(1 line is damaged.*\n)?$/)
})

t.test('the command line, onto a full disk', async (t) => {
  const { config } = await scene(t)
  const cli = join(import.meta.dirname, '../../../src/cli.ts')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const args = ['dlq', 'show', '-c', config, '--json']
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', full, 'pipe'] })
  let err = ''
  child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = await once(child, 'close')
  t.equal(code, 1)
  t.match(err, /^cannot write to standard output: ENOSPC/)
})
