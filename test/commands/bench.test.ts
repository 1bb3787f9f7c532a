/** `spillway bench` as its users meet it: a child process. The figures are the host's; what is checked is that they fit together. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../../src/app/config/load.ts'
import type { reportJson } from '../../src/commands/bench/report.ts'
import { temporaryDirectory } from '../helpers/collector.ts'
import { run } from './fixtures/cli.ts'

function reported(out: string): ReturnType<typeof reportJson> {
  return JSON.parse(out)
}

t.test('options that are none', async (t) => {
  const wrong = [
    [['--duration', '1s'], /^--duration: 1s is no time from 2s to 10m/m],
    [['--event-bytes', '10'], /^--event-bytes: 10 is no size from 192B to 256KiB/m],
    [['--dir', '/nowhere'], /^--dir: there is no directory \/nowhere/m],
    [['--file', '/nowhere', '--event-bytes', '1KiB'], /^--event-bytes: events of a file have/m],
  ] as const
  await Promise.all(
    wrong.map(async ([args, message]) => {
      const { code, out, err } = await run(t, 'bench', ...args)
      t.same([code, out], [2, ''])
      t.match(err, message)
    }),
  )
})

t.test('the host is measured, and the output is a configuration for it', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'recommended.yaml')
  const { code, out, err } = await run(t, 'bench', '--dir', directory, '--duration', '2s')
  t.equal(code, 0, err)
  t.match(out, /^# host .*\n# cores {6}\d/)
  t.match(out, /^# {5}4 KiB {2}( +[\d.]+ m?s){3} +[\d,]+ MB\/s +\d+ commits$/m)
  t.match(out, /^# collector {2}[\d.]+ CPU-s per million events: main thread [\d.]+, workers [\d.]+/m)
  t.match(out, /<- the least$/m)
  t.match(out, /^# not measured: the network beyond loopback/m)
  writeFileSync(file, out)
  const { config } = loadConfig(file)
  t.equal(config.dataDir, directory)
  t.same(
    config.sources.map(({ name }) => name),
    ['push', 'lines', 'net', 'net_udp'],
  )
  t.match(parse(out), {
    workers: Number,
    memory: { arena_bytes: /MiB|GiB/ },
    journal: { max_bytes: /MiB|GiB/ },
  })
  t.same(readdirSync(directory), ['recommended.yaml'], 'nothing else is left on the disk')
})

t.test('with a configuration and events of its own, as JSON', async (t) => {
  const directory = temporaryDirectory(t)
  const config = join(directory, 'mine.yaml')
  const events = join(directory, 'events.ndjson')
  writeFileSync(
    config,
    `# ours
data_dir: ./data
schemas: { door: { file: ./door.json } }
sources: { doors: { type: tcp, listen: '127.0.0.1:0', schema: door, max_connections: 10 } } # in the cellar
sinks: { out: { type: http, url: 'http://127.0.0.1:1/', auth: { bearer: '\${SPILLWAY_TEST_TOKEN}' } } }
`,
  )
  writeFileSync(join(directory, 'door.json'), '{ "type": "object", "required": ["door"] }')
  writeFileSync(events, '{"door":17,"open":true}\n{"door":18,"open":false}\n{"dor":1}\n\n{"door":19}\n')
  process.env['SPILLWAY_TEST_TOKEN'] = 'hunter2'
  t.teardown(() => delete process.env['SPILLWAY_TEST_TOKEN'])
  const { code, out, err } = await run(
    t,
    'bench',
    '-c',
    config,
    '--file',
    events,
    '--duration',
    '2s',
    '--json',
  )
  t.equal(code, 0, err)
  const report = reported(out)
  t.equal(report.directory, directory, 'its data_dir is not there yet: the disk is that of what is above')
  t.equal(report.events.mean_bytes, (23 + 24 + 9 + 11 + 4) / 4)
  t.equal(report.scanner.undecided_share, 0.25)
  const { rejected_share: rejectedShare } = report.rehearsal!
  t.ok(
    rejectedShare > 0.1 && rejectedShare < 0.5,
    `of what is under way, ${rejectedShare} are counted as refused`,
  )
  t.match(report.warnings.join('\n'), /the schema refuses \d+ % of the events/)
  t.match(report.recommended.yaml, /^# ours\n/)
  t.match(report.recommended.yaml, /# in the cellar/)
  t.notMatch(out, /hunter2/, 'secrets stay where they are')
  const {
    bounds,
    highest_events_per_second: highest,
    sustainable_events_per_second: sustainable,
  } = report.rate!
  t.equal(highest, Math.min(...bounds.map(({ events_per_second: perSecond }) => perSecond)))
  t.ok(sustainable < highest)
  t.ok(report.reserves.length > 0)
})
